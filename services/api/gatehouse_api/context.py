"""What the routes work with, and how they get at it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import Request, current_app, g, request

from gatehouse_common.accounts import Permission
from gatehouse_common.db import (
    Audit,
    Camera,
    CameraRepository,
    ClipRepository,
    Facts,
    FootageReader,
    HoldRepository,
    JobRepository,
    PlateListings,
    PlateReader,
    PlateWriter,
    ShareLinks,
    Users,
    Visible,
)
from gatehouse_common.errors import NotFound
from gatehouse_common.footage import ChunkReader, Library
from gatehouse_common.media.hls_live import LiveWindows
from gatehouse_common.runtime import Core, PageSettings
from gatehouse_common.watching import ListedPlates

from .auth.caller import VisibleCameras, caller, visible_to, wanted_permission
from .auth.doorkeeper import Doorkeeper
from .auth.login_desk import LoginDesk
from .auth.standing import Standing
from .auth.user_desk import UserDesk
from .conversions import Conversions
from .detector_desk import DetectorDesk
from .event_sources import EventSources
from .events import EventHub
from .list_desk import ListDesk
from .live import LiveDesk
from .live_order import LiveOrder
from .media_desk import MediaDesk
from .plate_views import PlateViews
from .recorder_desk import RecorderDesk
from .recording_watch import RecordingWatch
from .uploads.blobs import BlobDesk
from .uploads.engine import UploadEngine
from .viewing_desk import ViewingDesk
from .visible_library import VisibleLibrary
from .webhooks.desk import WebhookDesk

_KEY = "gatehouse"


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a route may use. What it looks up is what there is for who asks, for what the route is for.

    Attributes:
        core: adapters and settings.
        settings: settings as they are by now.
        cameras: the cameras that there are for whoever asks.
        camera_records: all of them, to be changed.
        everything: all recorded media, whoever asks; routes take ``library``.
        reader: gives the bytes of what the library describes.
        live: live views.
        conversions: files of other formats that are being made.
        corrections: what people say of plates.
        listed: which plates are on watch lists.
        list_desk: changes watch lists.
        clip_reader: gives the bytes of clips.
        detectors: questions to detectors.
        events: what happens, for who wants to be told.
        event_sources: what is told of it.
        recording: which cameras are not recorded that should be.
        doorkeeper: knows who asks.
        login_desk: lets people in.
        user_desk: changes who may do what.
        audit: what was done, and by whom.
        recorder: sessions in which users record.
        viewings: who watches live pictures.
        links: ranges that were given out to people without an account.
        webhooks: addresses that are told of events.
        uploads: takes the bytes of files that people bring.
        blobs: takes files in blobs with numbers.
        media: what became of them, and what people do with that.
        stop: set when the server is to end; endless answers watch it.
        hls: the numbers of live HLS segments.
    """

    core: Core
    settings: PageSettings
    cameras: VisibleCameras
    camera_records: CameraRepository
    everything: Library
    reader: ChunkReader
    live: LiveDesk
    conversions: Conversions
    corrections: PlateWriter
    listed: ListedPlates
    list_desk: ListDesk
    clip_reader: ChunkReader
    detectors: DetectorDesk
    events: EventHub
    event_sources: EventSources
    recording: RecordingWatch
    doorkeeper: Doorkeeper
    login_desk: LoginDesk
    user_desk: UserDesk
    audit: Audit
    recorder: RecorderDesk
    viewings: ViewingDesk
    links: ShareLinks
    webhooks: WebhookDesk
    uploads: UploadEngine
    blobs: BlobDesk
    media: MediaDesk
    stop: threading.Event
    hls: LiveWindows = field(default_factory=LiveWindows)

    def visible(self, permission: Permission | None = None) -> Visible | None:
        """Return what there is for who asks, with a permission or that of the route; None: everything."""
        return visible_to(g.get("principal"), wanted_permission(permission), self.core.clock.now_us())

    def standing(self) -> Standing:
        """Return what tells, long after this request, whether who sent it may still have what is sent."""
        asked = cast("Request", request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - is public
        return Standing(self.doorkeeper, self.core.clock, asked, caller())

    @property
    def footage(self) -> FootageReader:
        """Look-ups of chunks in the index."""
        return FootageReader(self.core.db, self.visible())

    @property
    def library(self) -> VisibleLibrary:
        """Recorded media."""
        visible = self.visible()
        return VisibleLibrary(self.everything, FootageReader(self.core.db, visible), visible)

    @property
    def plates(self) -> PlateReader:
        """Plates in the index."""
        return PlateReader(self.core.db, self.visible())

    @property
    def clips(self) -> ClipRepository:
        """Clips in the index."""
        return ClipRepository(self.core.db, self.visible())

    @property
    def plate_views(self) -> PlateViews:
        """Makes what answers show of plates."""
        return PlateViews(self.plates, self.clips, PlateListings(self.core.db))

    @property
    def holds(self) -> HoldRepository:
        """What is held."""
        return HoldRepository(self.core.db, self.visible(), self.media.library(caller()).ids())

    @property
    def jobs(self) -> JobRepository:
        """Longer works."""
        return JobRepository(self.core.db, whose=self.media.jobs_seen(caller()))

    @property
    def own_jobs(self) -> JobRepository:
        """Those of them that are made for who asks."""
        return JobRepository(self.core.db, whose=self.media.jobs_own(caller()))

    @property
    def live_order(self) -> LiveOrder:
        """How people have put the cameras of the live page."""
        return LiveOrder(Users(self.core.db), Facts(self.core.db), self.core.clock)

    def default_camera(self, permission: Permission | None = None) -> str | None:
        """Return the camera of routes that name none: the configured one, else the first by id."""
        found = [camera.id for camera in self.cameras.list(permission)]
        configured = self.core.settings.values.api.default_camera
        # Before there are any it is what is waited for; to who sees only some it would be a name of which to know.
        awaited = configured and not found and caller().cameras() is None
        return configured if configured in found or awaited else next(iter(found), None)

    def chosen_camera(self, named: str) -> Camera:
        """Return the camera of a route that may name one, else the default camera.

        Raises:
            NotFound: there is none of that name, or none at all.
        """
        camera = named or self.default_camera()
        if camera is None:
            raise NotFound("no camera is configured")
        return self.cameras.get(camera)


def install(context: Context) -> None:
    """Make ``context`` that of the current app."""
    current_app.extensions[_KEY] = context


def context() -> Context:
    """Return the context of the app that answers this request."""
    return cast("Context", current_app.extensions[_KEY])

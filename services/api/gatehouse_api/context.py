"""What the routes work with, and how they get at it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from gatehouse_common.db import Audit, Camera, CameraRepository, ClipRepository, FootageReader, PlateReader, PlateWriter
from gatehouse_common.errors import NotFound
from gatehouse_common.footage import ChunkReader, Library
from gatehouse_common.media.hls_live import LiveWindows
from gatehouse_common.runtime import Core

from .auth.caller import VisibleCameras
from .auth.doorkeeper import Doorkeeper
from .auth.login_desk import LoginDesk
from .auth.user_desk import UserDesk
from .conversions import Conversions
from .detector_desk import DetectorDesk
from .event_sources import EventSources
from .events import EventHub
from .live import LiveDesk
from .plate_views import PlateViews
from .recording_watch import RecordingWatch

_KEY = "gatehouse"


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a route may use.

    Attributes:
        core: adapters and settings.
        cameras: the cameras that there are for whoever asks.
        camera_records: all of them, to be changed.
        footage: look-ups in the index.
        library: recorded media.
        reader: gives the bytes of what the library describes.
        live: live views.
        conversions: files of other formats that are being made.
        plates: plates in the index.
        corrections: what people say of them.
        clips: clips in the index.
        plate_views: makes what answers show of plates.
        clip_reader: gives the bytes of clips.
        detectors: questions to detectors.
        events: what happens, for who wants to be told.
        event_sources: what is told of it.
        recording: which cameras are not recorded that should be.
        doorkeeper: knows who asks.
        login_desk: lets people in.
        user_desk: changes who may do what.
        audit: what was done, and by whom.
        stop: set when the server is to end; endless answers watch it.
        hls: the numbers of live HLS segments.
    """

    core: Core
    cameras: VisibleCameras
    camera_records: CameraRepository
    footage: FootageReader
    library: Library
    reader: ChunkReader
    live: LiveDesk
    conversions: Conversions
    plates: PlateReader
    corrections: PlateWriter
    clips: ClipRepository
    plate_views: PlateViews
    clip_reader: ChunkReader
    detectors: DetectorDesk
    events: EventHub
    event_sources: EventSources
    recording: RecordingWatch
    doorkeeper: Doorkeeper
    login_desk: LoginDesk
    user_desk: UserDesk
    audit: Audit
    stop: threading.Event
    hls: LiveWindows = field(default_factory=LiveWindows)

    def default_camera(self) -> str | None:
        """Return the camera of routes that name none: the configured one, else the first by id."""
        found = [camera.id for camera in self.cameras.list()]
        configured = self.core.settings.values.api.default_camera
        return configured if configured in found or (configured and not found) else next(iter(found), None)

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

"""What the routes work with, made of the adapters that the settings chose."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gatehouse_common.accounts.passwords import Passwords
from gatehouse_common.db import Audit, CameraRepository, Deliveries, PlateWriter, RecorderSessions, ShareLinks, Webhooks
from gatehouse_common.footage import ChunkReader, Library
from gatehouse_common.runtime import Check, Core, PageSettings
from gatehouse_common.watching import ListedPlates

from .auth.caller import VisibleCameras
from .auth.doorkeeper import Doorkeeper
from .auth.login_desk import LoginDesk
from .auth.user_desk import UserDesk
from .clip_media import clip_reader
from .context import Context
from .conversions import Conversions
from .detector_desk import DetectorDesk
from .event_sources import EventSources
from .events import EventHub
from .list_desk import ListDesk
from .live import LiveDesk
from .live_feed import LiveFeeds
from .media_desk import MediaDesk
from .recorder_desk import RecorderDesk
from .recording_news import RecordingNews
from .recording_watch import RecordingWatch
from .routes.cameras import view
from .uploads.blobs import BlobDesk
from .uploads.engine import UploadEngine
from .viewing_desk import ViewingDesk
from .webhooks.bodies import Bodies
from .webhooks.desk import WebhookDesk
from .webhooks.notifier import Notifier
from .webhooks.sending import Postman, Sender


def build_context(core: Core, ending: threading.Event, checks: Callable[[], list[Check]]) -> Context:
    """Return what the routes of one app work with.

    Args:
        core: adapters and settings.
        ending: set when the server is to end.
        checks: what the services of this process say of themselves.
    """
    settings = core.settings.values
    api = settings.api
    library = Library(core)
    cameras = CameraRepository(core.db)
    recording = RecordingWatch(core, checks)
    keeper, audit, passwords = Doorkeeper(core), Audit(core.db), Passwords()
    page, engine = PageSettings(core), UploadEngine(core)
    sources = EventSources(core.db, cameras, view, recording.seen)
    looked_at = {"cameras": sources.states, "recordings": RecordingNews(RecorderSessions(core.db), core.clock).states}
    webhooks = Webhooks(core.db)
    postman = Postman(settings.webhooks, core.clock)
    bodies = Bodies(sources, settings.webhooks.public_url)
    sender = Sender(Deliveries(core.db), webhooks, bodies, postman, core.clock)
    notifier = Notifier(core, sender, looked_at)
    return Context(
        core=core,
        settings=page,
        cameras=VisibleCameras(cameras),
        camera_records=cameras,
        everything=library,
        reader=ChunkReader(core.media, library.locate),
        live=LiveDesk(LiveFeeds(core), core.clock, api.max_live_viewers),
        conversions=Conversions(api.max_conversions, api.conversion_timeout_seconds, ending),
        corrections=PlateWriter(core.db),
        listed=ListedPlates(core),
        list_desk=ListDesk(core, audit),
        clip_reader=clip_reader(core.media),
        detectors=DetectorDesk(core.bus, core.clock, settings.detection.timeout_seconds),
        events=EventHub(core.bus, core.clock, api.max_event_viewers, sources.resolve, looked_at),
        event_sources=sources,
        recording=recording,
        doorkeeper=keeper,
        login_desk=LoginDesk(core, keeper, passwords, page),
        user_desk=UserDesk(core, keeper, audit, passwords),
        audit=audit,
        recorder=RecorderDesk(core, keeper.users, audit, page),
        viewings=ViewingDesk(core, keeper.users, audit, page),
        links=ShareLinks(core.db),
        webhooks=WebhookDesk(core, audit, postman, notifier),
        uploads=engine,
        blobs=BlobDesk(core, engine),
        media=MediaDesk(core, keeper.users, audit),
        stop=ending,
    )

"""The capture service: a worker per enabled camera, and what keeps them right."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from gatehouse_common.bus import Delivery
from gatehouse_common.bus.notices import Outbox
from gatehouse_common.clock import SECOND
from gatehouse_common.db import CameraRepository, FootageReader, LeaseRepository
from gatehouse_common.db.models import MAX_CHUNK_US
from gatehouse_common.errors import InvalidInput
from gatehouse_common.media.chunk_file import FsyncPolicy
from gatehouse_common.media.open_chunks import OpenChunks
from gatehouse_common.media.recorder import ChunkPolicy
from gatehouse_common.messages import CameraChanged, FootageWanted, GapCause, Interruption, LiveRequested
from gatehouse_common.runtime import Check, Core
from gatehouse_common.runtime.buses import is_shared
from gatehouse_common.runtime.database import wait_for
from gatehouse_common.settings import fsync_every_us
from gatehouse_common.settings.cameras import camera_settings
from gatehouse_common.sharing import FairShare

from .absences import Absences
from .camera import CameraWorker, Timing
from .live import LiveTap
from .roster import Assignment, Listing, Roster
from .run_notices import Desk
from .space import Space
from .watching.options import WatchOptions, watch_options
from .watching.turns import Turns
from .workers import Workers

log = structlog.get_logger(__name__)

LONGEST_CHUNK_US = MAX_CHUNK_US - 70 * SECOND
"""What the index takes, less a pause of the camera at its end (``idle_seconds`` at most) and what is put in order."""
_STOP_S = 8.0
_LOOK_S = 10.0
_GLANCE_S = 0.5
_SHARE_S = 1.0
_LONGEST_UNKEPT_US = 60 * SECOND
"""Chunks that are not to be stored go as a whole, so they are short: the spool holds little that nobody needs."""
_DATABASE_S = 3.0
"""Recording waits for the database for so long only; then it records the cameras of the last time."""


def build(core: Core) -> CaptureService:
    """Return the service."""
    return CaptureService(core)


class CaptureService:
    """Records every enabled camera."""

    name = "capture"

    def __init__(self, core: Core) -> None:
        self._core = core
        self._share: FairShare | None = None
        cameras, kept = CameraRepository(core.db), core.data_dir / "cameras.json"
        held = self._held if is_shared(core.settings) else None
        self._roster = Roster(cameras, FootageReader(core.db), kept, held)
        if held is not None:
            leases, every = LeaseRepository(core.signs, "camera"), CameraRepository(core.signs).enabled
            self._share = FairShare(leases, core.name, every, core.clock.monotonic_us, work="camera")
        self._absences = Absences(core.data_dir / "absences.json", core.clock)
        self._workers = Workers(self._absences, core.clock, _STOP_S)
        self._space = Space(core.spool.capacity, core.clock)
        self._taps: dict[str, LiveTap] = {}
        self._turns = Turns()
        self._changed = threading.Event()
        self._assigned: frozenset[str] = frozenset()
        recording = core.settings.values.recording
        self._policy = ChunkPolicy(
            part_us=round(recording.part_seconds * SECOND),
            chunk_us=round(recording.chunk_seconds * SECOND),
            fsync=FsyncPolicy(fsync_every_us(recording.fsync)),
            longest_us=LONGEST_CHUNK_US,
        )
        self._chunk_us: dict[str, int] = {}
        self._wanted_us: dict[str, int] = {}
        self._timing = Timing(recording.idle_seconds)
        self._fragment_us = round(recording.live_fragment_seconds * SECOND)
        self._rooms: OpenChunks | None = None
        if core.inner is not None:
            from .rooms import open_rooms  # noqa: PLC0415 - a web server that one machine alone does not need

            self._rooms = open_rooms(core, core.inner)

    def run(self, stop: threading.Event) -> None:
        """Record until told to stop; then finish every chunk file."""
        soon = threading.Event()
        threading.Timer(_DATABASE_S, soon.set).start()
        wait_for(self._core.db, soon, self._core.clock)
        outbox = Outbox(self._core.bus)
        self._absences.begin()
        sharing = self._begin_sharing(stop)
        changes = self._core.bus.subscribe_transient([CameraChanged], self._on_change)
        wanted = self._core.bus.subscribe_transient([FootageWanted], self._on_wanted)
        live = self._core.live.subscribe_transient([LiveRequested], self._on_live)
        ended = threading.Event()
        works: list[Callable[[threading.Event], None]] = [self._space.run, self._watch, partial(self._wake_when, stop)]
        for work in works:
            threading.Thread(target=work, args=(ended,), name="capture-beside", daemon=True).start()
        try:
            while not stop.is_set():
                self._changed.clear()
                listing = self._roster.load()
                if listing is not None:
                    self._assigned = frozenset(one.id for one in listing.wanted)
                    self._configure(listing)
                self._workers.follow(listing, partial(self._make, outbox))
                self._wait_for_change()
        finally:
            changes.close()
            wanted.close()
            live.close()
            self._workers.stop_all(GapCause.SERVICE_DOWN)
            ended.set()
            self._turns.close()
            self._end_sharing(sharing)
            outbox.close()
            if self._rooms is not None:
                self._rooms.close()

    def health(self) -> list[Check]:
        """Return whether every camera that should record does."""
        return self._workers.checks()

    def _at_work(self) -> frozenset[str]:
        """The cameras whose leases must stay: those that are recorded, and those that are just about to be."""
        return self._workers.present | self._assigned

    def _held(self) -> Mapping[str, int]:
        return self._share.held() if self._share is not None else {}

    def _begin_sharing(self, stop: threading.Event) -> threading.Thread | None:
        share = self._share
        if share is None:
            return None
        share.look(self._at_work())

        def keep() -> None:
            while not self._core.clock.wait(stop, _SHARE_S):
                try:
                    if share.look(self._at_work()):
                        self._changed.set()
                except Exception:  # a fault in one look must not end the looking
                    log.exception("the share of cameras could not be kept")

        thread = threading.Thread(target=keep, name="share-cameras", daemon=True)
        thread.start()
        return thread

    def _end_sharing(self, sharing: threading.Thread | None) -> None:
        """Let others have what has ended here; a worker that hangs keeps its camera's lease until it runs out."""
        if sharing is not None and self._share is not None:
            sharing.join()
            if not self._workers.present:
                self._share.leave()

    def _wake_when(self, stop: threading.Event, ended: threading.Event) -> None:
        while not ended.is_set():
            if stop.wait(_SHARE_S):
                self._changed.set()
                return

    def _watch(self, ended: threading.Event) -> None:
        """Let workers see to what stands still; in a thread that touches no disk, which may be what does."""
        while not self._core.clock.wait(ended, _GLANCE_S):
            try:
                self._workers.watch()
            except Exception:  # a fault in one look must not end the looking
                log.exception("cameras could not be watched")

    def _wait_for_change(self) -> None:
        """Wait until cameras have changed: told by a message, or seen in the index, where another process wrote."""
        for _ in range(round(_LOOK_S / _GLANCE_S)):
            if self._changed.wait(_GLANCE_S) or self._workers.waiting or self._roster.changed():
                return

    def _on_change(self, _delivery: Delivery) -> None:
        self._changed.set()

    def _on_live(self, delivery: Delivery) -> None:
        tap = self._taps.get(delivery.message.camera)
        if tap is not None and isinstance(delivery.message, LiveRequested):
            tap.request(delivery.message)

    def _on_wanted(self, delivery: Delivery) -> None:
        if isinstance(delivery.message, FootageWanted):
            self._wanted_us[delivery.message.camera] = delivery.message.until_us

    def _make(self, outbox: Outbox, one: Assignment, interruptions: Sequence[Interruption]) -> CameraWorker:
        core = self._core
        tap = LiveTap(
            core.live, core.clock, one.id, self._fragment_us, self._turns, core.bus.publish, self._options(one)
        )
        epoch = one.epoch

        def told() -> int:
            """Return the epoch of its lease, and that of the last one after it is lost: others have greater ones."""
            nonlocal epoch
            epoch = max(epoch, self._held().get(one.id, 0))
            return epoch

        def chunk_us() -> int:
            return self._chunk_us[one.id]

        def wanted_us() -> int:
            return self._wanted_us.get(one.id, 0)

        own_url, send = core.spools.own_url, outbox.send
        desk = Desk(
            one.id,
            core.data_dir,
            self._policy,
            core.clock,
            send,
            tap,
            own_url,
            told,
            chunk_us,
            wanted_us,
            refused=partial(self._space.refused, one.id),
            wrote=partial(self._space.wrote, one.id),
            chunk_bytes=self._space.chunk_bytes,
        )
        before = self._taps.get(one.id)
        if before is not None:
            before.close()
        self._taps[one.id] = tap  # that of a camera which is gone asks nothing of anybody
        return CameraWorker(one.url, desk, self._timing, lambda: one.end_us, interruptions)

    def _configure(self, listing: Listing) -> None:
        """Let cameras that are recorded be watched, and their chunks be cut, as their settings say now."""
        self._space.follow({one.id: _priority(one) for one in listing.wanted})
        for one in listing.wanted:
            self._chunk_us[one.id] = self._length_of(one)
            tap = self._taps.get(one.id)
            if tap is not None:
                tap.configure(self._options(one))

    def _length_of(self, one: Assignment) -> int:
        """Return the length of a camera's chunks in microseconds."""
        length_us = self._policy.chunk_us
        keeps_all = self._core.settings.values.recording.keep == "all" if one.keeps_all is None else one.keeps_all
        return length_us if keeps_all else min(length_us, _LONGEST_UNKEPT_US)

    def _options(self, one: Assignment) -> WatchOptions:
        site = self._core.settings.values.detection
        try:
            return watch_options(site, one.settings)
        except InvalidInput as error:
            log.warning("a camera is watched as if it had no settings", camera=one.id, reason=error.message)
            return watch_options(site, {})


def _priority(one: Assignment) -> int:
    """Return how late a camera is held back for want of room; one whose settings cannot be read is as most are."""
    try:
        return camera_settings(one.settings).priority
    except InvalidInput:
        return 0

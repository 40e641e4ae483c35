"""The segmenter as a service: its queue, and a look at the store now and then."""

from __future__ import annotations

import threading

import structlog

from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.db import ClipRepository, RecorderSessions
from gatehouse_common.errors import Cancelled, GatehouseError, Kind, WorkerUnavailable
from gatehouse_common.footage import Library
from gatehouse_common.messages import ChunkClosed, PlateSeen
from gatehouse_common.observability.metrics import (
    STORAGE_CAPACITY,
    STORAGE_FREE,
    STORAGE_FREE_INODES,
    STORAGE_WRITE_ERRORS,
)
from gatehouse_common.runtime import Check, Core, SharedQueue
from gatehouse_common.runtime.buses import is_shared
from gatehouse_common.storage import keys

from .clip_cutter import ClipCutter
from .clip_plans import CameraLocks, ClipPlans
from .clips import Clips
from .early import EarlySender
from .footage_clock import FootageClock
from .publisher import Publisher
from .session_cutter import SessionCutter
from .sessions import SessionFiles
from .unkept import Unkept

log = structlog.get_logger(__name__)

QUEUE = "segmenter"
LOW_BYTES = 256 << 20
_LOW_PARTS = 20
"""On a small disk it is a part of it that is little: more may never be free there."""
_LONGEST_PAUSE_S = 5.0
_DRAIN_S = 2.0
_LOOK_S = 15.0
_PROBE_US = 30 * SECOND
"""So often a small file shows that a directory can be written to; while it cannot, at every look."""
_GLANCE_S = 2.0
_KEPT_INDEX_BYTES = 32 << 20
_WORK = "work"
"""The folder of a segmenter among others: footage waits in the spools of recorders, which tell of them themselves."""
_ABANDONED_US = 24 * 3600 * SECOND
_GONE_ON_US = 600 * SECOND
"""Within so long after a start whoever goes on with an upload that a crash has left has begun to."""


class Segmenter:
    """Publishes chunks, and cuts clips."""

    name = QUEUE

    def __init__(self, core: Core) -> None:
        self._core = core
        self._stop = threading.Event()
        self._waiting_for = ""
        self._room = Check("storage", ok=True)
        self._probed_us: int | None = None
        self._tidied = False
        # Who works alone knows that nobody else is about what was begun before.
        now_us = core.clock.now_us()
        self._abandoned_us = now_us - _ABANDONED_US if is_shared(core.settings) else now_us - SECOND
        # Where the store has no size that is known, a disk of this machine: who works alone has the spool there.
        self._own_root = _WORK if is_shared(core.settings) else "spool"
        self._queue: SharedQueue | None = None
        clips, locks = ClipRepository(core.db), CameraLocks()
        self._unkept = Unkept(core, clips, locks, self._is_mine)
        self._early = EarlySender(core, lambda camera: self._is_mine(camera) and self._unkept.keeps(camera))
        self._tidy_us = core.clock.monotonic_us() + (_GONE_ON_US if self._early.sends() else 0)
        self._publisher = Publisher(core, self._early)
        self._plans = ClipPlans(core, clips, locks)
        self._library = Library(core, _KEPT_INDEX_BYTES)
        cutter, footage = ClipCutter(core, clips, self._library), FootageClock(self._library, core.clock)
        self._clips = Clips(core, clips, cutter, footage, self._is_mine)
        sessions = RecorderSessions(core.db)
        files = SessionCutter(core, sessions, self._library)
        self._sessions = SessionFiles(core, sessions, files, FootageClock(self._library, core.clock), self._is_mine)

    def run(self, stop: threading.Event) -> None:
        """Handle the queue until told to stop, then what is in it already."""
        self._stop = stop
        queue = self._queue = SharedQueue(self._core, QUEUE, lambda name: self._core.bus.subscribe(name, self.handle))
        ending = threading.Event()
        clips = threading.Thread(target=self._clips.run, args=(ending,), name="clips", daemon=True)
        clips.start()
        files = threading.Thread(target=self._sessions.run, args=(ending,), name="session-files", daemon=True)
        files.start()
        try:
            while not stop.is_set():
                self._look_at_room()
                self._tidy()
                self._early.look()
                self._let_go_until(stop, self._core.clock.monotonic_us() + round(_LOOK_S * SECOND))
            self._drain()
        finally:
            queue.close()
            ending.set()
            self._clips.changed()
            clips.join()
            files.join()
            self._library.close()

    def handle(self, delivery: Delivery) -> None:
        """Do what a message asks for; while the store has no room or does not answer, wait with it in hand."""
        pause = 0.2
        while True:
            try:
                self._dispatch(delivery)
            except WorkerUnavailable as error:
                # It tells again what it has, when it is there again at the latest; others must not wait for it.
                log.warning("a chunk is left to the worker that has it", reason=error.message)
                return
            except GatehouseError as error:
                if error.kind not in {Kind.EXHAUSTED, Kind.UNAVAILABLE}:
                    raise
                self._waiting_for = error.message
                log.warning("a message waits", type=delivery.message.TYPE, reason=error.message)
                if self._core.clock.wait(self._stop, pause):
                    raise Cancelled("the segmenter was stopped") from error
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                self._waiting_for = ""
                return

    def health(self) -> list[Check]:
        """Return whether chunks get into the store, and whether it has room."""
        waiting_for = self._waiting_for or self._clips.trouble or self._sessions.trouble
        if waiting_for:
            return [Check("storage", ok=False, detail=waiting_for)]
        return [self._room]

    def _is_mine(self, camera: str) -> bool:
        return self._queue is None or self._queue.is_mine(camera)

    def _dispatch(self, delivery: Delivery) -> None:
        message = delivery.message
        if isinstance(message, PlateSeen):
            if self._plans.see(message):
                self._clips.changed()
        elif isinstance(message, ChunkClosed):
            if message.bytes > 0 and not self._unkept.wants(message):
                self._unkept.hold(message)
            else:
                self._publisher.publish(message)

    def _let_go_until(self, stop: threading.Event, until_us: int) -> None:
        """Look after the chunks that are not kept; those that are wanted after all are stored."""
        while not self._core.clock.wait(stop, _GLANCE_S) and self._core.clock.monotonic_us() < until_us:
            try:
                wanted = [] if self._waiting_for else self._unkept.look()
            except GatehouseError as error:
                log.warning("chunks are held for longer", reason=error.message)
                continue
            for closed in wanted:
                try:
                    self.handle(Delivery(closed))
                except GatehouseError as error:  # the worker that has it tells it again
                    log.warning("a chunk that was to be let go of is not stored yet", reason=error.message)

    def _drain(self) -> None:
        """Let the chunks that capture closed on its way out be stored and indexed; what is left waits."""
        bus, clock = self._core.bus, self._core.clock
        never, deadline = threading.Event(), clock.monotonic_us() + round(_DRAIN_S * 1_000_000)
        while not self._waiting_for and clock.monotonic_us() < deadline:
            try:
                if bus.depth(QUEUE) == 0 and bus.depth("indexer") == 0:
                    return
            except GatehouseError:  # what waits there waits for the next start
                return
            clock.wait(never, 0.02)

    def _look_at_room(self) -> None:
        core = self._core
        try:
            room = core.store.capacity()
            name = "store" if room is not None else self._own_root
            room = room or core.spool.capacity()
        except GatehouseError as error:
            self._room = Check("storage", ok=False, detail=error.message)
            return
        # Before it is tried whether anything can be written: a disk without a byte refuses, and how full it is is told.
        STORAGE_FREE.labels(name).set(room.free)
        STORAGE_CAPACITY.labels(name).set(room.total)
        if room.free_inodes is not None:
            STORAGE_FREE_INODES.labels(name).set(room.free_inodes)
        try:
            self._probe()
        except GatehouseError as error:
            self._room = Check("storage", ok=False, detail=error.message)
            return
        if name == _WORK:  # no footage is there; what cannot be written to it is said when it is
            self._room = Check("storage", ok=True)
        elif room.free_inodes == 0:
            self._room = Check("storage", ok=False, detail="no inodes are free")
        elif room.free < min(LOW_BYTES, room.total // _LOW_PARTS):
            self._room = Check("storage", ok=False, detail=f"only {room.free >> 20} MiB are free")
        else:
            self._room = Check("storage", ok=True)

    def _probe(self) -> None:
        """Write a small file now and then, if the store is a directory: it may have room and take nothing all the same.

        Raises:
            GatehouseError: it cannot be written to.
        """
        core, now = self._core, self._core.clock.monotonic_us()
        is_directory = core.store.local_path(keys.RECORDING_INDEX) is not None
        if not is_directory or (self._probed_us is not None and now - self._probed_us < _PROBE_US):
            return
        self._probed_us = None
        try:
            core.store.probe()
        except GatehouseError as error:
            STORAGE_WRITE_ERRORS.labels("store").inc()
            log.warning("the store cannot be written to", reason=error.message)
            raise
        self._probed_us = now

    def _tidy(self) -> None:
        """Once, and when the store is there: take away what crashes have left in it, and nobody has gone on with."""
        if self._tidied or self._core.clock.monotonic_us() < self._tidy_us:
            return
        try:
            gone = self._core.store.tidy(self._abandoned_us)
        except GatehouseError as error:
            log.warning("leftovers of earlier uploads were not looked for", reason=error.message)
            return
        self._tidied = True
        if gone:
            log.info("leftovers of earlier uploads were taken away", count=gone)


def build(core: Core) -> Segmenter:
    """Return the segmenter."""
    return Segmenter(core)

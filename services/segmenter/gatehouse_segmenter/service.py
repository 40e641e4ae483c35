"""The segmenter as a service: its queue, and a look at the store now and then."""

from __future__ import annotations

import threading

import structlog

from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.errors import Cancelled, GatehouseError, Kind, WorkerUnavailable
from gatehouse_common.messages import ChunkClosed
from gatehouse_common.observability.metrics import STORAGE_CAPACITY, STORAGE_FREE, STORAGE_FREE_INODES
from gatehouse_common.runtime import Check, Core, SharedQueue

from .early import EarlySender
from .publisher import Publisher

log = structlog.get_logger(__name__)

QUEUE = "segmenter"
LOW_BYTES = 256 << 20
_LONGEST_PAUSE_S = 5.0
_DRAIN_S = 2.0
_LOOK_S = 15.0
_ABANDONED_US = 24 * 3600 * SECOND


class Segmenter:
    """Publishes chunks."""

    name = QUEUE

    def __init__(self, core: Core) -> None:
        self._core = core
        self._stop = threading.Event()
        self._waiting_for = ""
        self._room = Check("storage", ok=True)
        self._tidied = False
        self._queue: SharedQueue | None = None
        self._early = EarlySender(core, self._is_mine)
        self._publisher = Publisher(core, self._early)

    def run(self, stop: threading.Event) -> None:
        """Handle the queue until told to stop, then what is in it already."""
        self._stop = stop
        queue = self._queue = SharedQueue(self._core, QUEUE, lambda name: self._core.bus.subscribe(name, self.handle))
        try:
            while not stop.is_set():
                self._look_at_room()
                self._tidy()
                self._early.look()
                self._core.clock.wait(stop, _LOOK_S)
            self._drain()
        finally:
            queue.close()

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
                log.warning("chunk waits in the spool", reason=error.message)
                if self._core.clock.wait(self._stop, pause):
                    raise Cancelled("the segmenter was stopped") from error
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                self._waiting_for = ""
                return

    def health(self) -> list[Check]:
        """Return whether chunks get into the store, and whether it has room."""
        if self._waiting_for:
            return [Check("storage", ok=False, detail=self._waiting_for)]
        return [self._room]

    def _is_mine(self, camera: str) -> bool:
        return self._queue is None or self._queue.is_mine(camera)

    def _dispatch(self, delivery: Delivery) -> None:
        message = delivery.message
        if isinstance(message, ChunkClosed):
            self._publisher.publish(message)

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
            name = "store" if room is not None else "spool"
            room = room or core.spool.capacity()  # what fills up then is where footage waits for the store
        except GatehouseError as error:
            self._room = Check("storage", ok=False, detail=error.message)
            return
        STORAGE_FREE.labels(name).set(room.free)
        STORAGE_CAPACITY.labels(name).set(room.total)
        if room.free_inodes is not None:
            STORAGE_FREE_INODES.labels(name).set(room.free_inodes)
        if room.free_inodes == 0:
            self._room = Check("storage", ok=False, detail="no inodes are free")
        elif room.free < LOW_BYTES:
            self._room = Check("storage", ok=False, detail=f"only {room.free >> 20} MiB are free")
        else:
            self._room = Check("storage", ok=True)

    def _tidy(self) -> None:
        """Once, and when the store is there: take away what crashes have left in it."""
        if self._tidied:
            return
        try:
            gone = self._core.store.tidy(self._core.clock.now_us() - _ABANDONED_US)
        except GatehouseError as error:
            log.warning("leftovers of earlier uploads were not looked for", reason=error.message)
            return
        self._tidied = True
        if gone:
            log.info("leftovers of earlier uploads were taken away", count=gone)


def build(core: Core) -> Segmenter:
    """Return the segmenter."""
    return Segmenter(core)

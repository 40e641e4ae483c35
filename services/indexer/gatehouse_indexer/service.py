"""The indexer as a service: waits for the database, then handles its queue."""

from __future__ import annotations

import threading

import structlog

from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.errors import Cancelled, GatehouseError, Kind
from gatehouse_common.observability.metrics import INDEX_LAG
from gatehouse_common.runtime import Check, Core, SharedQueue
from gatehouse_common.runtime.database import check, wait_for

from .handlers import Handlers
from .recording_index import RecordingIndex

log = structlog.get_logger(__name__)

QUEUE = "indexer"
_LONGEST_PAUSE_S = 5.0
_TICK_S = 0.5
_LATE_EVERY_US = 10 * SECOND


class Indexer:
    """Writes the index; alone."""

    name = QUEUE

    def __init__(self, core: Core) -> None:
        self._core = core
        self._export = RecordingIndex(core.db, core.store, core.clock, core.zone)
        self._handlers = Handlers(core, self._export.changed)
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Handle the queue until told to stop."""
        self._stop = stop
        if not wait_for(self._core.db, stop, self._core.clock):
            return
        queue = SharedQueue(self._core, QUEUE, lambda name: self._core.bus.subscribe(name, self.handle))
        late_us = 0
        try:
            while not self._core.clock.wait(stop, _TICK_S):
                if self._export.due():
                    self._write_export()
                if self._core.clock.monotonic_us() >= late_us:
                    self._tell_late()
                    late_us = self._core.clock.monotonic_us() + _LATE_EVERY_US
        finally:
            queue.close()
        if self._export.pending():
            self._write_export()

    def handle(self, delivery: Delivery) -> None:
        """Do what a message asks for; while the database does not answer, wait with it in hand."""
        pause = 0.1
        while True:
            try:
                self._handlers.handle(delivery.message)
            except GatehouseError as error:
                if error.kind not in {Kind.EXHAUSTED, Kind.UNAVAILABLE}:
                    raise
                log.warning("the index waits", reason=error.message)
                if self._core.clock.wait(self._stop, pause):
                    raise Cancelled("the indexer was stopped") from error
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                INDEX_LAG.set(max(0, self._core.clock.now_us() - delivery.message.time_us) / 1_000_000)
                return

    def health(self) -> list[Check]:
        """Return whether the database answers and the bus takes messages; dead letters are no reason to be unready."""
        checks = [check(self._core.db)]
        try:
            self._core.bus.check()
            dead = self._core.bus.dead_count()
        except GatehouseError as error:
            return [*checks, Check("bus", ok=False, detail=error.message)]
        return [*checks, Check("bus", ok=True, detail=f"{dead} dead letters wait for a look" if dead else "")]

    def _tell_late(self) -> None:
        try:
            self._handlers.tell_late()
        except GatehouseError as error:
            log.warning("plates on lists wait to be told of", reason=error.message)

    def _write_export(self) -> None:
        try:
            self._export.write()
        except GatehouseError as error:
            log.warning("the recording index was not written", reason=error.message)


def build(core: Core) -> Indexer:
    """Return the indexer."""
    return Indexer(core)

"""The segmenter service."""

from __future__ import annotations

import threading

import structlog

from gatehouse_common.bus import Delivery
from gatehouse_common.errors import GatehouseError, NotFound
from gatehouse_common.messages import ChunkClosed, ChunkIndexed, ChunkStored
from gatehouse_common.observability.metrics import (
    SEGMENT_BYTES,
    SEGMENTS_WRITTEN,
    STORAGE_CAPACITY,
    STORAGE_FREE,
    STORAGE_WRITE_ERRORS,
)
from gatehouse_common.runtime import Check, Core

from .publishing import Publisher
from .recovery import Recovery

log = structlog.get_logger(__name__)

_LOOK_S = 15.0
_LOW_BYTES = 256 << 20


def build(core: Core) -> SegmenterService:
    """Return the service; leftovers of the spool are recovered here, before capture starts."""
    service = SegmenterService(core)
    service.recover()
    return service


class SegmenterService:
    """Publishes closed chunks."""

    name = "segmenter"

    def __init__(self, core: Core) -> None:
        self._core = core
        self._publisher = Publisher(core.spool, core.store, core.zone)
        self._storage = Check("storage", ok=True)

    def recover(self) -> int:
        """Adopt what a crash left; return how many chunks."""
        return Recovery(self._core.spool, self._publisher, self._core.bus, self._core.clock).run()

    def run(self, stop: threading.Event) -> None:
        """Publish until told to stop."""
        subscription = self._core.bus.subscribe(self.name, self.handle)
        try:
            while not stop.is_set():
                self._look_at_storage()
                stop.wait(_LOOK_S)
        finally:
            subscription.close()

    def health(self) -> list[Check]:
        """Return whether the store can be written and has room."""
        return [self._storage]

    def handle(self, delivery: Delivery) -> None:
        """Do what a message asks for; may be repeated."""
        message = delivery.message
        if isinstance(message, ChunkClosed):
            self._store(message)
        elif isinstance(message, ChunkIndexed):
            self._publisher.forget(message.spool_key)

    def _store(self, closed: ChunkClosed) -> None:
        try:
            stored = self._publisher.publish(closed.camera, closed.key, closed.start_us)
        except NotFound:
            log.info("already published and indexed", key=closed.key)
            return
        except GatehouseError:
            STORAGE_WRITE_ERRORS.labels("store").inc()
            raise
        self._core.bus.publish(
            ChunkStored(
                camera=closed.camera,
                time_us=closed.end_us,
                run=closed.run,
                chunk=closed.chunk,
                key=stored.key,
                spool_key=closed.key,
                start_us=closed.start_us,
                end_us=closed.end_us,
                origin_us=closed.origin_us,
                bytes=stored.size,
                recovered=closed.recovered,
            )
        )
        SEGMENTS_WRITTEN.labels(closed.camera).inc()
        SEGMENT_BYTES.labels(closed.camera).inc(stored.size)

    def _look_at_storage(self) -> None:
        try:
            room = self._core.store.capacity()
            self._core.store.probe()
        except GatehouseError as error:
            self._storage = Check("storage", ok=False, detail=error.message)
            return
        STORAGE_FREE.labels("store").set(room.free)
        STORAGE_CAPACITY.labels("store").set(room.total)
        low = room.free < _LOW_BYTES or room.free_inodes == 0
        detail = f"only {room.free >> 20} MiB are free" if room.free < _LOW_BYTES else "no inodes are free"
        self._storage = Check("storage", not low, detail if low else "")

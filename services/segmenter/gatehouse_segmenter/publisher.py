"""From the spool to the store and out of the spool, each step repeatable after a crash between any two.

whole (index box, fsync) -> object (link and fsync directory; upload) -> chunk.stored -> row -> chunk.indexed, upon
which capture frees the spool's name.
"""

from __future__ import annotations

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import FootageReader
from gatehouse_common.errors import GatehouseError, NotFound, Unavailable
from gatehouse_common.media.adopt import adopt, read_index
from gatehouse_common.messages import ChunkClosed, ChunkStored
from gatehouse_common.observability.metrics import (
    RECORDING_LAST_SEGMENT,
    SEGMENT_BYTES,
    SEGMENT_WRITE_SECONDS,
    SEGMENTS_WRITTEN,
    STORAGE_WRITE_ERRORS,
)
from gatehouse_common.runtime import Core
from gatehouse_common.storage import FileSource, Source

from .early import EarlySender
from .placement import find_stored, find_twin, name_start, place

log = structlog.get_logger(__name__)


class Publisher:
    """Handles ``chunk.closed``."""

    def __init__(self, core: Core, early: EarlySender) -> None:
        self._core, self._early, self._footage = core, early, FootageReader(core.db)

    def publish(self, closed: ChunkClosed) -> None:
        """Store a chunk and say so; one that is stored already and known so is passed over.

        Raises:
            ResourceExhausted: no room; the chunk waits in the spool, readable.
            Unavailable: the store, or the worker that has the chunk, does not answer.
            NotFound: it is neither in the spool nor in the store.
            DataLoss: there is no whole part in the file.
        """
        if closed.bytes == 0 or self._is_stored(closed.chunk):  # of nothing nothing is kept; that is for the indexer
            return
        core = self._core
        try:
            with SEGMENT_WRITE_SECONDS.time():
                key = self._store(closed)
        except NotFound:  # it has left the spool, perhaps in this very moment: a message may come twice
            self._expect_stored(closed)
            return
        size = core.store.stat(key).size
        core.bus.publish(
            ChunkStored(
                camera=closed.camera,
                time_us=core.clock.now_us(),
                run=closed.run,
                chunk=closed.chunk,
                key=key,
                spool_key=closed.key,
                start_us=closed.start_us,
                end_us=closed.end_us,
                origin_us=closed.origin_us,
                bytes=size,
                recovered=closed.recovered,
            )
        )
        SEGMENTS_WRITTEN.labels(closed.camera).inc()
        SEGMENT_BYTES.labels(closed.camera).inc(size)
        RECORDING_LAST_SEGMENT.labels(closed.camera).set(closed.end_us / SECOND)
        log.info("chunk stored", camera=closed.camera, key=key, bytes=size, recovered=closed.recovered)

    def _is_stored(self, chunk: str) -> bool:
        """Return whether a chunk is told of in vain, as after an outage: the index knows it, and the store has it.

        While the index does not answer all is done as for a new one, which comes to the same and asks the store more.
        """
        try:
            row = self._footage.chunk(chunk)
            return row.state == "stored" and self._core.store.stat(row.key).size == row.bytes
        except (NotFound, Unavailable):
            return False

    def _store(self, closed: ChunkClosed) -> str:
        """Make a chunk whole and an object; return its key."""
        core = self._core
        source = core.spools.source(closed.key, closed.spool_url)
        source.size()
        start_us = name_start(core.store, closed.key, closed.start_us)
        if find_twin(core.store, source, closed.camera, start_us, core.zone) is None:
            self._complete(source)
        growing = self._early.take(closed.key)
        try:
            return place(core.store, source, closed.chunk, closed.camera, start_us, core.zone, growing)
        except NotFound:
            raise
        except GatehouseError:
            STORAGE_WRITE_ERRORS.labels("store").inc()
            raise

    def _expect_stored(self, closed: ChunkClosed) -> None:
        core = self._core
        start_us = name_start(core.store, closed.key, closed.start_us)
        if find_stored(core.store, closed.chunk, closed.camera, start_us, core.zone) is None:
            raise NotFound(f"chunk {closed.chunk} is neither in the spool ({closed.key}) nor in the store")

    @staticmethod
    def _complete(source: Source) -> None:
        """Give the file its sample index if it was closed without room for one.

        One on another machine goes as it is: its index is then made from its parts.
        """
        if isinstance(source, FileSource) and read_index(source.path, source.key) is None:
            adopt(source.path, source.key)

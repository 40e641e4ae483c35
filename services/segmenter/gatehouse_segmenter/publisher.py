"""From the spool to the store and out of the spool, each step repeatable after a crash between any two.

whole (index box, fsync) -> object (link and fsync directory; upload) -> chunk.stored -> row -> chunk.indexed -> unlink
"""

from __future__ import annotations

from pathlib import Path

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import GatehouseError, NotFound, from_os_error
from gatehouse_common.media.adopt import adopt, read_index
from gatehouse_common.messages import ChunkClosed, ChunkIndexed, ChunkStored
from gatehouse_common.observability.metrics import (
    RECORDING_LAST_SEGMENT,
    SEGMENT_BYTES,
    SEGMENTS_WRITTEN,
    STORAGE_WRITE_ERRORS,
)
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

from .early import EarlySender
from .placement import find_stored, find_twin, name_start, place

log = structlog.get_logger(__name__)


class Publisher:
    """Handles ``chunk.closed`` and ``chunk.indexed``."""

    def __init__(self, core: Core, early: EarlySender) -> None:
        self._core, self._early = core, early

    def publish(self, closed: ChunkClosed) -> None:
        """Store a chunk and say so; a chunk that is stored already is only told again.

        Raises:
            ResourceExhausted: no room; the chunk waits in the spool, readable.
            NotFound: it is neither in the spool nor in the store.
            DataLoss: there is no whole part in the file.
        """
        if closed.bytes == 0:  # nothing of it could be kept; meant for the indexer
            return
        core, path = self._core, self._path(closed.key)
        start_us = name_start(core.store, closed.key, closed.start_us)
        if not path.exists():
            self._expect_stored(closed)
            return
        if find_twin(core.store, path, closed.camera, start_us, core.zone) is None:
            self._complete(path, closed.key)
        try:
            growing = self._early.take(closed.key)
            key = place(core.store, path, closed.chunk, closed.camera, start_us, core.zone, growing)
        except GatehouseError:
            STORAGE_WRITE_ERRORS.labels("store").inc()
            raise
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

    def release(self, indexed: ChunkIndexed) -> None:
        """Free a stored and indexed chunk's name in the spool, and the folder of its run when that is empty."""
        if keys.parse_spool(indexed.spool_key) is None:
            return
        self._core.store.stat(indexed.key)  # never unlink what the store does not have
        path = self._path(indexed.spool_key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise from_os_error(error, f"freeing {indexed.spool_key}") from error
        prune(path.parent)

    def _expect_stored(self, closed: ChunkClosed) -> None:
        core = self._core
        start_us = name_start(core.store, closed.key, closed.start_us)
        if find_stored(core.store, closed.chunk, closed.camera, start_us, core.zone) is None:
            raise NotFound(f"chunk {closed.chunk} is neither in the spool ({closed.key}) nor in the store")

    @staticmethod
    def _complete(path: Path, key: str) -> None:
        """Give the file its sample index if it was closed without room for one."""
        if read_index(path, key) is None:
            adopt(path, key)

    def _path(self, key: str) -> Path:
        return self._core.spool.root / keys.validate(key)


def prune(folder: Path) -> None:
    """Remove the folder of a run when it is empty; capture makes it again if it goes on."""
    try:
        folder.rmdir()
    except OSError:  # not empty, or gone already
        return

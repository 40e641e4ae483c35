"""The indexer service: one handler per message, each of which may be repeated and may come late."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog

from gatehouse_common.bus import Delivery
from gatehouse_common.clock import SECOND
from gatehouse_common.db import CameraRepository, FootageReader, FootageWriter, Gap
from gatehouse_common.errors import Conflict, GatehouseError
from gatehouse_common.media.stored_index import load_index
from gatehouse_common.messages import (
    CameraStatus,
    ChunkClosed,
    ChunkIndexed,
    ChunkOpened,
    ChunkStored,
    GapRecorded,
    GopWritten,
    Message,
    RunEnded,
    RunStarted,
)
from gatehouse_common.observability.metrics import INDEX_LAG, RECORDING_GAP_SECONDS
from gatehouse_common.runtime import Check, Core
from gatehouse_common.runtime.database import check, wait_for
from gatehouse_common.storage import keys

from .gaps import gaps_before_run
from .recording_index import render_index

log = structlog.get_logger(__name__)

_EXPORT_S = 5.0


def build(core: Core) -> IndexerService:
    """Return the service."""
    return IndexerService(core)


class IndexerService:
    """Writes what happened into the SQL index."""

    name = "indexer"

    def __init__(self, core: Core) -> None:
        self._core = core
        self._cameras = CameraRepository(core.db)
        self._reader = FootageReader(core.db)
        self._writer = FootageWriter(core.db)
        self._stale = threading.Event()
        self._handlers: dict[type[Message], Callable[[Any], None]] = {
            CameraStatus: self._cameras.report,
            RunStarted: self._run_started,
            RunEnded: self._writer.end_run,
            ChunkOpened: self._writer.open_chunk,
            GopWritten: self._gop_written,
            ChunkClosed: self._chunk_closed,
            ChunkStored: self._chunk_stored,
            GapRecorded: self._gap_recorded,
        }

    def run(self, stop: threading.Event) -> None:
        """Index until told to stop."""
        if not wait_for(self._core.db, stop, self._core.clock):
            return
        self._stale.set()
        subscription = self._core.bus.subscribe(self.name, self.handle)
        try:
            while not stop.is_set():
                if self._stale.is_set():
                    self._export()
                stop.wait(_EXPORT_S)
        finally:
            subscription.close()
            if self._stale.is_set():
                self._export()

    def health(self) -> list[Check]:
        """Return whether the database answers, and nothing has become a dead letter."""
        checks = [check(self._core.db)]
        try:
            dead = len(self._core.bus.dead_letters())
        except GatehouseError as error:
            return [*checks, Check("bus", ok=False, detail=error.message)]
        detail = f"{dead} dead letters wait for a look" if dead else ""
        return [*checks, Check("bus", ok=True, detail=detail)]

    def handle(self, delivery: Delivery) -> None:
        """Do what a message asks for."""
        message = delivery.message
        handler = self._handlers.get(type(message))
        if handler is not None:
            handler(message)
        INDEX_LAG.set(max(0, self._core.clock.now_us() - message.time_us) / SECOND)

    def _run_started(self, run: RunStarted) -> None:
        self._writer.start_run(run)
        last = self._reader.last_end_us(run.camera, run.start_us)
        if last is None:
            last = self._expected_since(run.camera)
        self._keep(run.run, gaps_before_run(run.camera, run.run, last, run.start_us, run.interruptions))

    def _expected_since(self, camera: str) -> int | None:
        """A camera without footage has been expected to record since it was added."""
        try:
            return self._cameras.get(camera).created_us
        except GatehouseError:
            return None

    def _gop_written(self, gop: GopWritten) -> None:
        self._writer.extend_chunk(gop)
        self._writer.refine_origin(gop.run, gop.origin_us)

    def _chunk_closed(self, closed: ChunkClosed) -> None:
        self._writer.close_chunk(closed)
        self._writer.refine_origin(closed.run, closed.origin_us)

    def _chunk_stored(self, stored: ChunkStored) -> None:
        index = load_index(self._core.store, stored.key)
        self._writer.store_chunk(stored, index)
        self._core.bus.publish(
            ChunkIndexed(
                camera=stored.camera,
                time_us=stored.end_us,
                chunk=stored.chunk,
                key=stored.key,
                spool_key=stored.spool_key,
            )
        )
        self._stale.set()

    def _gap_recorded(self, gap: GapRecorded) -> None:
        self._keep(None, [Gap(gap.camera, gap.start_us, gap.end_us, gap.cause.value, gap.detail)])

    def _keep(self, run: str | None, gaps: list[Gap]) -> None:
        for gap in self._writer.put_gaps(run, gaps):
            RECORDING_GAP_SECONDS.labels(gap.camera, gap.cause).inc((gap.end_us - gap.start_us) / SECOND)
            log.info("gap", camera=gap.camera, cause=gap.cause, seconds=(gap.end_us - gap.start_us) / SECOND)

    def _export(self) -> None:
        self._stale.clear()
        try:
            data = render_index(self._reader.all_chunks(), self._core.zone)
            self._core.store.put_bytes(keys.RECORDING_INDEX, data, overwrite=True)
        except Conflict:
            self._stale.set()
        except GatehouseError as error:
            self._stale.set()
            log.warning("the recording index cannot be written", reason=error.message)

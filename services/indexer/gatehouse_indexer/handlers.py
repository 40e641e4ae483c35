"""What each message does to the index. Every handler may run twice, and late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from gatehouse_common.db import CameraRepository, FootageWriter, Gap, PlateWriter
from gatehouse_common.errors import GatehouseError
from gatehouse_common.media.stored import load_index
from gatehouse_common.messages import (
    CameraStatus,
    ChunkClosed,
    ChunkDiscarded,
    ChunkFreed,
    ChunkIndexed,
    ChunkOpened,
    ChunkStored,
    FootagePurged,
    GapRecorded,
    GopWritten,
    Message,
    PlateClosed,
    PlateIndexed,
    PlateSeen,
    RunEnded,
    RunStarted,
)
from gatehouse_common.runtime import Core
from gatehouse_common.watching import ListedPlates

from .run_ledger import RunLedger

log = structlog.get_logger(__name__)

ONLY_CLIPS = "only clips of plate events are kept of this camera"


class Handlers:
    """Handles every message of the queue ``indexer``.

    Args:
        core: what services are built from.
        stored: called after a chunk's row is committed, and after stored ones were deleted.
    """

    def __init__(self, core: Core, stored: Callable[[], None]) -> None:
        self._core = core
        self._stored = stored
        self._writer = FootageWriter(core.db)
        self._cameras = CameraRepository(core.db)
        self._plates = PlateWriter(core.db)
        self._listed = ListedPlates(core)
        self._ledger = RunLedger(core)
        self._by_type: dict[type[Message], Callable[[Any], None]] = {
            CameraStatus: lambda status: self._cameras.report(status, core.clock.now_us()),
            RunStarted: self._ledger.start,
            RunEnded: self._run_ended,
            ChunkOpened: self._writer.open_chunk,
            GopWritten: self._ledger.follow,
            ChunkClosed: self._chunk_closed,
            ChunkStored: self._chunk_stored,
            ChunkDiscarded: self._chunk_discarded,
            GapRecorded: self._gap_recorded,
            FootagePurged: lambda _: self._stored(),
            PlateSeen: self._plate_seen,
            PlateClosed: self._plate_closed,
        }

    def handle(self, message: Message) -> None:
        """Do what a message asks for; types that are not the indexer's are ignored.

        Raises:
            Unavailable: the database does not answer.
            NotFound: a stored chunk's object is gone.
            DataLoss: a stored chunk holds no whole part.
        """
        handler = self._by_type.get(type(message))
        if handler is not None:
            handler(message)

    def _run_ended(self, ended: RunEnded) -> None:
        self._writer.end_run(ended)
        self._ledger.forget(ended.run)

    def _chunk_closed(self, closed: ChunkClosed) -> None:
        if closed.bytes > 0:
            self._writer.close_chunk(closed)
            return
        log.warning("an open chunk had nothing in it and is forgotten", key=closed.key)
        self._writer.forget_key(closed.key)

    def _chunk_stored(self, stored: ChunkStored) -> None:
        index = load_index(self._core.store, stored.key)
        if index.rescanned:
            log.warning("a stored chunk had no usable sample index; its parts were read again", key=stored.key)
        self._ledger.ensure(stored)
        if not self._writer.store_chunk(stored, index.blob):
            log.info("a chunk that is to be deleted was told again", key=stored.key)
            self._free(stored.camera, stored.chunk, stored.spool_key)
            return
        self._core.bus.publish(
            ChunkIndexed(
                camera=stored.camera,
                time_us=self._core.clock.now_us(),
                chunk=stored.chunk,
                key=stored.key,
                spool_key=stored.spool_key,
            )
        )
        self._stored()

    def _chunk_discarded(self, gone: ChunkDiscarded) -> None:
        # One that is held stays in the spool; it is told again, and then stored.
        if self._writer.discard_chunk(gone, ONLY_CLIPS, self._core.clock.now_us()):
            self._free(gone.camera, gone.chunk, gone.key)

    def _free(self, camera: str, chunk: str, spool_key: str) -> None:
        now_us = self._core.clock.now_us()
        self._core.bus.publish(ChunkFreed(camera=camera, time_us=now_us, chunk=chunk, spool_key=spool_key))

    def _gap_recorded(self, gap: GapRecorded) -> None:
        if gap.end_us > gap.start_us:
            self._ledger.note(Gap(gap.camera, gap.start_us, gap.end_us, gap.cause.value, gap.detail))

    def tell_late(self) -> None:
        """Tell what was to be told of plates on lists, and was not.

        Raises:
            Unavailable: the database does not answer.
        """
        self._listed.tell_late()

    def _plate_seen(self, seen: PlateSeen) -> None:
        change = self._plates.see(seen)
        if seen.visit is not None:
            self._follow(seen.camera, seen.visit.event, change)

    def _plate_closed(self, closed: PlateClosed) -> None:
        self._follow(closed.camera, closed.visit.event, "closed" if self._plates.close(closed) else None)

    def _follow(self, camera: str, event: str, change: str | None) -> None:
        """Note which lists a visit is on, whatever changed: a message that comes again was not done with.

        Who is told of the change is then shown the lists as they are.
        """
        try:
            self._listed.look_at(event)
        except GatehouseError:
            raise
        except Exception:  # a fault with lists must not keep plates and footage from the index
            log.exception("a plate was not looked for on lists", event_id=event)
        finally:
            if change is not None:
                self._tell_of_plate(camera, event, change)

    def _tell_of_plate(self, camera: str, event: str, change: str) -> None:
        told = PlateIndexed(camera=camera, time_us=self._core.clock.now_us(), event=event, change=change)
        try:
            self._core.bus.publish(told)
        except GatehouseError as error:  # it is a hint; the row says the same
            log.debug("a plate event's row was not told of", reason=error.message)

"""Mending what a check found: files are adopted, told anew, or moved to the quarantine. None is deleted."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from pydantic import ValidationError

from gatehouse_common.bus import Delivery
from gatehouse_common.db import FootageReader, FootageWriter, Gap
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, NotFound
from gatehouse_common.media.adopt import adopt
from gatehouse_common.media.index_blob import decode_index
from gatehouse_common.media.stored import load_index, read_head
from gatehouse_common.messages import ChunkStored, GapCause
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_indexer.service import build as build_indexer

from .consistency import Kind, Problem

log = structlog.get_logger(__name__)

FEW = 3
"""So many files may be missing without the question whether the store is there at all."""


def refuse_if_store_is_away(core: Core, problems: Sequence[Problem], *, force: bool) -> None:
    """Return unless so many files are missing that the store is more likely to be away than emptied (S2-44).

    Raises:
        Conflict: more than half of the recordings are missing, and ``force`` is not set.
    """
    missing = sum(p.kind is Kind.MISSING for p in problems)
    rows = sum(1 for _ in FootageReader(core.db).all_chunks())
    if missing > FEW and missing * 2 > rows and not force:
        raise Conflict(
            f"{missing} of {rows} recordings are missing: is {_place(core)}? "
            "If they are really gone, repeat with --force."
        )


class Repair:
    """Mends problems, one by one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._writer = FootageWriter(core.db)
        self._indexer = build_indexer(core)

    def mend(self, problem: Problem) -> str | None:
        """Mend one problem and return what was done, None if nothing can be done about it."""
        try:
            if problem.kind is Kind.MISSING:
                return self._forget(problem, GapCause.DELETED)
            if problem.kind in {Kind.ORPHAN, Kind.SIZE, Kind.INDEX, Kind.BOX}:
                return self._tell_anew(problem)
            if problem.kind is Kind.DAMAGED:
                return self._set_aside(problem)
        except DataLoss:
            return self._set_aside(problem)
        except GatehouseError as error:
            log.warning("could not be mended", key=problem.key, reason=error.message)
        return None

    def _tell_anew(self, problem: Problem) -> str:
        """Index a file by what it says of itself; the same message that its publishing would have sent."""
        core, key = self._core, problem.key
        path = core.store.local_path(key)
        if path is not None:
            adopt(path, key)
        info, _ = read_head(core.store, key)
        if info is None:
            raise DataLoss(f"{key} does not say what it is")
        media = decode_index(load_index(core.store, key).blob, key)
        self._refuse_second(info.chunk, key)
        try:
            stored = ChunkStored(
                camera=info.camera,
                time_us=core.clock.now_us(),
                run=info.run,
                chunk=info.chunk,
                key=key,
                spool_key="",
                start_us=media.start_us,
                end_us=media.end_us,
                origin_us=media.origin_us,
                bytes=core.store.stat(key).size,
                recovered=True,
            )
        except ValidationError as error:
            raise DataLoss(f"{key} has times that cannot be: {error.errors()[0]['msg']}") from error
        self._indexer.handle(Delivery(stored))
        return "indexed anew from the file"

    def _refuse_second(self, chunk: str, key: str) -> None:
        """A copy of a chunk under another name is not a second chunk."""
        try:
            known = FootageReader(self._core.db).chunk(chunk)
        except NotFound:
            return
        if known.key != key and known.state == "stored":
            raise DataLoss(f"{key} is a copy of {known.key}")

    def _set_aside(self, problem: Problem) -> str:
        core, key = self._core, problem.key
        path = core.store.local_path(key)
        if path is None:
            raise NotFound(f"{key} is not on this machine")
        target = keys.quarantine(key, core.clock.now_us())
        core.store.put_file(path, target)
        core.store.put_bytes(f"{target}.reason.txt", f"{key}: {problem.detail}\n".encode(), overwrite=True)
        core.store.delete(key)
        if problem.chunk is not None:
            self._forget(problem, GapCause.CORRUPT)
        return f"moved to {target}"

    def _forget(self, problem: Problem, cause: GapCause) -> str:
        """Take a chunk without a file out of the index, and put the gap into the ledger."""
        chunk = problem.chunk
        if chunk is None:
            return "nothing to forget"
        if chunk.end_us > chunk.start_us:
            gap = Gap(chunk.camera, chunk.start_us, chunk.end_us, cause.value, problem.detail)
            self._writer.put_gaps(None, [gap])
        self._writer.forget_chunk(chunk.id)
        return f"row removed, gap recorded as {cause.value}"


def _place(core: Core) -> str:
    root = core.settings.storage_root
    return "the bucket the right one" if root is None else f"the disk of {root} mounted"

"""Mending what a check found: indexed anew from the file, made whole, or moved to the quarantine. None is deleted.

Each step may be the last one before a crash; the next check finds what is left of it, and goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import structlog
from pydantic import ValidationError

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Chunk, FootageReader, FootageWriter, Gap, Run
from gatehouse_common.errors import DataLoss, GatehouseError, NotFound, Unavailable
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.messages import ChunkStored, GapCause
from gatehouse_common.runtime import Core

from .check import Check
from .chunk_check import APART_US
from .content import Content, read_content
from .known_chunk import KnownChunk, decoded, known_chunk
from .mend_clips import ClipRepair
from .object_check import is_ours
from .payload import digest_problems
from .problem import Area, Kind, Problem
from .quarantine import set_aside
from .salvage import Salvage, Whole

log = structlog.get_logger(__name__)

Tell = Callable[[ChunkStored], None]
_WAIT_US = 30 * SECOND
_ORDER = (Kind.ORPHAN, Kind.DURATION, Kind.INDEX, Kind.SIZE, Kind.BOX, Kind.FLIPPED, Kind.TRUNCATED, Kind.DAMAGED)
"""First what gives files back to their rows; what forgets, or sets aside, sees then what is left."""


_OF_ROWS = frozenset({Kind.INDEX, Kind.DURATION, Kind.SIZE, Kind.TRUNCATED})
"""Where the file is whole by its own word, it is the row that is wrong."""


class Repair:
    """Mends problems, one by one.

    Args:
        core: the index and the store.
        check: looks at each of them once more before anything is done.
        tell: hands ``chunk.stored`` to the indexer, at once or by the bus.
    """

    def __init__(self, core: Core, check: Check, tell: Tell) -> None:
        self._core, self._check, self._tell = core, check, tell
        self._footage, self._writer = FootageReader(core.db), FootageWriter(core.db)
        self._clips = ClipRepair(core)

    def mend_all(self, problems: Iterable[Problem]) -> dict[Problem, str]:
        """Mend problems; return what was done about each of those about which something could be."""
        done: dict[Problem, str] = {}
        for problem in self.ordered(problems):
            what = self.mend(problem)
            if what is not None:
                done[problem] = what
        return done

    @staticmethod
    def ordered(problems: Iterable[Problem]) -> list[Problem]:
        """Return problems in the order in which they are to be mended."""
        return sorted(problems, key=lambda p: _ORDER.index(p.kind) if p.kind in _ORDER else len(_ORDER))

    def mend(self, problem: Problem) -> str | None:
        """Mend one problem and return what was done, None if nothing can be done about it now."""
        try:
            now = self._check.again(problem)
            if now is None:
                return "it is well by now"
            done = self._recording(now) if now.area is Area.RECORDING else self._clips.mend(now)
        except GatehouseError as error:
            log.warning("could not be mended", key=problem.key, reason=error.message)
            return None
        log.info("looked after", kind=now.kind.value, key=now.key, done=done)
        return done

    def _recording(self, problem: Problem) -> str | None:
        if problem.kind in {Kind.OVERLAP, Kind.LEFTOVER}:
            return None
        if problem.kind is Kind.TWIN_ROWS:
            return self._twins(problem)
        if not problem.subject:
            return self._adopt(problem) if problem.kind is Kind.ORPHAN else self._set_aside(problem)
        return self._of_row(self._footage.chunk(problem.subject), problem)

    def _of_row(self, chunk: Chunk, problem: Problem) -> str | None:
        if problem.kind is Kind.MISSING:
            if chunk.state == "open" and not self._check.is_alone:
                return None  # its worker may have it under another address: it tells of all its files when it starts
            return self._forget(chunk, GapCause.DELETED, problem.detail)
        if problem.kind is Kind.EMPTY:
            return f"{self._set_aside(problem)}; {self._forget(chunk, GapCause.CORRUPT, problem.detail)}"
        if problem.kind is Kind.FOREIGN:
            return self._give_back(chunk, problem)
        return self._reread(chunk, problem)

    def _adopt(self, problem: Problem) -> str:
        """Index a file that the index misses, as its publishing would have been told."""
        content = self._read(problem.key)
        if content.info is None or not is_ours(content.info):
            return self._set_aside(problem)
        if self._is_sound(problem.key, content) and content.own is not None:
            return self._index(Whole(problem.key, content.info, content.own, content.size))
        known = known_chunk(content, None, self._run(content.info.run), None)
        return self._set_aside(problem) if known is None else self._salvage(problem, known, None)

    def _reread(self, chunk: Chunk, problem: Problem) -> str:
        """Index a chunk anew if its file is whole; else make whole what is good of it."""
        content = self._read(chunk.key)
        if problem.kind in _OF_ROWS and self._is_sound(chunk.key, content) and content.info and content.own:
            whole = Whole(chunk.key, content.info, content.own, content.size)
            cut = problem.kind is Kind.TRUNCATED
            done = self._index(whole, stored_us=chunk.stored_us, recovered=chunk.recovered or cut)
            return done + self._note_lost(chunk, [whole], problem.detail) if cut else done
        blob = self._footage.sample_indexes([chunk.id]).get(chunk.id)
        known = known_chunk(content, chunk, self._run(chunk.run), None if decoded(blob, chunk) is None else blob)
        if known is None:
            return f"{self._set_aside(problem)}; {self._forget(chunk, GapCause.CORRUPT, problem.detail)}"
        return self._salvage(problem, known, chunk)

    def _run(self, run_id: str) -> Run | None:
        try:
            return self._footage.run(run_id)
        except NotFound:
            return None

    def _read(self, key: str) -> Content:
        return read_content(self._core.store, key, self._core.store.stat(key).size)

    def _is_sound(self, key: str, content: Content) -> bool:
        """Return whether a file is, to the byte, what the index at its own end says."""
        if not content.is_consistent or content.box is None:
            return False
        try:
            return not digest_problems(self._core.store, key, content.box, has_box=True)
        except DataLoss:
            return False

    def _salvage(self, problem: Problem, known: KnownChunk, chunk: Chunk | None) -> str:
        made = Salvage(self._core, problem.key, known).make()
        if not made:
            forgotten = "" if chunk is None else f"; {self._forget(chunk, GapCause.CORRUPT, problem.detail)}"
            return f"{self._set_aside(problem)}{forgotten}"
        for whole in made:
            self._index(whole)
        names = ", ".join(whole.key for whole in made)
        lost = "" if chunk is None else self._note_lost(chunk, made, problem.detail)
        return f"made anew as {names}{lost}; the old one {self._set_aside(problem)}"

    def _note_lost(self, chunk: Chunk, made: Iterable[Whole], detail: str) -> str:
        """Put what was not kept of a chunk into the ledger."""
        rows = [self._footage.chunk(whole.info.chunk) for whole in made]
        kept = [Interval(row.start_us, row.end_us) for row in rows]
        lost = [g for g in subtract(Interval(chunk.start_us, chunk.end_us), kept) if g.duration > APART_US]
        self._put_gaps(chunk.camera, lost, detail)
        return f", without {sum(gap.duration for gap in lost) / SECOND:.3f} s of it" if lost else ""

    def _give_back(self, chunk: Chunk, problem: Problem) -> str | None:
        """Let a file that is of another chunk be that one's; the chunk that the index has it for is gone."""
        forgotten = self._forget(chunk, GapCause.CORRUPT, problem.detail)
        left = self._check.again(Problem(Kind.ORPHAN, Area.RECORDING, problem.camera, problem.key, problem.detail))
        done = None if left is None else self._recording(left)
        return f"{forgotten}; the file: {done or 'stays'}"

    def _twins(self, problem: Problem) -> str | None:
        """Forget the one of two rows of the same footage whose file does not say that it is that chunk."""
        for chunk in (self._footage.chunk(problem.subject), self._footage.chunk(problem.other)):
            try:
                info = self._read(chunk.key).info
                if info is not None and info.chunk == chunk.id:
                    continue
            except NotFound:
                pass
            self._writer.forget_chunk(chunk.id)  # the footage is there, by the other row: no gap
            return f"the row of {chunk.key} was removed"
        return None

    def _index(self, whole: Whole, *, stored_us: int | None = None, recovered: bool = True) -> str:
        """Tell the indexer of a chunk, and wait until its row says so.

        Args:
            whole: the chunk.
            stored_us: when it was stored, microseconds UTC; None: now.
            recovered: whether it was damaged, or had to be found again.

        Raises:
            DataLoss: it has times that cannot be.
            Unavailable: the index has not heard of it in time; the next check goes on.
        """
        media, info, clock = whole.media, whole.info, self._core.clock
        try:
            stored = ChunkStored(
                camera=info.camera,
                time_us=clock.now_us() if stored_us is None else stored_us,
                run=info.run,
                chunk=info.chunk,
                key=whole.key,
                spool_key="",
                start_us=media.start_us,
                end_us=media.end_us,
                origin_us=media.origin_us,
                bytes=whole.size,
                recovered=recovered,
            )
        except ValidationError as error:
            raise DataLoss(f"{whole.key} has times that cannot be: {error.errors()[0]['msg']}") from error
        self._tell(stored)
        never, until_us = threading.Event(), clock.monotonic_us() + _WAIT_US
        while not self._is_known(whole):
            if clock.monotonic_us() > until_us:
                raise Unavailable(f"the index was told of {whole.key} and does not know it yet")
            clock.wait(never, 0.2)
        return "indexed anew from the file"

    def _is_known(self, whole: Whole) -> bool:
        row = self._footage.chunk_of_key(whole.key)
        return row is not None and (row.id, row.state, row.bytes) == (whole.info.chunk, "stored", whole.size)

    def _set_aside(self, problem: Problem) -> str:
        target = set_aside(self._core.store, problem.key, problem.detail, self._core.clock)
        return f"moved to {target}"

    def _forget(self, chunk: Chunk, cause: GapCause, detail: str) -> str:
        """Take a chunk without a file out of the index, and put what is not there otherwise into the ledger."""
        self._writer.forget_chunk(chunk.id)
        there = self._footage.spans(chunk.camera, chunk.start_us, chunk.end_us)
        lost = [g for g in subtract(Interval(chunk.start_us, chunk.end_us), there) if g.duration > APART_US]
        self._put_gaps(chunk.camera, lost, detail, cause)
        return f"row removed, gap recorded as {cause.value}" if lost else "row removed"

    def _put_gaps(
        self, camera: str, spans: Iterable[Interval], detail: str, cause: GapCause = GapCause.CORRUPT
    ) -> None:
        gaps = [Gap(camera, span.start, span.end, cause.value, detail) for span in spans]
        if gaps:
            self._writer.put_gaps(None, gaps)

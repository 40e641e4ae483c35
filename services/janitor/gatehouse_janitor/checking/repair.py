"""Mending what a check found: indexed anew from the file, made whole, or moved to the quarantine. None is deleted.

Each step may be the last one before a crash; the next check finds what is left of it, and goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import structlog
from pydantic import ValidationError

from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import CameraRepository, Chunk, Facts, FootageReader, FootageWriter, Gap, Run
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.errors import DataLoss, GatehouseError, NotFound, Unavailable
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.media.index_blob import decode_seal
from gatehouse_common.media.seal import chain_start
from gatehouse_common.media.stored import read_head
from gatehouse_common.messages import ChunkStored, GapCause
from gatehouse_common.runtime import Core

from .check import Check
from .chunk_check import APART_US
from .content import Content, read_content
from .known_chunk import KnownChunk, decoded, is_sealed, known_chunk
from .mend_clips import ClipRepair
from .mend_media import MediaRepair
from .mend_sessions import SessionRepair
from .object_check import is_ours
from .payload import is_sound
from .problem import Area, Kind, Problem
from .quarantine import set_aside
from .safety import StoreStands
from .salvage import Salvage, Whole

log = structlog.get_logger(__name__)

Tell = Callable[[ChunkStored], None]
_WAIT_US = 30 * SECOND
_ORDER = (
    *(Kind.ORPHAN, Kind.FOREIGN, Kind.TWIN_ROWS, Kind.DURATION, Kind.INDEX, Kind.SIZE, Kind.BOX),
    *(Kind.FLIPPED, Kind.TRUNCATED, Kind.REPLACED, Kind.DAMAGED, Kind.EMPTY, Kind.MISSING, Kind.DUPLICATE),
)
"""First what gives files back to their rows; what forgets, or sets aside, sees then what is left."""


_OF_ROWS = frozenset({Kind.INDEX, Kind.DURATION, Kind.SIZE, Kind.TRUNCATED})
"""Where the file is whole by its own word, it is the row that is wrong; but not if the index has other digests."""

_GONE = frozenset({Kind.MISSING, Kind.EMPTY})


class Repair:
    """Mends problems, one by one.

    Args:
        core: the index and the store.
        check: looks at each of them once more before anything is done.
        tell: hands ``chunk.stored`` to the indexer, at once or by the bus.
        force: somebody has said that the store is as it should be.
    """

    def __init__(self, core: Core, check: Check, tell: Tell, *, force: bool = False) -> None:
        self._core, self._check, self._tell = core, check, tell
        self._footage, self._writer = FootageReader(core.db), FootageWriter(core.db)
        self._stands = StoreStands(core, force=force)
        self._clips, self._sessions = ClipRepair(core, self._stands), SessionRepair(core, self._stands)
        self._media = MediaRepair(core, self._stands)
        self._freed: list[str] = []  # keys that rows were moved from: another file is there, or a damaged one

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
        self._freed.clear()
        try:
            now = self._check.again(problem)
            if now is None:
                return "it is well by now"
            if now.kind in _GONE and now.kind is not problem.kind:
                return None  # it was there a moment ago: a disk that goes away looks like this
            done = self._mend(now)
            followed = self._follow()
        except GatehouseError as error:
            log.warning("could not be mended", key=problem.key, reason=error.message)
            return None
        except Exception:  # a fault in one of them must not keep the others from being mended
            log.exception("could not be mended", key=problem.key)
            return None
        log.info("looked after", kind=now.kind.value, key=now.key, done=done)
        return (done or "") + followed or None

    def _mend(self, problem: Problem) -> str | None:
        if problem.area is Area.RECORDING:
            return self._recording(problem)
        if problem.area is Area.MEDIA:
            return self._media.mend(problem)
        return self._sessions.mend(problem) if problem.area is Area.SESSION else self._clips.mend(problem)

    def hand_in(self, key: str) -> bool:
        """Tell the indexer of a file that it does not know, and wait for nothing; return False if it is not whole.

        Raises:
            NotFound: it is gone.
            GatehouseError: it cannot be read, or told of.
        """
        whole = self._whole(key, self._read(key), None, None)
        if whole is None:
            return False
        self._tell(self._message(whole, None, recovered=True))
        return True

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

    def _adopt(self, problem: Problem) -> str | None:
        """Index a file that the index misses, or looks for elsewhere, as its publishing would have been told."""
        content = self._read(problem.key)
        if content.info is None or not is_ours(content.info):
            return self._set_aside(problem)
        row, blob = self._known(content.info.chunk)
        whole = self._whole(problem.key, content, row, blob)
        if whole is None:
            return self._take_over(problem, content, row, blob, whole)
        if row is None:
            if self._is_in_place_of_another(whole):
                return None
            self._doubt_settings(whole.info.camera, whole.media.start_us)
            return self._index(whole, is_back=not self._begins_anew(whole, content))
        self._freed.append(row.key)
        if content.box != blob:
            return self._index(whole)
        return self._index(whole, stored_us=row.stored_us, recovered=row.recovered)

    def _take_over(
        self, problem: Problem, content: Content, row: Chunk | None, blob: bytes | None, whole: Whole | None
    ) -> str | None:
        """Make a chunk of what is good in a file that is not whole, or is under the key of another."""
        if row is not None and whole is None and self._has_file(row):
            return None  # that one is looked after first; then this is a copy
        run = self._run(row.run if row is not None else content.info.run if content.info is not None else "")
        known = known_chunk(content, row, run, blob)
        if known is None:
            return self._set_aside(problem)
        if row is None:
            self._doubt_settings(known.info.camera, known.media.start_us)
        return self._salvage(problem, known, row)

    def _is_in_place_of_another(self, whole: Whole) -> bool:
        """Return whether a file that nobody knows is of a time that the index has another chunk of the same run for.

        A run has one chunk at a time: who adopted it would let it stand for the footage that was recorded.
        """
        start_us, end_us = whole.media.start_us + APART_US, whole.media.end_us - APART_US
        others = self._footage.find_chunks(whole.info.camera, start_us, max(end_us, start_us + 1))
        return any(other.run == whole.info.run and other.id != whole.info.chunk for other in others)

    def _begins_anew(self, whole: Whole, content: Content) -> bool:
        """Return whether a file says that its run begins with it, and the index has footage of before.

        Then nothing shows that it was recorded there: what the ledger misses stays missed, beside it.
        """
        run = self._run(whole.info.run)
        is_first = run is None or whole.media.start_us - run.started_us <= APART_US
        seal = content.seal if content.box is None else decode_seal(content.box, whole.key)
        return not is_first and (seal is None or seal.previous == chain_start(whole.info.run))

    def _doubt_settings(self, camera: str, start_us: int) -> None:
        """Let nothing be deleted for its age if what is found is of before the index knows its camera.

        Then the index is new, or a copy, and does not say for how long it was to be kept.
        """
        created_us = {known.id: known.created_us for known in CameraRepository(self._core.db).list()}.get(camera)
        if created_us is None or start_us < created_us - HOUR:
            now_us = self._core.clock.now_us()
            Facts(self._core.db).put(INDEX_REBUILT, str(now_us), now_us)

    def _reread(self, chunk: Chunk, problem: Problem) -> str | None:
        """Index a chunk anew if its file is whole; else make whole what is good of it."""
        content = self._read(chunk.key)
        _, blob = self._known(chunk.id)
        whole = self._whole(chunk.key, content, chunk, blob) if problem.kind in _OF_ROWS else None
        if whole is not None:
            cut = problem.kind is Kind.TRUNCATED
            done = self._index(whole, stored_us=chunk.stored_us, recovered=chunk.recovered or cut)
            return done + self._note_lost(chunk, [whole], problem.detail) if cut else done
        known = known_chunk(content, chunk, self._run(chunk.run), blob)
        if known is None:
            return f"{self._set_aside(problem)}; {self._forget(chunk, GapCause.CORRUPT, problem.detail)}"
        if problem.kind is Kind.FLIPPED and known.seal is None and known.is_all_of(content):
            return None  # nothing says what was there: a copy would have the damage, and digests of it
        return self._salvage(problem, known, chunk)

    def _known(self, chunk_id: str) -> tuple[Chunk | None, bytes | None]:
        """Return the row of a stored chunk, and its sample index where it can be relied on."""
        try:
            row = self._footage.chunk(chunk_id)
        except NotFound:
            return None, None
        if row.state != "stored":
            return None, None
        blob = self._footage.sample_indexes([chunk_id]).get(chunk_id)
        return row, None if decoded(blob, row) is None else blob

    def _whole(self, key: str, content: Content, row: Chunk | None, blob: bytes | None) -> Whole | None:
        """Return a file as a chunk that is whole; None if it is not, or is not what the index has digests of.

        What the index has is intact and sealed, or it has nothing: a file that says otherwise does not overrule it.
        """
        if content.info is None or content.own is None or not is_sound(self._core.store, key, content):
            return None
        if row is not None and content.box != blob and is_sealed(blob, row):
            return None
        return Whole(key, content.info, content.own, content.size)

    def _has_file(self, row: Chunk) -> bool:
        """Return whether the file of a row is there and of its chunk, well or not."""
        try:
            info, _ = read_head(self._core.store, row.key)
        except NotFound:
            return False
        except DataLoss:
            return True
        return info is not None and info.chunk == row.id

    def _run(self, run_id: str) -> Run | None:
        try:
            return self._footage.run(run_id)
        except NotFound:
            return None

    def _read(self, key: str) -> Content:
        return read_content(self._core.store, key, self._core.store.stat(key).size)

    def _salvage(self, problem: Problem, known: KnownChunk, chunk: Chunk | None) -> str:
        is_its = chunk is not None and chunk.key == problem.key
        self._stands.make_sure_of_room(known.media.indexed_bytes)
        made = Salvage(self._core, problem.key, known).make()
        if not made:
            lost = f"; {self._forget(chunk, GapCause.CORRUPT, problem.detail)}" if chunk is not None and is_its else ""
            return f"{self._set_aside(problem)}{lost}"
        for whole in made:
            self._index(whole)
        names = ", ".join(whole.key for whole in made)
        lost = "" if chunk is None else self._note_lost(chunk, made, problem.detail)
        if chunk is not None and not is_its:
            self._freed.append(chunk.key)
        return f"made anew as {names}{lost}; the old one {self._set_aside(problem)}"

    def _note_lost(self, chunk: Chunk, made: Iterable[Whole], detail: str) -> str:
        """Put what was not kept of a chunk into the ledger."""
        rows = [self._footage.chunk(whole.info.chunk) for whole in made]
        kept = [Interval(row.start_us, row.end_us) for row in rows]
        lost = [g for g in subtract(Interval(chunk.start_us, chunk.end_us), kept) if g.duration > APART_US]
        self._put_gaps(chunk.camera, lost, detail)
        return f", without {sum(gap.duration for gap in lost) / SECOND:.3f} s of it" if lost else ""

    def _give_back(self, chunk: Chunk, problem: Problem) -> str | None:
        """Let a file that is of another chunk be that one's; the chunk that the index has it for may be elsewhere."""
        claimed = self._check.of_another(problem)
        if claimed is None:
            return None
        done = None
        if claimed.kind is Kind.ORPHAN:
            content = self._read(problem.key)
            row, blob = self._known(content.info.chunk if content.info is not None else "")
            done = self._take_over(problem, content, row, blob, self._whole(problem.key, content, row, blob))
        done = (done or self._set_aside(problem)) + self._follow()
        left = self._check.again(problem)
        if left is None or left.kind is not Kind.MISSING:
            return done  # its own file was under the key of the other
        return f"{done}; {self._forget(chunk, GapCause.CORRUPT, problem.detail)}"

    def _follow(self) -> str:
        """Look at the files under keys that rows were moved from, and at those that this frees in turn."""
        done = ""
        while self._freed:
            key = self._freed.pop()
            left = self._check.again(Problem(Kind.ORPHAN, Area.RECORDING, "", key, "its chunk has another file"))
            what = None if left is None else self._recording(left)
            done += f"; {key}: {what}" if what else ""
        return done

    def _twins(self, problem: Problem) -> str | None:
        """Forget the one of two rows of the same footage whose file does not say that it is that chunk."""
        for chunk in (self._footage.chunk(problem.subject), self._footage.chunk(problem.other)):
            try:
                info = self._read(chunk.key).info
                if info is not None and info.chunk == chunk.id:
                    continue
            except NotFound:
                pass
            self._stands.check()
            self._writer.forget_chunk(chunk.id)  # the footage is there, by the other row: no gap
            return f"the row of {chunk.key} was removed"
        return None

    def _index(
        self, whole: Whole, *, stored_us: int | None = None, recovered: bool = True, is_back: bool = True
    ) -> str:
        """Tell the indexer of a chunk, and wait until its row says so.

        Args:
            whole: the chunk.
            stored_us: when it was stored, microseconds UTC; None: now.
            recovered: whether it was damaged, or had to be found again.
            is_back: whether it ends what a check has put into the ledger as missing there.

        Raises:
            DataLoss: it has times that cannot be.
            Unavailable: the index has not heard of it in time; the next check goes on.
        """
        clock = self._core.clock
        self._tell(self._message(whole, stored_us, recovered=recovered))
        never, until_us = threading.Event(), clock.monotonic_us() + _WAIT_US
        while (row := self._indexed(whole)) is None:
            if clock.monotonic_us() > until_us:
                raise Unavailable(f"the index was told of {whole.key} and does not know it yet")
            clock.wait(never, 0.2)
        if is_back:
            self._writer.fill_gaps(row.camera, row.start_us, row.end_us)
        return "indexed anew from the file"

    def _message(self, whole: Whole, stored_us: int | None, *, recovered: bool) -> ChunkStored:
        media, info = whole.media, whole.info
        try:
            return ChunkStored(
                camera=info.camera,
                time_us=self._core.clock.now_us() if stored_us is None else stored_us,
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

    def _indexed(self, whole: Whole) -> Chunk | None:
        row = self._footage.chunk_of_key(whole.key)
        told = row is not None and (row.id, row.state, row.bytes) == (whole.info.chunk, "stored", whole.size)
        return row if told else None

    def _set_aside(self, problem: Problem) -> str:
        self._stands.check()
        target = set_aside(self._core.store, problem.key, problem.detail, self._core.clock)
        return f"moved to {target}"

    def _forget(self, chunk: Chunk, cause: GapCause, detail: str) -> str:
        """Take a chunk without a file out of the index, and put what is not there otherwise into the ledger."""
        self._stands.check()
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

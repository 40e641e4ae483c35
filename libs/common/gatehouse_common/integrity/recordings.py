"""Verifying what the index knows: every byte of the chunk files in a store, and the chains of their runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Chunk, FootageReader
from gatehouse_common.errors import DataLoss, InvalidInput, NotFound, Unavailable
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.media.stored import ObjectReader, read_head
from gatehouse_common.messages import GapCause
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectStore
from gatehouse_common.storage.alone import is_alone

from .chains import Chains, taken_away
from .chunk_bytes import Advance, damages
from .evidence import Evidence, of_index, own_index
from .findings import Damage, DamageKind, Report

_NEAR_US = 60 * SECOND
_LET_GO = {GapCause.PURGED.value, GapCause.DELETED.value, GapCause.CORRUPT.value}
_TOLERATED_US = SECOND


@dataclass(frozen=True, slots=True)
class Part:
    """What to verify: all (no camera), a camera, or what of it shares an instant with ``[start_us, end_us)``."""

    camera: str | None = None
    start_us: int | None = None
    end_us: int | None = None


def rows_of(core: Core, part: Part) -> Iterator[Chunk]:
    """Yield the chunks of a part, by camera and start."""
    reader = FootageReader(core.db)
    if part.camera is not None and part.start_us is not None and part.end_us is not None:
        yield from reader.find_chunks(part.camera, part.start_us, part.end_us)
        return
    for chunk in reader.all_chunks():
        if part.camera in {None, chunk.camera}:
            yield chunk


def verify_recordings(core: Core, part: Part, advance: Advance) -> Report:
    """Return what is wrong with recorded footage; nothing is changed.

    Args:
        core: where to look.
        part: what to verify.
        advance: told how many bytes of files were read.

    Raises:
        Unavailable: index or store does not answer.
    """
    return _Verification(core, part, advance).run()


class _Verification:
    """One pass over chunks."""

    def __init__(self, core: Core, part: Part, advance: Advance) -> None:
        self._core, self._part, self._advance = core, part, advance
        self._reader = FootageReader(core.db)
        self._chains = Chains(self._explained, self._began_us, has_ledger=True)
        self._report = Report()

    def run(self) -> Report:
        camera, last = "", None
        for row in rows_of(self._core, self._part):
            if row.camera != camera:
                self._chains.forget()
                self._begin(row)
            camera, last = row.camera, row
            self._verify(row)
        if last is not None:
            self._end(last)
        return self._report

    def _begin(self, row: Chunk) -> None:
        """Take the chunk in front of a range; its last link is known without reading its file."""
        if self._part.start_us is not None:
            before = [c for c in self._near(row, row.start_us - _NEAR_US, row.start_us) if c.start_us < row.start_us]
            evidence = self._evidence(before[-1]) if before else None
            if evidence is not None:
                self._chains.begin(before[-1].key, evidence.media, evidence.seal)

    def _end(self, row: Chunk) -> None:
        """See that the chunk behind a range follows: it notices if the last one is another."""
        if self._part.start_us is not None:
            after = [c for c in self._near(row, row.end_us, row.end_us + _NEAR_US) if c.start_us > row.start_us]
            if after:
                self._follow(after[0], self._evidence(after[0]))

    def _near(self, row: Chunk, start_us: int, end_us: int) -> list[Chunk]:
        found = self._reader.find_chunks(row.camera, start_us, end_us)
        return [c for c in found if c.run == row.run and c.id != row.id and c.state == "stored"]

    def _verify(self, row: Chunk) -> None:
        if row.state != "stored":
            self._report.open += 1
            self._chains.skip(row.run, row.key, row.end_us)
            return
        try:
            found, evidence = self._held(row)
        except NotFound:
            now = self._row_now(row)
            if now is None:
                self._chains.skip(row.run, row.key, row.end_us)
                return
            if now.key != row.key:  # it was made whole meanwhile, under another key
                self._verify(now)
                return
            detail = "the file is not there"
            missing = Damage(DamageKind.MISSING, row.key, detail, row.camera, row.id, None, None, *_span(row))
            found, evidence = [missing], self._evidence(row)
        except (DataLoss, InvalidInput, Unavailable) as error:  # it costs itself only: the others are verified
            if isinstance(error, Unavailable) and not is_alone(self._core.store, row.key):
                raise
            detail = f"it cannot be read: {error.message}"
            unread = Damage(DamageKind.CHANGED, row.key, detail, row.camera, row.id, None, None, *_span(row))
            found, evidence = [unread], self._evidence(row)
        self._report.damages += found
        self._follow(row, evidence)

    def _held(self, row: Chunk) -> tuple[list[Damage], Evidence | None]:
        """Hold a file to its digests."""
        store, size = self._core.store, self._core.store.stat(row.key).size
        evidence, found = self._evidence(row), list[Damage]()
        if evidence is None:
            detail = "the index does not have its digests, or they are damaged there: it was held to those in the file"
            found.append(Damage(DamageKind.INDEX, row.key, detail, row.camera, row.id))
            evidence = _of_file(store, row)
            if evidence is None:
                detail = "neither the index nor the file says what was recorded"
                found.append(Damage(DamageKind.CHANGED, row.key, detail, row.camera, row.id, 0, size, *_span(row)))
                return found, None
        if size == row.bytes == evidence.media.indexed_bytes:
            evidence = replace(evidence, box=b"")  # stored without an index of its own: the index made one
        wrong = damages(store, row.key, size, evidence, row.camera, self._advance)
        self._count(evidence, size)
        return [*found, *(_replaced(store, row, size) or wrong if wrong else [])], evidence

    def _evidence(self, row: Chunk) -> Evidence | None:
        """Return what the index says that a file must be; None if it does not say, or says what cannot be."""
        blob = self._reader.sample_indexes([row.id]).get(row.id)
        try:
            return None if blob is None else of_index(blob, row.key, row.origin_us, has_box=True)
        except DataLoss:
            return None

    def _count(self, evidence: Evidence, size: int) -> None:
        self._report.chunks += 1
        self._report.bytes += size
        self._report.unsealed += evidence.seal is None
        self._report.late += evidence.seal is not None and evidence.seal.late > 0

    def _follow(self, row: Chunk, evidence: Evidence | None) -> None:
        if evidence is None:
            self._chains.skip(row.run, row.key, row.end_us)
            return
        media, seal = evidence.media, evidence.seal
        broken = self._chains.follow(row.camera, row.key, media, seal, renewed=row.recovered)
        if broken is None and seal is None and _is_chained(self._core.store, row):
            broken = taken_away(row.camera, row.key, media, "its beginning says what it is chained to")
        if broken is not None:
            self._report.damages.append(broken)

    def _row_now(self, row: Chunk) -> Chunk | None:
        """Return the row of a chunk as it is by now; None if the chunk was let go of since it was read."""
        try:
            return self._reader.chunk(row.id)
        except NotFound:
            return None

    def _explained(self, camera: str, start_us: int, end_us: int) -> bool:
        gaps = [g for g in self._reader.gaps(camera, start_us, end_us) if g.cause in _LET_GO]
        known = [Interval(g.start_us, g.end_us) for g in gaps]
        left = subtract(Interval(start_us, end_us), known) if end_us > start_us else []
        return bool(known) and sum(one.duration for one in left) <= _TOLERATED_US

    def _began_us(self, run: str) -> int | None:
        try:
            return self._reader.run(run).started_us
        except NotFound:
            return None


def _of_file(store: ObjectStore, row: Chunk) -> Evidence | None:
    """Return what a file must be by its own index."""
    blob = own_index(ObjectReader(store, row.key))
    try:
        return None if blob is None else of_index(blob, row.key, row.origin_us, has_box=True)
    except DataLoss:
        return None


def _is_chained(store: ObjectStore, row: Chunk) -> bool:
    """Whether a file says that it was recorded with digests."""
    try:
        info, _ = read_head(store, row.key)
    except (DataLoss, NotFound):
        return False
    return info is not None and bool(info.previous)


def _replaced(store: ObjectStore, row: Chunk, size: int) -> list[Damage]:
    """Return that a file is another chunk, if that is what it says it is."""
    try:
        info, _ = read_head(store, row.key)
    except DataLoss:
        return []
    if info is None or info.chunk == row.id:
        return []
    detail = f"it is another chunk: {info.chunk} of camera {info.camera}"
    return [Damage(DamageKind.REPLACED, row.key, detail, row.camera, row.id, 0, size, *_span(row))]


def _span(row: Chunk) -> tuple[int, int]:
    return row.start_us, row.end_us

"""Holding the bytes of one file to digests, in one pass over it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gatehouse_common.errors import DataLoss

from .evidence import SAMPLE_INDEX, Evidence, Region
from .findings import Damage, DamageKind

Advance = Callable[[int], None]

_BETWEEN = 64
_SECTOR = 4096
_PIECE = 1 << 20


class Ranges(Protocol):
    """Where bytes are read from."""

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces."""
        ...


@dataclass(frozen=True, slots=True)
class Unread:
    """Bytes ``[start, end)`` that the medium does not give back any more, and what it says."""

    start: int
    end: int
    why: str


def pieces_of(store: Ranges, key: str, size: int, unread: list[Unread]) -> Iterator[bytes]:
    """Yield the bytes of a file; those that cannot be read come as zeros, which no digest is of, and are noted.

    After each failure twice as much is passed over: a disk that gives nothing back costs a few tries, not days.

    Args:
        store: where it is.
        key: which.
        size: how many bytes it has.
        unread: what cannot be read is added here.

    Raises:
        NotFound: it is gone.
        Unavailable: the store does not answer.
    """
    at, step = 0, _SECTOR
    while at < size:
        try:
            for piece in store.open_range(key, at):
                yield piece
                at, step = at + len(piece), _SECTOR
        except DataLoss as error:
            end = min(size, at - at % _SECTOR + step)
            unread.append(Unread(at, end, error.message))
            for start in range(at, end, _PIECE):
                yield bytes(min(_PIECE, end - start))
            at, step = end, step * 2
        else:
            return


class Comparison:
    """Holds the bytes of a file, which come in order, to the digests of its regions.

    Args:
        regions: what to compare, in file order, none over another.
    """

    def __init__(self, regions: Iterable[Region]) -> None:
        self._waiting = iter(regions)
        self._at = 0
        self._wrong: list[Region] = []
        self._next()

    def take(self, piece: bytes) -> None:
        """Take the next bytes."""
        view, at, end = memoryview(piece), self._at, self._at + len(piece)
        self._at = end
        while self._region is not None and self._region.start < end:
            region = self._region
            self._digest.update(view[max(region.start - at, 0) : region.end - at])
            if region.end > end:
                return
            if self._digest.digest() != region.digest:
                self._wrong.append(region)
            self._next()

    def wrong(self) -> list[Region]:
        """Return the regions that do not have their digest, or of which not all bytes have come."""
        return [*self._wrong, *([self._region] if self._region is not None else []), *self._waiting]

    def _next(self) -> None:
        self._region: Region | None = next(self._waiting, None)
        self._digest = hashlib.sha256(self._region.front if self._region else b"")


def compare(pieces: Iterable[bytes], regions: Iterable[Region], advance: Advance) -> list[Region]:
    """Return the regions that do not have their digest, or are not there; ``advance`` gets the bytes read since.

    Args:
        pieces: the bytes of the file from its beginning.
        regions: what to compare, in file order, none over another.
        advance: told how many bytes were read.
    """
    comparison = Comparison(regions)
    for piece in pieces:
        comparison.take(piece)
        advance(len(piece))
    return comparison.wrong()


def damages(store: Ranges, key: str, size: int, evidence: Evidence, camera: str, advance: Advance) -> list[Damage]:
    """Return what is wrong with the bytes of a chunk file.

    Args:
        store: where it is.
        key: its name.
        size: how many bytes it has.
        evidence: what it must be.
        camera: whose it is.
        advance: told how many bytes were read.

    Raises:
        NotFound: it is gone.
        Unavailable: the store does not answer.
    """
    unread = list[Unread]()
    wrong = compare(pieces_of(store, key, size, unread), list(evidence.regions()), advance)
    chunk = evidence.media.chunk_id
    found: list[Damage] = []
    for run in _joined([r for r in wrong if r.end <= size]):
        kind = DamageKind.INDEX if run.what == SAMPLE_INDEX else DamageKind.CHANGED
        detail = f"{run.what} {why(run.start, run.end, unread)}"
        found.append(Damage(kind, key, detail, camera, chunk, run.start, run.end, run.from_us, run.to_us))
    for one in unread:  # where there are no digests
        if not any(r.start < one.end and one.start < r.end for r in wrong):
            detail = f"the footage {why(one.start, one.end, unread)}"
            found.append(Damage(DamageKind.CHANGED, key, detail, camera, chunk, one.start, one.end))
    if size < evidence.size:
        lost = [r for r in wrong if r.end > size and r.to_us is not None]
        span = (lost[0].from_us, lost[-1].to_us) if lost else (None, None)
        detail = f"the file has {size} bytes, recorded were {evidence.size}"
        found.append(Damage(DamageKind.SHORT, key, detail, camera, chunk, size, evidence.size, *span))
    if size > evidence.size:
        detail = f"{size - evidence.size} bytes follow what was recorded"
        found.append(Damage(DamageKind.LONG, key, detail, camera, chunk, evidence.size, size))
    return found


def why(start: int, end: int, unread: Sequence[Unread]) -> str:
    """Return what is wrong with bytes that do not have their digest."""
    first = next((one for one in unread if one.start < end and start < one.end), None)
    return "is not what was recorded" if first is None else f"cannot be read at byte {first.start}: {first.why}"


def _joined(regions: Sequence[Region]) -> list[Region]:
    """Return neighbours as one; a digest between two GOPs keeps them apart no more than it is long."""
    joined: list[Region] = []
    for one in regions:
        last = joined[-1] if joined else None
        if last is None or one.start - last.end > _BETWEEN or SAMPLE_INDEX in {last.what, one.what}:
            joined.append(one)
            continue
        starts = [r.from_us for r in (last, one) if r.from_us is not None]
        ends = [r.to_us for r in (last, one) if r.to_us is not None]
        what = "the footage" if starts else one.what
        joined[-1] = Region(last.start, one.end, b"", what, min(starts, default=None), max(ends, default=None))
    return joined

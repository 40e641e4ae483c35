"""Holding the bytes of one file to digests, in one pass over it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from .evidence import SAMPLE_INDEX, Evidence, Region
from .findings import Damage, DamageKind

Advance = Callable[[int], None]

_BETWEEN = 64


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


def damages(
    pieces: Iterable[bytes], size: int, evidence: Evidence, key: str, camera: str, advance: Advance
) -> list[Damage]:
    """Return what is wrong with the bytes of a chunk file.

    Args:
        pieces: its bytes from the beginning.
        size: how many there are.
        evidence: what it must be.
        key: its name.
        camera: whose it is.
        advance: told how many bytes were read.
    """
    regions = list(evidence.regions())
    wrong = compare(pieces, regions, advance)
    chunk = evidence.media.chunk_id
    found: list[Damage] = []
    for run in _joined([r for r in wrong if r.end <= size]):
        kind = DamageKind.INDEX if run.what == SAMPLE_INDEX else DamageKind.CHANGED
        detail = f"{run.what} is not what was recorded"
        found.append(Damage(kind, key, detail, camera, chunk, run.start, run.end, run.from_us, run.to_us))
    if size < evidence.size:
        lost = [r for r in wrong if r.end > size and r.to_us is not None]
        span = (lost[0].from_us, lost[-1].to_us) if lost else (None, None)
        detail = f"the file has {size} bytes, recorded were {evidence.size}"
        found.append(Damage(DamageKind.SHORT, key, detail, camera, chunk, size, evidence.size, *span))
    if size > evidence.size:
        detail = f"{size - evidence.size} bytes follow what was recorded"
        found.append(Damage(DamageKind.LONG, key, detail, camera, chunk, evidence.size, size))
    return found


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

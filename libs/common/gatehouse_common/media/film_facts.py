"""What a finished film says of itself: length, size of its pictures, and how many of them are shown."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from gatehouse_common.clock import ticks_us
from gatehouse_common.errors import DataLoss

from .boxes import U32, U64, find, find_all
from .samples import I64
from .scan import SizedReader

_MOST_BYTES = 64 << 20
_MOST_SAMPLES = 10_000_000
"""Three days at 30 frames a second: a film that says more is damaged."""


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """Facts of a film as the slicer writes them.

    Attributes:
        duration_us: how long it is shown, microseconds.
        width: of its pictures, pixels; of several tracks the greatest.
        height: of its pictures, pixels.
        frames: how many are shown: those that an edit list hides are not counted.
    """

    duration_us: int
    width: int
    height: int
    frames: int


def read_facts(reader: SizedReader) -> FilmFacts:
    """Return the facts of a film; only its movie box is read.

    Raises:
        DataLoss: it has no movie box, or one that cannot be read.
    """
    moov = _movie(reader)
    try:
        header = next(find_all(moov, "moov/mvhd"))
        scale, duration = struct.unpack_from(">IQ", moov, header.payload + 20)
        width = height = frames = 0
        for trak in find_all(moov, "moov/trak"):
            if find(moov, "mdia/minf/vmhd", trak.payload, trak.end) is None:
                continue
            tkhd = next(find_all(moov, "tkhd", trak.payload, trak.end))
            across, down = struct.unpack_from(">II", moov, tkhd.end - 8)
            width, height = max(width, across >> 16), max(height, down >> 16)
            frames += _shown(moov, trak.payload, trak.end, scale)
        return FilmFacts(ticks_us(duration, scale), width, height, frames)
    except (StopIteration, struct.error, ValueError, IndexError, ZeroDivisionError) as error:
        raise DataLoss(f"the movie box cannot be read: {type(error).__name__}") from error


def _movie(reader: SizedReader) -> bytes:
    at, size = 0, reader.size()
    while at + 8 <= size:
        head = reader.pread(at, 16)
        length = int(U32.unpack_from(head)[0])
        if length == 1 and len(head) == 16:
            length = int(U64.unpack_from(head, 8)[0])
        if length < 8 or at + length > size:
            break
        if head[4:8] == b"moov":
            if length > _MOST_BYTES:
                break
            return reader.pread(at, length)
        at += length
    raise DataLoss("it has no movie box, or is cut off before its end")


def _shown(moov: bytes, start: int, end: int, scale: int) -> int:
    """Return how many samples of a track lie in its edits (14496-12 clauses 8.6.1.2, 8.6.1.3, 8.6.6)."""
    mdhd = next(find_all(moov, "mdia/mdhd", start, end))
    own_scale = struct.unpack_from(">I", moov, mdhd.payload + 20)[0]
    count = _count(moov, start, end)
    stts = next(find_all(moov, "mdia/minf/stbl/stts", start, end))
    durations = _runs(moov, stts.payload, ">u4", count)
    times = np.cumsum(durations) - durations
    ctts = find(moov, "mdia/minf/stbl/ctts", start, end)
    shown_at = times if ctts is None else times + _runs(moov, ctts.payload, ">i4", count)
    elst = find(moov, "edts/elst", start, end)
    if elst is None:
        return len(shown_at)
    seen = np.zeros(len(shown_at), np.bool_)
    for n in range(U32.unpack_from(moov, elst.payload + 4)[0]):
        length, media = struct.unpack_from(">Qq", moov, elst.payload + 8 + 20 * n)
        if media >= 0:
            until = media + length * own_scale // scale
            seen |= (shown_at + durations > media) & (shown_at < until)
    return int(seen.sum())


def _count(moov: bytes, start: int, end: int) -> int:
    """Return how many samples a track has, by their sizes (14496-12 clause 8.7.3)."""
    stsz = next(find_all(moov, "mdia/minf/stbl/stsz", start, end))
    return int(U32.unpack_from(moov, stsz.payload + 8)[0])


def _runs(moov: bytes, payload: int, kind: str, samples: int) -> I64:
    """Return the values of a table of ``count(32) value(32)`` entries, one per sample.

    Raises:
        ValueError: it is not of so many samples. A flipped bit of a count must not take gigabytes of memory.
    """
    entries = U32.unpack_from(moov, payload + 4)[0]
    table = np.frombuffer(moov, ">u4", entries * 2, payload + 8).reshape(entries, 2)
    counts = table[:, 0].astype(np.int64)
    if int(counts.sum()) != samples or samples > _MOST_SAMPLES:
        raise ValueError(f"a table of {int(counts.sum())} samples in a track of {samples}")
    values = np.ascontiguousarray(table[:, 1]).view(kind).astype(np.int64)
    return np.repeat(values, counts)

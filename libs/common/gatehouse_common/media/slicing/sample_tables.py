"""The sample table boxes of a track (ISO/IEC 14496-12 clauses 8.5 to 8.7), from numpy columns."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.media.boxes import U32, box, full_box
from gatehouse_common.media.samples import I64

from .placement import PlacedTrack


def build_stbl(track: PlacedTrack, first: I64, chunks: I64) -> bytes:
    """Return ``stbl { stsd stts [ctts] [stss] stsc stsz co64 }``.

    Args:
        track: the samples.
        first: which of them begin a chunk (``chunk_starts``).
        chunks: where each chunk lies in the file.
    """
    stsd = full_box(b"stsd", 0, 0, U32.pack(1), track.format.sample_entry)
    pieces = [stsd, stts(track.dur)]
    if track.cts.any():
        pieces.append(ctts(track.cts))
    if track.format.kind == "video" and not track.sync.all():
        pieces.append(stss(track.sync))
    pieces += [stsc(first, len(track.size)), stsz(track.size), co64(chunks)]
    return box(b"stbl", *pieces)


def stts(dur: I64) -> bytes:
    """Decoding time to sample, clause 8.6.1.2: ``count(32) [sample_count(32) sample_delta(32)]...``."""
    values, counts = run_lengths(dur)
    return full_box(b"stts", 0, 0, U32.pack(len(values)), _rows(counts, values))


def ctts(cts: I64) -> bytes:
    """Composition offsets, clause 8.6.1.3; version 1, signed: ``count(32) [sample_count(32) offset(32)]...``."""
    values, counts = run_lengths(cts)
    return full_box(b"ctts", 1, 0, U32.pack(len(values)), _rows(counts, values))


def stss(sync: NDArray[np.bool_]) -> bytes:
    """Sync samples, clause 8.6.2: ``count(32) [sample_number(32)]...``, numbers from 1."""
    numbers = np.flatnonzero(sync) + 1
    return full_box(b"stss", 0, 0, U32.pack(len(numbers)), numbers.astype(">u4").tobytes())


def stsz(size: I64) -> bytes:
    """Sample sizes, clause 8.7.3.2: ``sample_size(32) count(32) [size(32)]...``; one size if all are equal."""
    if len(size) and (size == size[0]).all():
        return full_box(b"stsz", 0, 0, struct.pack(">II", int(size[0]), len(size)))
    return full_box(b"stsz", 0, 0, struct.pack(">II", 0, len(size)), size.astype(">u4").tobytes())


def stsc(first: I64, samples: int) -> bytes:
    """Sample to chunk, clause 8.7.4: ``count(32) [first_chunk(32) samples_per_chunk(32) description(32)]...``."""
    per = np.diff(first, append=samples)
    changes = np.flatnonzero(np.concatenate(([True], per[1:] != per[:-1])))
    rows = np.stack((changes + 1, per[changes], np.ones(len(changes), np.int64)), axis=1)
    return full_box(b"stsc", 0, 0, U32.pack(len(rows)), rows.astype(">u4").tobytes())


def co64(offsets: I64) -> bytes:
    """Chunk offsets, clause 8.7.5: ``count(32) [offset(64)]...``."""
    return full_box(b"co64", 0, 0, U32.pack(len(offsets)), offsets_table(offsets))


def offsets_table(offsets: I64) -> bytes:
    """Return the numbers of ``co64``: eight bytes each."""
    return offsets.astype(">u8").tobytes()


def chunk_starts(offsets: I64, size: I64) -> I64:
    """Return which samples begin a chunk: those that do not lie right behind the one before."""
    return np.flatnonzero(np.concatenate(([True], offsets[1:] != offsets[:-1] + size[:-1])))


def run_lengths(values: I64) -> tuple[I64, I64]:
    """Return ``(values, counts)`` of the runs of equal values."""
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
    return values[starts], np.diff(starts, append=len(values))


def _rows(counts: I64, values: I64) -> bytes:
    rows = np.empty((len(values), 2), ">u4")
    rows[:, 0] = counts
    rows[:, 1] = values & 0xFFFFFFFF
    return rows.tobytes()

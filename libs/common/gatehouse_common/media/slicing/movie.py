"""The ``moov`` box of a slice (ISO/IEC 14496-12 clause 8.2), every byte of it a function of its arguments."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from gatehouse_common.media.boxes import U32, box, full_box
from gatehouse_common.media.samples import I64, VIDEO_TIMESCALE

from .placement import Edit, PlacedTrack
from .sample_tables import build_stbl

FTYP = box(b"ftyp", b"isom", U32.pack(0x200), b"isomiso6iso2mp41")
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4
"""Language "und", packed as in clause 8.4.2."""


def build_moov(tracks: Sequence[PlacedTrack], offsets: Sequence[I64]) -> bytes:
    """Return ``moov { mvhd trak... }`` for tracks whose samples lie at ``offsets`` in the file."""
    duration = max(_presented(t.edits) for t in tracks)
    mvhd = full_box(
        b"mvhd",
        1,
        0,
        struct.pack(">QQIQIHH8x", 0, 0, VIDEO_TIMESCALE, duration, 0x10000, 0x100, 0),
        _MATRIX,
        bytes(24),
        U32.pack(len(tracks) + 1),
    )
    traks = [_trak(number, t, o) for number, (t, o) in enumerate(zip(tracks, offsets, strict=True), 1)]
    return box(b"moov", mvhd, *traks)


def _presented(edits: Sequence[Edit]) -> int:
    return sum(e.length for e in edits)


def _trak(number: int, track: PlacedTrack, offsets: I64) -> bytes:
    """``trak { tkhd edts { elst } mdia { mdhd hdlr minf { vmhd|smhd dinf stbl } } }``."""
    video = track.format.kind == "video"
    tkhd = full_box(
        b"tkhd",
        1,
        3,  # enabled, in movie
        struct.pack(
            ">QQI4xQ8xHHH2x", 0, 0, number, _presented(track.edits), 0, 0 if video else 1, 0 if video else 0x100
        ),
        _MATRIX,
        struct.pack(">II", track.format.width << 16, track.format.height << 16),
    )
    # Clause 8.6.6: segment_duration(64) media_time(64) rate(16.16)
    entries = b"".join(struct.pack(">QqI", e.length, e.media, 0x10000) for e in track.edits)
    edts = box(b"edts", full_box(b"elst", 1, 0, U32.pack(len(track.edits)), entries))
    length = int(track.dur.sum())
    mdhd = full_box(b"mdhd", 1, 0, struct.pack(">QQIQHH", 0, 0, track.format.timescale, length, _UNDETERMINED, 0))
    kind, name = (b"vide", b"Video\0") if video else (b"soun", b"Sound\0")
    hdlr = full_box(b"hdlr", 0, 0, struct.pack(">4x4s12x", kind), name)
    header = full_box(b"vmhd", 0, 1, bytes(8)) if video else full_box(b"smhd", 0, 0, bytes(4))
    dinf = box(b"dinf", full_box(b"dref", 0, 0, U32.pack(1), full_box(b"url ", 0, 1)))
    minf = box(b"minf", header, dinf, build_stbl(track, offsets))
    return box(b"trak", tkhd, edts, box(b"mdia", mdhd, hdlr, minf))

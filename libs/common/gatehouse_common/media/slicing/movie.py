"""The ``moov`` box of a slice (ISO/IEC 14496-12 clause 8.2), every byte of it a function of its arguments."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from gatehouse_common.media.boxes import U32, box, full_box
from gatehouse_common.media.samples import I64, VIDEO_TIMESCALE

from .placement import Edit, PlacedTrack
from .sample_tables import build_stbl, chunk_starts, offsets_table

FTYP = box(b"ftyp", b"isom", U32.pack(0x200), b"isomiso6iso2mp41")
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_BOX_HEADER = 8
_UNDETERMINED = 0x55C4
"""Language "und", packed as in clause 8.4.2."""


class Movie:
    """``moov { mvhd trak... }`` of tracks, in which only where the media begins is left open.

    It is as long wherever that is, so it can be measured first: how long it is says where the media begins.

    Args:
        tracks: what is shown.
        offsets: of each track, where its samples lie behind the media's beginning, bytes.
    """

    def __init__(self, tracks: Sequence[PlacedTrack], offsets: Sequence[I64]) -> None:
        duration = max(_presented(t.edits) for t in tracks)
        self._header = _mvhd(duration, len(tracks) + 1)
        starts = [chunk_starts(o, t.size) for t, o in zip(tracks, offsets, strict=True)]
        self._chunks = [o[first] for o, first in zip(offsets, starts, strict=True)]
        self._traks = [
            _trak(number, *each) for number, each in enumerate(zip(tracks, starts, self._chunks, strict=True), 1)
        ]

    def __len__(self) -> int:
        return _BOX_HEADER + len(self._header) + sum(map(len, self._traks))

    def at(self, begin: int) -> bytes:
        """Return the box for media that begins at byte ``begin`` of the file.

        ``co64`` is the last box of ``stbl``, and that of ``minf``, ``mdia`` and ``trak``: its numbers end the track.
        """
        traks = [
            trak[: len(trak) - 8 * len(chunks)] + offsets_table(chunks + begin)
            for trak, chunks in zip(self._traks, self._chunks, strict=True)
        ]
        return box(b"moov", self._header, *traks)


def _presented(edits: Sequence[Edit]) -> int:
    return sum(e.length for e in edits)


def _mvhd(duration: int, next_track: int) -> bytes:
    """Movie header, clause 8.2.2, version 1, no dates: the same footage is the same bytes.

    ``creation(64) modification(64) timescale(32) duration(64) rate(16.16) volume(8.8) reserved(80) matrix(9 x 32)
    pre_defined(6 x 32) next_track_ID(32)``
    """
    fields = struct.pack(">QQIQIHH8x", 0, 0, VIDEO_TIMESCALE, duration, 0x10000, 0x100, 0)
    return full_box(b"mvhd", 1, 0, fields, _MATRIX, bytes(24), U32.pack(next_track))


def _trak(number: int, track: PlacedTrack, first: I64, chunks: I64) -> bytes:
    """Track, clause 8.3.1: ``trak { tkhd edts { elst } mdia { mdhd hdlr minf { vmhd|smhd dinf stbl } } }``."""
    video = track.format.kind == "video"
    kind, name = (b"vide", b"Video\0") if video else (b"soun", b"Sound\0")
    # Clause 8.4.3: pre_defined(32) handler_type(32) reserved(96) name
    hdlr = full_box(b"hdlr", 0, 0, struct.pack(">4x4s12x", kind), name)
    # Clauses 12.1.2 and 12.2.2: graphicsmode(16) opcolor(48), or balance(16) reserved(16)
    header = full_box(b"vmhd", 0, 1, bytes(8)) if video else full_box(b"smhd", 0, 0, bytes(4))
    # Clause 8.7.2; flag 1: the samples are in this file
    dinf = box(b"dinf", full_box(b"dref", 0, 0, U32.pack(1), full_box(b"url ", 0, 1)))
    minf = box(b"minf", header, dinf, build_stbl(track, first, chunks))
    mdia = box(b"mdia", _mdhd(track), hdlr, minf)
    return box(b"trak", _tkhd(number, track), box(b"edts", _elst(track.edits)), mdia)


def _tkhd(number: int, track: PlacedTrack) -> bytes:
    """Track header, clause 8.3.2, version 1; flags: enabled, in movie.

    ``creation(64) modification(64) track_ID(32) reserved(32) duration(64) reserved(64) layer(16) alternate_group(16)
    volume(8.8) reserved(16) matrix(9 x 32) width(16.16) height(16.16)``
    """
    group, volume = (0, 0) if track.format.kind == "video" else (1, 0x100)
    fields = struct.pack(">QQI4xQ8xHHH2x", 0, 0, number, _presented(track.edits), 0, group, volume)
    return full_box(
        b"tkhd", 1, 3, fields, _MATRIX, struct.pack(">II", track.format.width << 16, track.format.height << 16)
    )


def _elst(edits: Sequence[Edit]) -> bytes:
    """Edit list, clause 8.6.6, version 1: ``count(32) [segment_duration(64) media_time(64) rate(16.16)]...``."""
    entries = b"".join(struct.pack(">QqI", e.length, e.media, 0x10000) for e in edits)
    return full_box(b"elst", 1, 0, U32.pack(len(edits)), entries)


def _mdhd(track: PlacedTrack) -> bytes:
    """Media header, clause 8.4.2, version 1.

    ``creation(64) modification(64) timescale(32) duration(64) language(3 x 5 bits) pre_defined(16)``
    """
    fields = struct.pack(">QQIQHH", 0, 0, track.format.timescale, int(track.dur.sum()), _UNDETERMINED, 0)
    return full_box(b"mdhd", 1, 0, fields)

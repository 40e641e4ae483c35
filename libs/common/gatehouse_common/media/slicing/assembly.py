"""From selections to the pieces of a file: one byte range per source, and the header that explains them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatehouse_common.media.samples import I64, ChunkMedia
from gatehouse_common.media.virtual_file import ObjectRange, Piece, VirtualFile

from .movie import FTYP, Movie
from .placement import PlacedTrack, place, starts_of
from .selection import Selection

_MDAT_HEADER = 16
_BOX_HEADER = 8

Source = ChunkMedia | bytes


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the sources' ranges come to lie behind the header."""

    pieces: tuple[Piece, ...]
    base: I64
    size: int


def assemble(
    selections: Sequence[Selection], sources: Sequence[Source], *, keep_gaps: bool, header_bytes: int = 0
) -> VirtualFile:
    """Return ``ftyp moov mdat`` for selections, in which ``mdat`` holds one range of each source.

    The ``moof`` boxes between the samples ride along as bytes that nothing refers to. With ``header_bytes`` the media
    begins there, whatever the ``moov`` takes: what it leaves is a free box, and one that is too long comes at the end.
    """
    tracks = place(selections, starts_of(selections, keep_gaps=keep_gaps))
    layout = _lay_out(tracks, sources)
    relative = [t.off + layout.base[t.src] for t in tracks]
    movie = Movie(tracks, relative)
    needed = len(FTYP) + len(movie) + _MDAT_HEADER
    header_size = header_bytes or needed
    moov = movie.at(header_size)
    mdat = struct.pack(">I4sQ", 1, b"mdat", _MDAT_HEADER + layout.size)
    spare = header_size - needed
    if spare == 0:
        return VirtualFile((FTYP + moov + mdat, *layout.pieces))
    if spare >= _BOX_HEADER:
        return VirtualFile((FTYP + moov + _free(spare) + mdat, *layout.pieces))
    front = FTYP + _free(header_size - len(FTYP) - _MDAT_HEADER) + mdat
    return VirtualFile((front, *layout.pieces, moov))


def _free(size: int) -> bytes:
    """Return a box that says nothing (ISO/IEC 14496-12 clause 8.1.2), ``size`` bytes of it."""
    return struct.pack(">I4s", size, b"free") + bytes(size - _BOX_HEADER)


def _lay_out(tracks: Sequence[PlacedTrack], sources: Sequence[Source]) -> _Layout:
    """Return one contiguous range per source, in source order, that covers the samples taken from it."""
    src = np.concatenate([t.src for t in tracks])
    off = np.concatenate([t.off for t in tracks])
    end = off + np.concatenate([t.size for t in tracks])
    pieces: list[Piece] = []
    base = np.zeros(len(sources), np.int64)
    at = 0
    for number in range(len(sources)):
        mine = src == number
        if not mine.any():
            continue
        low, high = int(off[mine].min()), int(end[mine].max())
        pieces.append(_piece(sources[number], low, high - low))
        base[number] = at - low
        at += high - low
    return _Layout(tuple(pieces), base, at)


def _piece(source: Source, offset: int, length: int) -> Piece:
    if isinstance(source, bytes):
        return source[offset : offset + length]
    return ObjectRange(source.key, offset, length, source.chunk_id)

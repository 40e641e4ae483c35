"""Where a smart cut may go over from pictures encoded anew to recorded ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gatehouse_common.media.boxes import U32
from gatehouse_common.media.decode import RangeSource
from gatehouse_common.media.samples import ChunkMedia

from .selection import VideoWindow
from .spans import SpanTrack

_HEAD_BYTES = 16 << 10
_IDR = 5
_CODED_SLICES = frozenset({1, 2, 5})


def find_seam(video: SpanTrack, window: VideoWindow, chunks: Sequence[ChunkMedia], reader: RangeSource) -> int:
    """Return the decode position from which samples can be copied: a keyframe after ``shown``, or ``last``.

    What is before it in decode order is not in the file. H.265 can go on at any keyframe; in H.264 a keyframe of an
    open GOP (a recovery point) counts its pictures from what was before, so only an IDR picture will do.
    """
    pts = video.pts[window.first : window.last]
    keyframes = np.flatnonzero(video.sync[window.first : window.last] & (pts > window.shown) & (pts < window.end))
    for position in window.first + keyframes:
        if video.format.codec != "avc1" or _is_idr(video, int(position), chunks, reader):
            return int(position)
    return window.last


def _is_idr(video: SpanTrack, position: int, chunks: Sequence[ChunkMedia], reader: RangeSource) -> bool:
    """Whether the first slice of a sample is of an IDR picture (H.264 table 7-1)."""
    key = chunks[int(video.src[position])].key
    head = reader.read(key, int(video.off[position]), min(int(video.size[position]), _HEAD_BYTES))
    at = 0
    while at + 5 <= len(head):
        kind = head[at + 4] & 31
        if kind in _CODED_SLICES:
            return kind == _IDR
        at += 4 + int(U32.unpack_from(head, at)[0])
    return False

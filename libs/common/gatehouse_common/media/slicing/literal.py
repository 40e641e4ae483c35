"""Bytes that a slice carries itself, beside the ranges of stored files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.media.decode import RangeSource, read_samples
from gatehouse_common.media.encode import EncodedSample
from gatehouse_common.media.samples import I64, ChunkMedia, TrackFormat

from .spans import SpanTrack


class Literal:
    """A source of samples that is made for one slice.

    Args:
        number: its source number.

    Attributes:
        data: what it holds so far.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.data = bytearray()

    def add(self, format_: TrackFormat, samples: Sequence[EncodedSample]) -> SpanTrack:
        """Take samples in; return their columns, which lack durations."""
        off = [self._put(s.data) for s in samples]
        pts = np.array([s.pts for s in samples], np.int64)
        none = np.zeros(len(samples), np.int64)
        size = np.array([len(s.data) for s in samples], np.int64)
        sync = np.array([s.sync for s in samples], np.bool_)
        return SpanTrack(format_, pts, none, none, size, np.array(off, np.int64), sync, none + self.number)

    def move(
        self, track: SpanTrack, chosen: NDArray[np.bool_], chunks: Sequence[ChunkMedia], reader: RangeSource
    ) -> SpanTrack:
        """Take copies of the ``chosen`` samples in; return the track with them here instead of in their chunks."""
        which: I64 = np.flatnonzero(chosen)
        off, src = track.off.copy(), track.src.copy()
        off[which] = [self._put(data) for data in read_samples(track, which, chunks, reader)]
        src[which] = self.number
        return SpanTrack(track.format, track.dts, track.dur, track.cts, track.size, off, track.sync, src)

    def _put(self, data: bytes) -> int:
        self.data += data
        return len(self.data) - len(data)

"""Spans: what was recorded without a break, its sample tables joined over chunk files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.clock import ticks_us
from gatehouse_common.media.samples import (
    I64,
    ChunkMedia,
    TrackFormat,
    TrackSamples,
    complete_until,
    first_tick,
)


@dataclass(frozen=True, slots=True)
class SpanTrack:
    """Columns of one track over the chunks of a span, as in ``TrackSamples``; ``src`` numbers the source."""

    format: TrackFormat
    dts: I64
    dur: I64
    cts: I64
    size: I64
    off: I64
    sync: NDArray[np.bool_]
    src: I64

    def __len__(self) -> int:
        return len(self.dts)

    @property
    def pts(self) -> I64:
        """Presentation times in ticks, in decode order."""
        return self.dts + self.cts

    def take(self, start: int, end: int) -> SpanTrack:
        """Return the samples ``[start, end)``."""
        return self.pick(slice(start, end))

    def pick(self, which: slice | I64) -> SpanTrack:
        """Return the samples at positions ``which``, with the times they have."""
        return SpanTrack(
            self.format,
            self.dts[which],
            self.dur[which],
            self.cts[which],
            self.size[which],
            self.off[which],
            self.sync[which],
            self.src[which],
        )

    def followed_by(self, other: SpanTrack) -> SpanTrack:
        """Return these samples and then those of ``other``, with the times they have."""
        return SpanTrack(
            self.format,
            np.concatenate((self.dts, other.dts)),
            np.concatenate((self.dur, other.dur)),
            np.concatenate((self.cts, other.cts)),
            np.concatenate((self.size, other.size)),
            np.concatenate((self.off, other.off)),
            np.concatenate((self.sync, other.sync)),
            np.concatenate((self.src, other.src)),
        )

    def retimed(self, end: int) -> SpanTrack:
        """Return the same pictures, shown at the same times, with decode times that suit their order."""
        pts = self.pts
        dts = np.sort(pts)
        dur = np.diff(dts, append=max(end, int(dts[-1]) + 1))
        return SpanTrack(self.format, dts, dur, pts - dts, self.size, self.off, self.sync, self.src)


@dataclass(frozen=True, slots=True)
class Span:
    """An unbroken stretch of one run; media time ``t`` ticks was at ``origin_us + t / timescale``."""

    origin_us: int
    tracks: tuple[SpanTrack, ...]

    @property
    def video(self) -> SpanTrack:
        """The video track."""
        return self.tracks[0]

    def wall_us(self, ticks: int) -> int:
        """Return the wall time of a video time."""
        return self.origin_us + ticks_us(ticks)

    def ticks(self, wall_us: int) -> int:
        """Return the first video time whose wall time is not before ``wall_us``; see ``first_tick``."""
        return first_tick(wall_us - self.origin_us)

    @property
    def end(self) -> int:
        """Video time at which the last frame ends before which none is missing."""
        return complete_until(self.video.dts, self.video.pts, self.video.dur)


def in_order(chunks: Sequence[ChunkMedia]) -> list[ChunkMedia]:
    """Return chunks run by run, by start; of one that is given twice, what is known of more of it.

    Where a clock was set back runs overlap: they are shown one after the other, not chunk by chunk in turn.
    """
    known: dict[str, ChunkMedia] = {}
    for chunk in chunks:
        other = known.get(chunk.chunk_id)
        if len(chunk.video) and (other is None or other.indexed_bytes < chunk.indexed_bytes):
            known[chunk.chunk_id] = chunk
    begun: dict[str, int] = {}
    for chunk in known.values():
        begun[chunk.run_id] = min(chunk.start_us, begun.get(chunk.run_id, chunk.start_us))
    return sorted(known.values(), key=lambda c: (begun[c.run_id], c.run_id, c.start_us, c.chunk_id))


def build_spans(chunks: Sequence[ChunkMedia]) -> list[Span]:
    """Return the spans of ``chunks``, which are ``in_order``; source numbers are positions in ``chunks``."""
    spans: list[Span] = []
    group: list[int] = []
    for number, chunk in enumerate(chunks):
        if group and not _continues(chunks[group[-1]], chunk):
            spans.append(_join(chunks, group))
            group = []
        group.append(number)
    if group:
        spans.append(_join(chunks, group))
    return spans


def _continues(before: ChunkMedia, after: ChunkMedia) -> bool:
    """Whether ``after`` goes on exactly where ``before`` ends: same run, and no chunk missing in between."""
    if before.run_id != after.run_id or len(before.tracks) != len(after.tracks):
        return False
    end = int(before.video.dts[-1] + before.video.dur[-1])
    return int(after.video.dts[0]) == end


def _join(chunks: Sequence[ChunkMedia], group: Sequence[int]) -> Span:
    tracks = tuple(
        _join_track([chunks[n].tracks[k] for n in group], group) for k in range(len(chunks[group[0]].tracks))
    )
    return Span(chunks[group[-1]].origin_us, tracks)


def _join_track(tracks: Sequence[TrackSamples], group: Sequence[int]) -> SpanTrack:
    def joined(name: str) -> I64:
        if len(tracks) == 1:
            only: I64 = getattr(tracks[0], name)
            return only
        found: I64 = np.concatenate([getattr(t, name) for t in tracks])
        return found

    src = np.repeat(np.array(group, np.int64), [len(t) for t in tracks])
    return SpanTrack(
        tracks[0].format,
        joined("dts"),
        joined("dur"),
        joined("cts"),
        joined("size"),
        joined("off"),
        np.concatenate([t.sync for t in tracks]) if len(tracks) > 1 else tracks[0].sync,
        src,
    )

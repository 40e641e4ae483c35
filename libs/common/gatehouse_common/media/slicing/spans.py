"""Spans: what was recorded without a break, its sample tables joined over chunk files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.media.samples import I64, VIDEO_TIMESCALE, ChunkMedia, TrackFormat, TrackSamples


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
        cut = slice(start, end)
        return SpanTrack(
            self.format,
            self.dts[cut],
            self.dur[cut],
            self.cts[cut],
            self.size[cut],
            self.off[cut],
            self.sync[cut],
            self.src[cut],
        )


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
        return self.origin_us + (ticks * 2_000_000 + VIDEO_TIMESCALE) // (2 * VIDEO_TIMESCALE)

    def ticks(self, wall_us: int) -> int:
        """Return the video time of a wall time: the first tick that is not before it."""
        return -(-(wall_us - self.origin_us) * VIDEO_TIMESCALE // 1_000_000)

    @property
    def start_us(self) -> int:
        """Wall time of its first frame."""
        return self.wall_us(int(self.video.pts.min()))

    @property
    def end_us(self) -> int:
        """Wall time at which its last frame ends."""
        return self.wall_us(int((self.video.pts + self.video.dur).max()))


def build_spans(chunks: Sequence[ChunkMedia]) -> list[Span]:
    """Return the spans of ``chunks``, which are sorted by start; source numbers are positions in ``chunks``."""
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
        np.concatenate([t.sync for t in tracks]),
        src,
    )

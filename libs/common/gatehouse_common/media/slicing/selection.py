"""Which samples a range needs, and which of them are shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatehouse_common.media.samples import VIDEO_TIMESCALE

from .spans import Span, SpanTrack

_PRIMING_PACKETS = 1
"""Audio packets decoded before the first heard one: an AAC packet needs the one before it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of a span that a slice needs.

    Attributes:
        span: only its origin is used.
        tracks: the samples, lead-in and all.
        shown: presentation time of the first frame shown, in ticks.
        end: time at which the last frame shown ends, in ticks.
        frames: how many frames are shown.
    """

    span: Span
    tracks: tuple[SpanTrack, ...]
    shown: int
    end: int
    frames: int

    @property
    def start_us(self) -> int:
        """Wall time of the first frame shown."""
        return self.span.wall_us(self.shown)

    @property
    def end_us(self) -> int:
        """Wall time at which the last frame shown ends."""
        return self.span.wall_us(self.end)


@dataclass(frozen=True, slots=True)
class VideoWindow:
    """Decode positions ``[first, last)``, and what of them is shown."""

    first: int
    last: int
    shown: int
    end: int


def find_window(span: Span, start_us: int, end_us: int) -> VideoWindow | None:
    """Return which video samples of a span ``[start_us, end_us)`` needs, None if it shows none of them.

    The first frame is the one on screen at ``start_us``. Decoding starts at the last sync sample that does not
    come after that frame in presentation either: pictures that lead the keyframe of an open GOP refer to the
    GOP before. The last is the last in decode order that is presented before ``end_us``.
    """
    v = span.video
    pts = v.pts
    want0, want1 = span.ticks(start_us), span.ticks(end_us)
    inside = np.flatnonzero(pts < want1)
    if not len(inside) or int((pts + v.dur).max()) <= want0:
        return None
    # "On screen at the start" includes a frame that begins in the very microsecond that was asked for.
    on_screen = pts[pts <= span.ticks(start_us + 1) - 1] if want0 > 0 else pts[:0]
    shown = int(on_screen.max()) if len(on_screen) else int(pts.min())
    position = int(np.flatnonzero(pts == shown)[0])
    starts = np.flatnonzero(v.sync[: position + 1] & (pts[: position + 1] <= shown))
    if len(starts):
        first = int(starts[-1])
    else:  # leading pictures of a keyframe whose GOP before is not there: they cannot be decoded
        syncs = np.flatnonzero(v.sync)
        if not len(syncs):
            return None
        first = int(syncs[0])
        shown = int(pts[first])
        if shown >= want1:
            return None
    last = int(inside[-1]) + 1
    after = pts[pts >= want1]
    end = int(after.min()) if len(after) else int((pts + v.dur).max())
    return VideoWindow(first, last, shown, end)


def select(span: Span, start_us: int, end_us: int) -> Selection | None:
    """Return what ``[start_us, end_us)`` needs of a span, None if it needs nothing."""
    window = find_window(span, start_us, end_us)
    if window is None:
        return None
    video = span.video.take(window.first, window.last)
    sound = tuple(select_audio(t, window.shown, window.end) for t in span.tracks[1:])
    pts = video.pts
    frames = int(((pts >= window.shown) & (pts < window.end)).sum())
    return Selection(span, (video, *sound), window.shown, window.end, frames)


def select_audio(track: SpanTrack, shown: int, end: int) -> SpanTrack:
    """Return the audio packets heard in ``[shown, end)`` video ticks, and what their decoder needs before."""
    scale = track.format.timescale
    first = int(np.searchsorted(track.dts, shown * scale // VIDEO_TIMESCALE, "right")) - 1 - _PRIMING_PACKETS
    last = int(np.searchsorted(track.dts, -(-end * scale // VIDEO_TIMESCALE), "left"))
    return track.take(max(first, 0), last)

"""Which samples a range needs, and which of them are shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gatehouse_common.media.samples import I64, VIDEO_TIMESCALE

from .spans import Span, SpanTrack

PRIMING_PACKETS = 1
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
    """Decode positions ``[first, last)``, and what of them is shown.

    ``leading`` tells that pictures of the first GOP come before ``shown`` and refer to a GOP that is not there.
    """

    first: int
    last: int
    shown: int
    end: int
    leading: bool = False


def find_window(span: Span, start_us: int, end_us: int) -> VideoWindow | None:
    """Return which video samples of a span ``[start_us, end_us)`` needs, None if it shows none of them.

    The first frame is the one on screen at ``start_us``. Decoding starts at the last sync sample that does not
    come after that frame in presentation either: pictures that lead the keyframe of an open GOP refer to the
    GOP before. The last is the last in decode order that is presented before ``end_us``.
    """
    v = span.video
    pts = v.pts
    after_start, limit = span.ticks(start_us + 1), min(span.ticks(end_us), span.end)
    inside = np.flatnonzero(pts < limit)
    if not len(inside) or span.end < after_start:
        return None
    on_screen = pts[pts < after_start]
    shown = int(on_screen.max()) if len(on_screen) else int(pts.min())
    position = int(np.flatnonzero(pts == shown)[0])
    starts = np.flatnonzero(v.sync[: position + 1] & (pts[: position + 1] <= shown))
    leading = not len(starts)
    if leading:
        syncs = np.flatnonzero(v.sync & (pts < limit))
        if not len(syncs):
            return None
        starts = syncs[:1]
        shown = int(pts[starts[0]])
    return VideoWindow(int(starts[-1]), int(inside[-1]) + 1, shown, _end_of_last(pts, limit, span.end), leading)


def _end_of_last(pts: I64, limit: int, end: int) -> int:
    """Return when the last frame that begins before ``limit`` ends: when the next begins, if there is one."""
    after = pts[(pts >= limit) & (pts < end)]
    return int(after.min()) if len(after) else end


def select(span: Span, start_us: int, end_us: int, *, is_first: bool = True) -> Selection | None:
    """Return what ``[start_us, end_us)`` needs of a span, None if it needs nothing.

    Sound of a span that is not the first begins with its first frame, not before: there, the span before ends.
    """
    window = find_window(span, start_us, end_us)
    if window is None:
        return None
    video = span.video.take(window.first, window.last)
    if window.leading:
        video = video.pick(np.flatnonzero(video.pts >= window.shown)).retimed(window.end)
    priming = PRIMING_PACKETS if is_first else None
    sound = tuple(select_audio(t, window.shown, window.end, priming) for t in span.tracks[1:])
    return Selection(span, (video, *sound), window.shown, window.end, count_frames(span, window))


def count_frames(span: Span, window: VideoWindow) -> int:
    """Return how many frames of a span a window shows."""
    pts = span.video.pts[window.first : window.last]
    return int(((pts >= window.shown) & (pts < window.end)).sum())


def select_audio(track: SpanTrack, shown: int, end: int, priming: int | None) -> SpanTrack:
    """Return the audio packets heard in ``[shown, end)`` video ticks.

    Args:
        track: the span's audio.
        shown: when sound begins.
        end: when it ends.
        priming: how many packets to put before the one heard at ``shown``; None leaves that one out as well, so
            that nothing from before ``shown`` is there.
    """
    scale = track.format.timescale
    if priming is None:
        first = int(np.searchsorted(track.dts, -(-shown * scale // VIDEO_TIMESCALE), "left"))
    else:
        first = int(np.searchsorted(track.dts, shown * scale // VIDEO_TIMESCALE, "right")) - 1 - priming
    last = int(np.searchsorted(track.dts, -(-end * scale // VIDEO_TIMESCALE), "left"))
    return track.take(max(first, 0), last)

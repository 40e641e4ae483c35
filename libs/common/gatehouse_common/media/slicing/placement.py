"""Where each sample goes on the slice's own time line, which begins with the first frame shown.

One output track holds all spans of one codec; spans of another codec make another track. Samples of different sizes or
settings share a track: their parameter sets are in-band.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.media.samples import I64, VIDEO_TIMESCALE, TrackFormat

from .selection import Selection
from .sharing import sharing_key
from .spans import SpanTrack


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry of an edit list: ``length`` ticks of 1/90000 s; ``media`` in track ticks, -1 shows nothing."""

    length: int
    media: int


@dataclass(frozen=True, slots=True)
class PlacedTrack:
    """A track of the slice.

    Attributes:
        format: that of its first span; width and height are the largest.
        dur: durations in ticks, such that every span begins where it must.
        cts: composition offsets in ticks.
        size: bytes.
        src: source numbers.
        off: offsets in the source.
        sync: where decoding can start.
        edits: its edit list.
    """

    format: TrackFormat
    dur: I64
    cts: I64
    size: I64
    src: I64
    off: I64
    sync: NDArray[np.bool_]
    edits: tuple[Edit, ...]


@dataclass(slots=True)
class _Entry:
    """One span's samples of a track, with the time line's place of video tick ``shown``."""

    samples: SpanTrack
    shown: int
    out: int
    out_end: int


def starts_of(selections: Sequence[Selection], *, keep_gaps: bool) -> list[int]:
    """Return where each selection begins on the time line, in ticks of 1/90000 s.

    One that is not the first, and begins between keyframes, is shown from the keyframe before: nothing can hide what is
    in the middle of a track. So begin runs that overlap another, where a clock was set back.
    """
    starts: list[int] = []
    at = 0
    for k, one in enumerate(selections):
        if k:
            at += max(0, one.shown - int(one.tracks[0].pts.min()))
        if k and keep_gaps:
            wall = one.start_us - selections[0].start_us
            at = max(at, (wall * VIDEO_TIMESCALE + 500_000) // 1_000_000)
        starts.append(at)
        at += one.end - one.shown
    return starts


def place(selections: Sequence[Selection], starts: Sequence[int]) -> list[PlacedTrack]:
    """Return the tracks of the slice, video first."""
    tracks: dict[tuple[object, ...], list[_Entry]] = {}
    for one, out in zip(selections, starts, strict=True):
        for samples in one.tracks:
            if len(samples):
                entry = _Entry(samples, one.shown, out, out + one.end - one.shown)
                tracks.setdefault(sharing_key(samples.format), []).append(entry)
    placed = [_place_track(entries) for entries in tracks.values()]
    return sorted(placed, key=lambda t: t.format.kind != "video")


def _place_track(entries: Sequence[_Entry]) -> PlacedTrack:
    scale = entries[0].samples.format.timescale
    dts = np.concatenate([e.samples.dts + _shift(e, scale) for e in entries])
    last = int(entries[-1].samples.dur[-1])
    # Durations are unsigned: where spans touch, rounding may ask for a tick less than nothing.
    dur = np.maximum(np.diff(dts, append=dts[-1] + last), 0)
    begin = int(dts[0])
    return PlacedTrack(
        _largest([e.samples.format for e in entries]),
        dur,
        np.concatenate([e.samples.cts for e in entries]),
        np.concatenate([e.samples.size for e in entries]),
        np.concatenate([e.samples.src for e in entries]),
        np.concatenate([e.samples.off for e in entries]),
        np.concatenate([e.samples.sync for e in entries]),
        tuple(_edits(entries, begin, scale)),
    )


def _shift(entry: _Entry, scale: int) -> int:
    """Return what to add to a sample's time: ``shown`` goes to ``out``, both being ticks of 1/90000 s."""
    return ((entry.out - entry.shown) * 2 * scale + VIDEO_TIMESCALE) // (2 * VIDEO_TIMESCALE)


def _edits(entries: Sequence[_Entry], begin: int, scale: int) -> list[Edit]:
    """Return the edit list: nothing up to the first span, then all of the media to the end of the last.

    Between spans the sample before the gap is shown: it is stretched. An entry that shows nothing in the middle of a
    list would say more clearly that another track goes on there, but libavformat reads it as one of media time -1, and
    shows pictures from the beginning of the track again.
    """
    start, end = entries[0].out, entries[-1].out_end
    media = (start * 2 * scale + VIDEO_TIMESCALE) // (2 * VIDEO_TIMESCALE) - begin
    if media < 0:  # the first packet of sound begins after the first frame
        start += (-media * VIDEO_TIMESCALE + scale - 1) // scale
        media = 0
    shown = Edit(max(end - start, 0), media)
    return [Edit(start, -1), shown] if start else [shown]


def _largest(formats: Sequence[TrackFormat]) -> TrackFormat:
    first = formats[0]
    return TrackFormat(
        first.track_id,
        first.kind,
        first.timescale,
        first.codec,
        first.codec_string,
        first.sample_entry,
        max(f.width for f in formats),
        max(f.height for f in formats),
    )

"""Which gaps a run's start reveals: pure arithmetic on wall time, microseconds UTC."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gatehouse_common.db import Gap
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.messages import GapCause, Interruption

MIN_GAP_US = 50_000
"""A hole shorter than this is the jitter of frames around a change of runs, not missing footage."""


def derive_gaps(
    camera: str, run: str, recorded_until_us: int, start_us: int, interruptions: Sequence[Interruption]
) -> list[Gap]:
    """Return the gaps between the end of what was recorded before a run and the run's first frame.

    The span is cut where one cause followed another: each interruption counts from its ``since_us`` (or from the
    last recorded frame) until the next one's. Whatever comes before the first is the first's: nobody knows better.
    Without any interruption the frames were lost on the way.

    Args:
        camera: id of the camera.
        run: id of the run that begins.
        recorded_until_us: where the footage before it ends, or when the camera was added.
        start_us: the run's first frame.
        interruptions: what happened in between, in any order.
    """
    if start_us - recorded_until_us < MIN_GAP_US:
        return []
    # What began with the last frame came first, even if another was dated when less was known to be recorded.
    known = sorted(interruptions, key=lambda i: -1 if i.since_us is None else i.since_us)
    causes = [(_clamp(i.since_us, recorded_until_us, start_us), i.cause) for i in known]
    if not causes:
        causes = [(recorded_until_us, GapCause.DROPPED)]
    causes[0] = recorded_until_us, causes[0][1]
    ends = [since for since, _ in causes[1:]] + [start_us]
    gaps: list[Gap] = []
    for (since, cause), end in zip(causes, ends, strict=True):
        if gaps and gaps[-1].cause == cause and gaps[-1].end_us == since:
            gaps[-1] = _gap(camera, gaps[-1].start_us, end, cause, run)
        elif end > since:
            gaps.append(_gap(camera, since, end, cause, run))
    return gaps


def without_stored(gap: Gap, stored: Iterable[Interval]) -> list[Gap]:
    """Return what is left of a gap without the spans of chunks that are stored whole."""
    left = subtract(Interval(gap.start_us, gap.end_us), stored)
    return [replace(gap, start_us=one.start, end_us=one.end) for one in left if one.duration >= MIN_GAP_US]


def _clamp(since_us: int | None, low: int, high: int) -> int:
    return low if since_us is None else min(max(since_us, low), high)


def _gap(camera: str, start_us: int, end_us: int, cause: GapCause, run: str) -> Gap:
    return Gap(camera, start_us, end_us, cause.value, "", run)

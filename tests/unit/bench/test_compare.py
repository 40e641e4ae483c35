"""What `make bench-compare` calls worse: what has gone the wrong way by more than it wavers from run to run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from bench.compare import changes

PACE, SLOW = {"steps_s": 0.13, "memory_s": 0.9}, {"steps_s": 0.14, "memory_s": 1.8}


def line(
    value: float, *, ratio: float | None = None, met: bool = True, more: bool = False, **of: Any
) -> dict[str, Any]:
    """A line of results.json."""
    fields = {
        "id": "P3",
        "what": "first byte",
        "value": value,
        "unit": "ms",
        "on": "a film",
        "ratio": ratio,
        "met": met,
    }
    return {**fields, "more_is_better": more, **of}


def exponent(value: float) -> dict[str, Any]:
    """One of how a cost grows."""
    return line(value, unit="exponent")


@pytest.mark.parametrize(
    ("was", "now", "verdict"),
    [
        (line(10), line(12), ""),
        (line(10), line(13), "worse"),
        (line(10), line(5), "better"),
        (line(10, pace=PACE), line(13, pace={"steps_s": 0.15, "memory_s": 1.0}), "worse"),
        (line(10, pace=PACE), line(13, pace=SLOW), "worse; the machine is up to 2.0 times as slow"),
        (
            line(10, pace=PACE),
            line(9, met=False, pace=SLOW),
            "worse: not met any more; the machine is up to 2.0 times as slow",
        ),
        (line(10), line(13, pace=SLOW), "worse"),
        (line(10, more=True), line(7, more=True), "worse"),
        (line(10, more=True), line(13, more=True), "better"),
        (line(10), line(11, met=False), "worse: not met any more"),
        (line(10, met=False), line(9), "better: met now"),
        (line(0), line(1), "worse"),
        (line(10), line(20, on="another film"), "measured under other conditions"),
        (exponent(-0.2), exponent(-0.1), ""),
        (exponent(-0.2), exponent(-0.4), "better"),
        (exponent(-0.01), exponent(0.2), "worse"),
        (exponent(0.0), exponent(-0.05), ""),
        (exponent(0.011), exponent(0.02), ""),
    ],
)
def test_what_is_worse(was: dict[str, Any], now: dict[str, Any], verdict: str) -> None:
    ((*_, told),) = changes([was], [now])
    assert told == verdict


def test_a_ratio_counts_and_not_the_time_where_there_is_one() -> None:
    """Another machine is twice as slow, and so is the reference there."""
    ((_, _, before, now, change, verdict),) = changes([line(10, ratio=0.1)], [line(20, ratio=0.1001)])
    assert (before, now, change, verdict) == ("0.1 x", "0.1001 x", "+0%", "")


def test_what_was_not_measured_anew_is_not_told_and_what_is_gone_is() -> None:
    assert changes([line(10)], [line(10)]) == []
    ((_, what, before, now, _, verdict),) = changes([line(10)], [])
    assert (what, before, now, verdict) == ("first byte", "10 ms", "", "gone")

"""Pictures that were asked for and did not come: counted in windows, without what is within their ends."""

from __future__ import annotations

import pytest

from gatehouse_capture.shortfall import Shortfall
from gatehouse_common.clock import SECOND

LOOK_US = 2 * SECOND


def after(asked: float, comes: float, seconds: int) -> Shortfall:
    """What is known after a while of looking every two seconds, as a camera does."""
    found, taken = Shortfall(asked), 0
    for n in range(1, seconds // 2 + 1):
        due = int(n * 2 * comes)
        found.note(due - taken, LOOK_US)
        taken = due
    return found


@pytest.mark.parametrize(
    ("asked", "comes", "share", "dropped"),
    [
        (30, 30, 0, 0),
        (30, 29.97, 0, 0),
        (30, 31, 0, 0),
        (5, 4.9, 0, 0),
        (30, 22.5, 0.25, 450),
        (30, 28, 0.0667, 120),
        (30, 0, 1, 1800),
        (0, 12, 0, 0),
    ],
)
def test_what_does_not_come_is_counted(asked: float, comes: float, share: float, dropped: int) -> None:
    """S0-38: of a minute."""
    found = after(asked, comes, 60)
    assert found.share == pytest.approx(share, abs=0.002)
    assert found.dropped_frames == pytest.approx(dropped, rel=0.02)


def test_who_is_well_again_is_told_so_within_half_a_minute() -> None:
    """S0-38: what was dropped stays counted, the share is of now."""
    found = after(30, 15, 60)
    assert found.share == pytest.approx(0.5)
    for _ in range(15):
        found.note(60, LOOK_US)
    assert found.share == 0
    assert found.dropped_frames == 900


def test_nothing_is_said_before_a_window_is_full() -> None:
    """S0-38: a camera that has just begun is not slow."""
    found = Shortfall(30)
    assert found.note(10, 4 * SECOND) == 0
    assert (found.share, found.dropped_frames) == (0, 0)
    assert found.note(10, 6 * SECOND) == 280

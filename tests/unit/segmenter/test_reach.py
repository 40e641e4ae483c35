"""How far footage reaches, and what follows from it for what is planned."""

from __future__ import annotations

import pytest

from gatehouse_common.clock import HOUR, SECOND
from gatehouse_segmenter.footage_clock import GRACE_US, Reach

NOW = 1_800_000_000 * SECOND


@pytest.mark.parametrize(
    ("reach_us", "end_us", "has_all"),
    [
        (NOW, NOW - SECOND, True),
        (NOW, NOW, True),
        (NOW, NOW + 1, False),
        (NOW + 40 * SECOND, NOW + 39 * SECOND, True),  # of a recorder whose clock is ahead
        (NOW + HOUR, NOW + 15 * SECOND, False),  # what is dated by the clock as it was
        (NOW + HOUR, NOW, True),
    ],
)
def test_all_is_there_as_far_as_footage_reaches_unless_it_is_still_to_come(
    reach_us: int, end_us: int, has_all: bool
) -> None:
    assert Reach(reach_us, 0, 0).has_all(end_us, NOW) == has_all


@pytest.mark.parametrize(
    ("start_us", "still_us", "growing_us", "has_gone_back"),
    [
        (NOW + HOUR, 0, GRACE_US, True),
        (NOW + HOUR, 0, GRACE_US - 1, False),
        (NOW + HOUR, GRACE_US, HOUR, False),  # the run before it, of which the index has not told the end
        (NOW + 30 * SECOND, 0, GRACE_US, False),
        (NOW - HOUR, 0, GRACE_US, False),
    ],
)
def test_nothing_comes_to_what_is_far_ahead_of_footage_that_grows(
    start_us: int, still_us: int, growing_us: int, has_gone_back: bool
) -> None:
    assert Reach(NOW - SECOND, still_us, growing_us).has_gone_back(start_us, NOW) == has_gone_back


def test_what_is_ahead_of_the_clock_is_waited_for_if_footage_is_ahead_too() -> None:
    """A recorder whose clock is ahead of this one's; the index has told of its newest run."""
    assert not Reach(NOW + HOUR, 0, GRACE_US).has_gone_back(NOW + HOUR - 5 * SECOND, NOW)

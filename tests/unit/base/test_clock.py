"""Wall time of a moment of monotonic time, on a machine that takes the turn away between two looks at a clock."""

from __future__ import annotations

import threading

import pytest

from gatehouse_common.clock import MILLISECOND, SECOND, wall_at

WALL_US = 1_700_000_000 * SECOND


class Interrupted:
    """A clock whose reader has to wait: before each of its looks, as long as it is told, in turn."""

    def __init__(self, *waits_us: int) -> None:
        self._waits = list(waits_us)
        self._at = 5 * SECOND

    def _look(self) -> int:
        self._at += self._waits.pop(0) if self._waits else 10
        return self._at

    def monotonic_us(self) -> int:
        return self._look()

    def elapsed_us(self) -> int:
        return self._look()

    def now_us(self) -> int:
        return WALL_US + self._look()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        raise AssertionError


@pytest.mark.parametrize(
    "waits",
    [
        (10, 10, 10),
        (10, SECOND // 2, 10),  # after the first look at the monotonic clock
        (10, 10, SECOND // 2),  # after the look at the wall
        (10, SECOND // 2, 10) * 3,
    ],
)
def test_waiting_for_a_turn_misdates_nothing(waits: tuple[int, ...]) -> None:
    """S1-13: pictures are dated by when they were taken, however late the machine looks at its clocks."""
    assert wall_at(Interrupted(*waits), SECOND) == pytest.approx(WALL_US + SECOND, abs=10)


def test_always_waiting_it_is_off_by_no_more_than_half_the_shortest_wait() -> None:
    always = Interrupted(*([40 * MILLISECOND] * 6), *([20 * MILLISECOND] * 60))
    assert wall_at(always, SECOND) == pytest.approx(WALL_US + SECOND, abs=10 * MILLISECOND)

"""The clock that tests own, and the machine's, keep one contract."""

from __future__ import annotations

import threading

import pytest

from gatehouse_common.clock import Clock, SystemClock
from gatehouse_common.testing.clock import FakeClock


@pytest.mark.parametrize("clock", [FakeClock(), SystemClock()], ids=["fake", "system"])
def test_waiting_passes_time_and_tells_whether_to_stop(clock: Clock) -> None:
    stop = threading.Event()
    wall, monotonic = clock.now_us(), clock.monotonic_us()
    assert not clock.wait(stop, 0.002)
    assert clock.monotonic_us() - monotonic >= 2000
    assert clock.now_us() > wall
    stop.set()
    assert clock.wait(stop, 0.002)


def test_a_step_moves_the_wall_only() -> None:
    clock = FakeClock(1000)
    clock.advance(5)
    clock.step(-100)
    assert (clock.now_us(), clock.monotonic_us()) == (905, 5)

"""Time as a dependency: everything that needs the time takes a ``Clock``, so that tests own it.

Wall time is an integer of microseconds since 1970-01-01T00:00:00Z, everywhere inside Gatehouse.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

MICROSECOND = 1
MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
NEVER = 2**63 - 1
"""Later than every time, and the largest number that a column of the index holds; microseconds."""
TICKS = 90_000
"""Of media time in a second: what video is counted in everywhere (RFC 3551, RFC 6184)."""


def ticks_us(ticks: int, timescale: int = TICKS) -> int:
    """Return media time in microseconds, to the nearest; ``timescale`` is how many ticks a second has."""
    return (2 * ticks * SECOND + timescale) // (2 * timescale)


class Clock(Protocol):
    """A source of wall time, monotonic time and sleep."""

    def now_us(self) -> int:
        """Return the wall time in microseconds UTC; it may jump when the system's clock is set."""
        ...

    def monotonic_us(self) -> int:
        """Return microseconds that never go back and never jump; their zero means nothing."""
        ...

    def elapsed_us(self) -> int:
        """Return monotonic microseconds in which those that the machine was asleep are, too."""
        ...

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Sleep for ``seconds`` or until ``stop`` is set; return whether it is set."""
        ...


_WITH_SLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Of Linux; on macOS it is ``CLOCK_MONOTONIC`` that goes on while the machine is asleep."""


class SystemClock:
    """The machine's own clock."""

    def now_us(self) -> int:
        """Return the wall time in microseconds UTC."""
        return time.time_ns() // 1_000

    def monotonic_us(self) -> int:
        """Return the monotonic time in microseconds."""
        return time.monotonic_ns() // 1_000

    def elapsed_us(self) -> int:
        """Return the monotonic time in microseconds, sleep of the machine included."""
        return time.clock_gettime_ns(_WITH_SLEEP) // 1_000

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Sleep for ``seconds`` or until ``stop`` is set; return whether it is set."""
        return stop.wait(seconds)


_CLOSE_US = MILLISECOND // 2
_TRIES = 8


def wall_at(clock: Clock, monotonic_us: int) -> int:
    """Return the wall time, microseconds UTC, of a moment of monotonic time, as the clocks stand now.

    Two clocks cannot be read at once, and a thread that has to wait for its turn in between would date everything
    by as much too early or too late. So the wall is looked at between two looks at the other, and again while these
    are far apart; the closest pair counts.
    """
    apart, offset = _look_at_both(clock)
    for _ in range(_TRIES - 1):
        if apart <= _CLOSE_US:
            break
        apart, offset = min((apart, offset), _look_at_both(clock))
    return monotonic_us + offset


def _look_at_both(clock: Clock) -> tuple[int, int]:
    """Return how long looking took, and wall time minus monotonic time; microseconds."""
    before = clock.monotonic_us()
    wall = clock.now_us()
    after = clock.monotonic_us()
    return after - before, wall - (before + after) // 2

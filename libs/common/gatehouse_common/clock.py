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


class Clock(Protocol):
    """A source of wall time, monotonic time and sleep."""

    def now_us(self) -> int:
        """Return the wall time in microseconds UTC; it may jump when the system's clock is set."""
        ...

    def monotonic_us(self) -> int:
        """Return microseconds that never go back and never jump; their zero means nothing."""
        ...

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Sleep for ``seconds`` or until ``stop`` is set; return whether it is set."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_us(self) -> int:
        """Return the wall time in microseconds UTC."""
        return time.time_ns() // 1_000

    def monotonic_us(self) -> int:
        """Return the monotonic time in microseconds."""
        return time.monotonic_ns() // 1_000

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Sleep for ``seconds`` or until ``stop`` is set; return whether it is set."""
        return stop.wait(seconds)

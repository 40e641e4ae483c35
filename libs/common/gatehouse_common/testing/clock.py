"""A clock that tests own."""

from __future__ import annotations

import threading


class FakeClock:
    """Wall and monotonic time that move only when told; ``wait`` moves them and returns at once."""

    def __init__(self, now_us: int = 1_715_941_380_000_000) -> None:
        self._now = now_us
        self._monotonic = self._asleep = 0

    def now_us(self) -> int:
        """Return the wall time."""
        return self._now

    def monotonic_us(self) -> int:
        """Return the monotonic time."""
        return self._monotonic

    def elapsed_us(self) -> int:
        """Return the monotonic time, with that in which the machine was asleep."""
        return self._monotonic + self._asleep

    def sleep(self, us: int) -> None:
        """Let the machine be asleep: no program sees that time pass, and the clock on the wall goes on."""
        self._now += us
        self._asleep += us

    def advance(self, us: int) -> None:
        """Let time pass."""
        self._now += us
        self._monotonic += us

    def step(self, us: int) -> None:
        """Set the wall clock forth or back, as an administrator or NTP would."""
        self._now += us

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Let ``seconds`` pass; return whether ``stop`` is set."""
        self.advance(round(seconds * 1_000_000))
        return stop.is_set()

"""How fast files are read: whoever compares must not be in the way of whoever records."""

from __future__ import annotations

import threading

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import Cancelled

_LEAST_S = 0.02


class Pace:
    """Keeps reading to so many bytes a second, on the average over a few pieces.

    Args:
        clock: to wait by.
        stop: set when reading is to be broken off.
        bytes_per_second: 0: as fast as it goes.
    """

    def __init__(self, clock: Clock, stop: threading.Event, bytes_per_second: float) -> None:
        self._clock, self._stop, self._rate = clock, stop, bytes_per_second
        self._free_us = clock.monotonic_us()

    def read(self, count: int) -> None:
        """Take note of bytes that were read, and wait until more may be.

        Raises:
            Cancelled: it is to be broken off.
        """
        if self._rate > 0:
            now = self._clock.monotonic_us()
            self._free_us = max(self._free_us, now) + round(count * SECOND / self._rate)
            wait_s = (self._free_us - now) / SECOND
            if wait_s >= _LEAST_S:
                self._clock.wait(self._stop, wait_s)
        if self._stop.is_set():
            raise Cancelled("the check was broken off")

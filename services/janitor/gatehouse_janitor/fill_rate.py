"""How fast a disk fills: by what cameras have stored lately, and by what is seen of the disk itself."""

from __future__ import annotations

from gatehouse_common.clock import MINUTE, SECOND, Clock
from gatehouse_common.db import RetentionReader
from gatehouse_common.retention import CameraRules
from gatehouse_common.storage.thresholds import GUESSED_RATE

_STORED_US = 10 * SECOND
_FORGOTTEN_US = 5 * MINUTE


class FillRate:
    """Bytes a second.

    Args:
        reader: knows what cameras have stored.
        clock: the time.
    """

    def __init__(self, reader: RetentionReader, clock: Clock) -> None:
        self._reader, self._clock = reader, clock
        self._stored: dict[str, float] = {}
        self._stored_us = -_STORED_US
        self._free: tuple[int, int] | None = None
        self._seen, self._seen_us = 0.0, 0

    def of_cameras(self, rules: CameraRules) -> float:
        """Return what all cameras that are recorded send: by this it is reckoned how much is kept free.

        Raises:
            Unavailable: the database does not answer.
        """
        return sum(self._rates(rules).values())

    def allowed(self, rules: CameraRules) -> float:
        """Return what they may send: those of which nothing but clips is kept, or nothing yet, as cameras usually do.

        Raises:
            Unavailable: the database does not answer.
        """
        return sum(rate or GUESSED_RATE for rate in self._rates(rules).values())

    def _rates(self, rules: CameraRules) -> dict[str, float]:
        now = self._clock.monotonic_us()
        if now - self._stored_us >= _STORED_US:
            self._stored = self._reader.rates([c.id for c in rules.cameras.values() if c.enabled])
            self._stored_us = now
        return self._stored

    def seen(self, free: int) -> float:
        """Return how fast the disk fills, whoever fills it: by this, how soon to look again.

        What comes in bursts counts for some minutes.
        """
        now = self._clock.monotonic_us()
        if self._free is not None and now > self._free[1]:
            fell = (self._free[0] - free) * SECOND / (now - self._free[1])
            if fell >= self._seen or now - self._seen_us > _FORGOTTEN_US:
                self._seen, self._seen_us = max(0.0, fell), now
        self._free = free, now
        return self._seen

    def freed(self, free: int) -> None:
        """Take note that something was deleted, and how much is free since then."""
        self._free = free, self._clock.monotonic_us()

"""How much may be deleted for room: what the reserve needs, then no more than twice what cameras send.

Whatever else fills a disk - a log, a copy, snapshots that keep what is deleted - it shall not cost all that is stored.
"""

from __future__ import annotations

from gatehouse_common.clock import SECOND, Clock

_FASTER = 2.0
_LEAST_SHARE = 0.5
_IN_VAIN = 2
_PATIENCE_US = 600 * SECOND


class Allowance:
    """Counts what is deleted for room."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: float | None = None
        self._counted_us = 0
        self._in_vain = 0
        self._vain_since_us = 0

    def left(self, most: float, rate: float) -> int:
        """Return how many bytes may be deleted now.

        Args:
            most: bytes that may be at once.
            rate: what cameras send, bytes a second.
        """
        now = self._clock.monotonic_us()
        if self._left is None:
            self._left = most
        elapsed_s = (now - self._counted_us) / SECOND
        self._left, self._counted_us = min(most, self._left + _FASTER * rate * elapsed_s), now
        if self._in_vain >= _IN_VAIN:
            if now - self._vain_since_us < _PATIENCE_US:
                return 0
            self._in_vain = 0
        return max(0, int(self._left))

    @property
    def is_in_vain(self) -> bool:
        """Whether what was deleted has freed nothing lately."""
        return self._in_vain >= _IN_VAIN

    def spend(self, deleted: int, freed: int) -> None:
        """Take note of what was deleted, and how much more is free since."""
        self._left = (self._left or 0.0) - deleted  # objects are not divided: what is too much is owed
        if deleted <= 0:
            return
        self._in_vain = 0 if freed >= _LEAST_SHARE * deleted else self._in_vain + 1
        self._vain_since_us = self._clock.monotonic_us()

"""How much may be deleted for room: what the reserve needs, then no more than twice what cameras send.

Whatever else fills a disk - a log, a copy, snapshots that keep what is deleted - it shall not cost all that is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.clock import SECOND, Clock

_FASTER = 2.0
_LEAST_SHARE = 0.5
_JUDGED_US = 30 * SECOND
"""Some file systems free what was deleted only after a while: btrfs and ZFS with their next commit."""
_PATIENCE_US = 600 * SECOND


@dataclass(slots=True)
class _Trial:
    """What was deleted since an instant, and how much was free then."""

    since_us: int
    free: int
    deleted: int = 0


class Allowance:
    """Counts what is deleted for room, and whether that makes any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: float | None = None
        self._counted_us = 0
        self._trial: _Trial | None = None
        self._in_vain_since_us: int | None = None

    def look(self, most: float, rate: float, free: int) -> int:
        """Return how many bytes may be deleted now.

        Args:
            most: bytes that may be at once.
            rate: what cameras send, bytes a second.
            free: bytes that are free.
        """
        now = self._clock.monotonic_us()
        if self._left is None:
            self._left = most
        elapsed_s = (now - self._counted_us) / SECOND
        self._left, self._counted_us = min(most, self._left + _FASTER * rate * elapsed_s), now
        self._judge(now, rate, free)
        return 0 if self.is_in_vain else max(0, int(self._left))

    @property
    def is_in_vain(self) -> bool:
        """Whether what was deleted lately has made no room."""
        return self._in_vain_since_us is not None

    def spend(self, deleted: int, free: int) -> None:
        """Take note of what is deleted, and how much was free before."""
        self._left = (self._left or 0.0) - deleted  # objects are not divided: what is too much is owed
        if self._trial is None:
            self._trial = _Trial(self._clock.monotonic_us(), free)
        self._trial.deleted += deleted

    def well(self) -> None:
        """Take note that there is room enough."""
        self._trial = self._in_vain_since_us = None

    def _judge(self, now_us: int, rate: float, free: int) -> None:
        if self._in_vain_since_us is not None and now_us - self._in_vain_since_us >= _PATIENCE_US:
            self._in_vain_since_us = None
        trial = self._trial
        if trial is None or now_us - trial.since_us < _JUDGED_US:
            return
        self._trial = None
        written = _FASTER * rate * (now_us - trial.since_us) / SECOND
        if free - trial.free + written < _LEAST_SHARE * trial.deleted:
            self._in_vain_since_us = now_us

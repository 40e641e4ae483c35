"""Clips that cannot be cut for now, each by itself: what one of them waits for, the others need not wait for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gatehouse_common.clock import MINUTE, SECOND, Clock

_FIRST_PAUSE_US, _LONGEST_PAUSE_US = SECOND // 5, 10 * SECOND
_PATIENCE_US = 10 * MINUTE
"""A worker that has not answered for so long may never do so again; what there is without it is better than nothing."""


@dataclass(frozen=True, slots=True)
class _Wait:
    reason: str
    tries: int
    since_us: int
    until_us: int


class ClipWaits:
    """What clips wait for, and until when; a clip is told of by one thread at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits: dict[str, _Wait] = {}

    @property
    def reason(self) -> str:
        """What one of them waits for; empty: none waits."""
        return next((wait.reason for wait in list(self._waits.values())), "")

    def hold(self, clip: str, reason: str) -> int:
        """Let a clip wait, each time for longer; return how often it has been told to."""
        now = self._clock.monotonic_us()
        known = self._waits.get(clip) or _Wait(reason, 0, now, now)
        pause_us = min(_FIRST_PAUSE_US << min(known.tries, 10), _LONGEST_PAUSE_US)
        self._waits[clip] = _Wait(reason, known.tries + 1, known.since_us, now + pause_us)
        return known.tries + 1

    def holds(self, clip: str) -> bool:
        """Return whether a clip is not to be tried yet."""
        wait = self._waits.get(clip)
        return wait is not None and self._clock.monotonic_us() < wait.until_us

    def is_long(self, clip: str) -> bool:
        """Return whether a clip has waited for so long that it shall be made of what there is."""
        wait = self._waits.get(clip)
        return wait is not None and self._clock.monotonic_us() - wait.since_us >= _PATIENCE_US

    def left_us(self, clips: Iterable[str], most_us: int) -> int:
        """Return microseconds until the first of some clips is to be tried again, at most ``most_us``."""
        now = self._clock.monotonic_us()
        waits = [self._waits.get(clip) for clip in clips]
        return max(0, min([most_us, *(wait.until_us - now for wait in waits if wait is not None)]))

    def end(self, clip: str) -> None:
        """Note that a clip has been made, or given up."""
        self._waits.pop(clip, None)

    def keep(self, planned: Collection[str]) -> None:
        """Forget all clips but these."""
        for gone in [clip for clip in list(self._waits) if clip not in planned]:
            self._waits.pop(gone, None)

"""How many of the pictures that were asked of a camera do not come: too many for its bus, its network or its light."""

from __future__ import annotations

from collections import deque

from gatehouse_common.clock import SECOND

_WINDOW_US = 10 * SECOND
_WINDOWS = 3
_SLACK, _SLACK_FRAMES = 0.01, 2.0
"""A camera of 29.97 is not one of 30 that drops, and a window begins and ends between two pictures."""


class Shortfall:
    """Counts what comes, in windows of ten seconds, against what was asked for.

    Args:
        asked_fps: pictures a second; 0: not known, so that nothing is missed.
    """

    def __init__(self, asked_fps: float) -> None:
        self.asked_fps, self.dropped_frames = asked_fps, 0
        self._frames, self._elapsed_us = 0, 0
        self._missed: deque[tuple[float, float]] = deque(maxlen=_WINDOWS)

    @property
    def share(self) -> float:
        """Of the last half minute, the share that did not come: 0 to 1."""
        expected = sum(one for one, _ in self._missed)
        return min(1.0, sum(missed for _, missed in self._missed) / expected) if expected else 0.0

    def note(self, frames: int, elapsed_us: int) -> int:
        """Count pictures that came within a while; return how many more were missed, once a window is full."""
        self._frames, self._elapsed_us = self._frames + frames, self._elapsed_us + elapsed_us
        if self._elapsed_us < _WINDOW_US or self.asked_fps <= 0:
            return 0
        expected = self.asked_fps * self._elapsed_us / SECOND
        missed = expected - self._frames
        self._frames, self._elapsed_us = 0, 0
        if missed <= max(_SLACK * expected, _SLACK_FRAMES):
            missed = 0.0
        self._missed.append((expected, missed))
        self.dropped_frames += round(missed)
        return round(missed)

"""What wall time a run's media time zero has: the least delayed frame wins, unless the camera knows better.

Arrival minus media time is never too early, only too late, so the smallest one seen is the best. A camera that
sends RTCP sender reports tells its own time of each picture; it is believed while it agrees with ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.clock import MILLISECOND, SECOND

SETTLE_US = 10 * SECOND
"""A run's origin may be refined for so long; then it is frozen."""
BELIEVABLE_US = 1 * SECOND
"""A camera's clock that differs by more from the arrival of its pictures is wrong."""
STEP_US = SECOND // 2
"""Wall and media time that part by more than this need a new run."""
_WINDOW_US = 4 * SECOND
_MOST_REFINED_US = 5 * SECOND
"""No frame is delayed by more at a start: an origin that would move further back means that our clock was set."""
_WORTH_TELLING_US = 1 * MILLISECOND
HELD_US = 1 * SECOND
"""A run is begun at most so much later than the clock says, to follow on the one before it. More would add up: the time
of a camera whose clock runs fast parts from ours again and again, and each new run would be later than the last."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a frame tells.

    Attributes:
        origin_us: the origin as known now.
        refined: whether it has just changed by a millisecond or more.
        stepped: whether wall and media time have parted: a new run is due at the next keyframe.
    """

    origin_us: int
    refined: bool = False
    stepped: bool = False


class Origin:
    """Follows the origin of one run.

    Args:
        floor_us: where the run before it ended. This one begins no earlier, so that no instant is recorded twice,
            unless it would be dated more than ``HELD_US`` too late by that: then the clock has been set back, and
            what it says now is more likely true than what it said before. Waiting for it to catch up would misdate
            all footage by as much as it was set back, for as long as the camera is recorded.
    """

    def __init__(self, floor_us: int | None = None) -> None:
        self._floor = floor_us
        self._value: int | None = None
        self._from_sender = False
        self._least = 0
        self._lag: int | None = None
        self._window_start = 0
        self._window_least: int | None = None
        self.clock_offset_us: int | None = None
        """The camera's clock minus ours, where it tells its time."""

    def see(self, media_us: int, arrival_us: int, sender_us: int | None = None) -> Judgement:
        """Take a frame of media time ``media_us`` into account; the first frame of a run is at 0."""
        arrived = arrival_us - media_us
        sent = None
        if sender_us is not None:
            self.clock_offset_us = sender_us - arrival_us
            if abs(sender_us - arrival_us) <= BELIEVABLE_US:
                # Taken before it was here, whatever a clock that runs ahead says.
                sent = min(sender_us, arrival_us) - media_us
        if self._value is None:
            first, self._from_sender = arrived if sent is None else sent, sent is not None
            if self._floor is not None and self._floor - first > HELD_US:
                self._floor = None
            self._value = self._bounded(first)
            self._least = arrived
            return Judgement(self._value)
        if media_us < SETTLE_US:
            if self._least - arrived > _MOST_REFINED_US:
                return Judgement(self._value, stepped=True)
            self._least = min(self._least, arrived)
            return self._refine(arrived, sent)
        if self._lag is None:
            # How late even the least delayed frame is here by this origin: what the camera's clock, or the end of
            # the run before, sets the origin off by. That is no parting; a change of it is.
            self._lag, self._window_start = self._least - self._value, media_us
        return Judgement(self._value, stepped=self._parted(media_us, arrived - self._value - self._lag))

    def _refine(self, arrived: int, sent: int | None) -> Judgement:
        before = self._value or 0
        if sent is not None and not self._from_sender:
            self._value, self._from_sender = self._bounded(sent), True
        elif not self._from_sender:
            self._value = self._bounded(min(before, arrived))
        now = self._value if self._value is not None else before
        if abs(now - before) < _WORTH_TELLING_US:
            self._value = before
            return Judgement(before)
        return Judgement(now, refined=True)

    def _parted(self, media_us: int, late_us: int) -> bool:
        """Whether even the least delayed frame of a whole window is off by more than a step."""
        least = late_us if self._window_least is None else min(self._window_least, late_us)
        self._window_least = least
        if late_us < -STEP_US:
            return True  # a frame before its time: our clock was set back, or the camera's ran ahead
        if media_us - self._window_start < _WINDOW_US:
            return False
        self._window_start, self._window_least = media_us, None
        return least > STEP_US

    def _bounded(self, origin_us: int) -> int:
        return origin_us if self._floor is None else max(origin_us, self._floor)

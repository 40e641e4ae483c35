"""One visit: a plate that was read surely enough, what is known of it so far, and whether it stands."""

from __future__ import annotations

from gatehouse_common.clock import SECOND
from gatehouse_common.ids import new_id
from gatehouse_common.messages.plates import VisitFields

from .geometry import direction, has_moved
from .sightings import Sighting
from .tracking import Track

STANDS_US = 4 * SECOND
"""A plate that has not moved for so long stands."""
TOLD_EVERY_US = 30 * SECOND
"""Of a plate that stands others are told so often."""
_BETTER = 1.15
"""A picture must be so much better than the best one to take its place: each is kept, and told of."""
_MISSES_ONCE, _MISSES_SLOW, _MISSES_STANDING = 1, 3, 5
"""So often its place is seen without a plate that was read once, one that was about to stand, and one that stands,
before it is taken for gone."""
_MISSES_APART_US = 2 * SECOND
"""Misses that are nearer to each other say the same of what stands: somebody passes before it."""


class Visit:
    """What is known of a visit.

    Args:
        track: its reads.
        first: the read that it begins with.
        event: its id; empty: a new one.
    """

    def __init__(self, track: Track, first: Sighting, event: str = "") -> None:
        self.track = track
        self.event = event or new_id()
        self.start_us = self.end_us = first.read.time_us
        self.qualifying = 0
        self.standing = False
        self.best = first
        self._unpictured = True
        self._anchor = first
        self._anchor_us = first.read.time_us
        self._told_us: int | None = None
        self._misses = 0
        self._missed_at: list[int] = []

    def go_on(self, start_us: int, end_us: int, qualifying: int, best: Sighting, *, pictured: bool) -> None:
        """Take up where another process left it, whose reads have been taken again as far as they are known.

        Args:
            start_us: when it began.
            end_us: when it was read last.
            qualifying: how many reads of it were sure enough.
            best: the best of them.
            pictured: whether there is a picture of that one; else the next read is the best picture so far.
        """
        self.start_us, self.end_us, self.qualifying, self.best = start_us, end_us, qualifying, best
        self._unpictured = not pictured
        self.track.parked = self.standing

    def take(self, sighting: Sighting, *, qualifies: bool) -> bool:
        """Take a read of it; return whether it is its best picture so far."""
        at = sighting.read.time_us
        self.track.parked = False
        self._misses = 0
        self._missed_at.clear()
        self._stand(sighting)
        if not qualifies:
            return False
        self.qualifying += 1
        self.start_us, self.end_us = min(self.start_us, at), max(self.end_us, at)
        better = self._unpictured or self._is_better(sighting)
        if better:
            self.best, self._unpictured = sighting, False
        return better

    def is_worth_telling(self, at_us: int) -> bool:
        """Return whether others are told of a qualifying read: of one that stands once, and then at times."""
        if not self.standing:
            self._told_us = None
            return True
        if self._told_us is not None and at_us - self._told_us < TOLD_EVERY_US:
            return False
        self._told_us = at_us
        return True

    def miss(self, at_us: int) -> None:
        """Note that it was not read on a picture of the place where it was."""
        self._misses += 1
        if not self._missed_at or at_us - self._missed_at[-1] >= _MISSES_APART_US:
            self._missed_at = [*self._missed_at[:1], *self._missed_at[1:][-_MISSES_STANDING:], at_us]

    def may_stand(self) -> bool:
        """Return whether it may still be where it was read last, though it is not read any more."""
        if self.standing:
            return True
        if self.track.reads == 1:  # it may have been there before anybody looked, as a parked car or a sign
            return self._misses < _MISSES_ONCE
        return self._misses < _MISSES_SLOW and self.track.is_slow()

    def is_gone(self, visit_us: int) -> bool:
        """Return whether its place has been seen without it, and not only for a moment: someone may stand before it."""
        if not self.standing:
            return len(self._missed_at) >= (_MISSES_ONCE if self.track.reads == 1 else _MISSES_SLOW)
        return len(self._missed_at) >= _MISSES_STANDING and self._missed_at[-1] - self._missed_at[0] >= visit_us

    def fields(self) -> VisitFields:
        """Return what is known of it; without pictures."""
        verdict = self.track.verdict
        return VisitFields(
            event=self.event,
            start_us=self.start_us,
            end_us=self.end_us,
            text=verdict.text,
            confidence=verdict.confidence,
            characters=list(verdict.characters),
            region=verdict.region,
            pattern=verdict.pattern,
            alternatives=list(verdict.alternatives),
            reads=self.qualifying,
            direction=direction(self.track.way),
            best=self.best.read,
        )

    def _stand(self, sighting: Sighting) -> None:
        at = sighting.read.time_us
        if at < self._anchor_us:
            return
        box = self.track.whole(sighting.box, sighting.read.text)
        if has_moved(self.track.whole(self._anchor.box, self._anchor.read.text), box):
            self._anchor, self._anchor_us, self.standing = sighting, at, False
        elif at - self._anchor_us >= STANDS_US:
            self.standing = True

    def _is_better(self, sighting: Sighting) -> bool:
        voted = self.track.verdict.text
        right, was_right = sighting.read.text == voted, self.best.read.text == voted
        if right != was_right:
            return right
        return sighting.quality > _BETTER * self.best.quality

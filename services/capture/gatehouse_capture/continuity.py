"""Where what a camera sends lies in time: jumps of its times that arrival does not share are taken out.

Times are ticks of 1/90000 s, of pictures and of sound alike; arrivals are microseconds of wall time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gatehouse_common.clock import SECOND
from gatehouse_common.media.samples import VIDEO_TIMESCALE

_JUMP_TICKS = 2 * VIDEO_TIMESCALE
_APART_TICKS = 5 * VIDEO_TIMESCALE
"""Sound further from the picture is of another time: cameras that run late with one of them do so by less."""
_OVERLAP_TICKS = VIDEO_TIMESCALE
"""What begins more than that before the end of what came before is of another time altogether, and new."""
_ALIKE_US = 10 * SECOND
"""Within so long pictures and sound of a camera whose clock was set have both jumped."""
_LONGEST_TICKS = 60 * VIDEO_TIMESCALE
"""As far apart as pictures may be at most: of the first alone nobody knows when the second will be there."""
_RECENT = 8


class Continuity:
    """Follows the times of one track against their arrival.

    Args:
        live: whether packets arrive when they happen; else every time is believed.

    Attributes:
        shift: ticks to add to what the camera says.
        newest: the latest time so far, with its arrival; None before the first.
        behind: how many have come since then.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self.shift = 0
        self.newest: tuple[int, int] | None = None
        self.behind = 0
        self._interval = _LONGEST_TICKS
        self._recent: deque[tuple[int, int]] = deque(maxlen=_RECENT)
        """The last ones that were the latest."""

    def jump(self, at: int, arrival_us: int) -> int:
        """Return how many ticks ``at`` is from the latest time if that is a jump, else 0."""
        if self.newest is None or not self._live:
            return 0
        ahead = at - self.newest[0]
        if -_JUMP_TICKS <= ahead <= _JUMP_TICKS:
            return 0  # of nearly every packet
        # Sources hand a frame on when the next one begins: before a pause the last is as late as the pause is long.
        least = min(_delay(*one) for one in self._recent)
        early = min(ahead - max(self.elapsed(arrival_us), 0), least - _delay(at, arrival_us))
        return ahead if early > _JUMP_TICKS or ahead < 0 else 0

    def elapsed(self, arrival_us: int) -> int:
        """Return how many ticks the latest came before ``arrival_us``; negative if the clock was set back."""
        return 0 if self.newest is None else (arrival_us - self.newest[1]) * VIDEO_TIMESCALE // SECOND

    def reach(self, arrival_us: int) -> int:
        """Return how many ticks after the latest something may be of this moment and in its place.

        A picture is handed on when the next one begins: so late, as long as they are apart or a pause lasts.
        """
        return 0 if self.newest is None else max(self.elapsed(arrival_us), 0) + self._interval + self._late()

    def expected(self, arrival_us: int, least: int) -> int:
        """Return the time that arrival tells, ``least`` ticks after the latest or more."""
        latest = 0 if self.newest is None else self.newest[0]
        return latest + max(self.elapsed(arrival_us) + self._late(), least)

    def _late(self) -> int:
        """Return how many ticks later than the least late of the last ones the latest came."""
        if self.newest is None:
            return 0
        late = _delay(*self.newest) - min(_delay(*one) for one in self._recent)
        return late if late <= _LONGEST_TICKS else 0  # else the clock was set forth meanwhile

    def note(self, at: int, arrival_us: int) -> bool:
        """Go on from ``at``; return whether it is the latest so far."""
        if self.newest is not None and at <= self.newest[0]:
            self.behind += 1
            return False
        if self.newest is not None:
            self._interval = at - self.newest[0]
        self.newest = one = at, arrival_us
        self.behind = 0
        self._recent.append(one)
        return True


def _delay(at: int, arrival_us: int) -> int:
    """Return how long after its time something came, in ticks from a point that is the same for all."""
    return arrival_us * VIDEO_TIMESCALE // SECOND - at


@dataclass(frozen=True, slots=True)
class _Step:
    """A jump of the sound, whether it was believed or not.

    Attributes:
        ahead: ticks from what came before, and ``early`` from what was to come then by its arrival: a pause is in
            the first of them, what is handed on late in the second.
        arrival_us: when.
        shift: that of the sound before it.
    """

    ahead: int
    early: int
    arrival_us: int
    shift: int


class SoundContinuity(Continuity):
    """Follows sound as pictures are followed, by a shift of its own, and keeps it beside them.

    A camera's clock that jumps takes both along, one a little before the other. Each alone would be put where it
    arrived, and so out of time with the other: the shift of the pictures is taken wherever it fits.

    Args:
        pictures: what the sound belongs to.
        live: as above.

    Attributes:
        jumps: how often its time has jumped.
    """

    def __init__(self, pictures: Continuity, *, live: bool) -> None:
        super().__init__(live=live)
        self._pictures = pictures
        self._end: int | None = None
        self._stepped: _Step | None = None
        self.jumps = 0

    def place(self, said: int, dur: int, arrival_us: int) -> int | None:
        """Return the time of a packet that says it is of ``said`` and lasts ``dur``; None: sound of then is there.

        Two of one time cannot be played, and squeezed together they would put all that follows out of time.
        """
        at = said + self.shift
        if self._live:
            jump = self.jump(at, arrival_us)
            step = _Step(jump, jump - max(self.elapsed(arrival_us), 0), arrival_us, self.shift) if jump else None
            if not self._stays(at, jump, arrival_us):
                self.jumps += 1
                at = said + self._pictures.shift
                is_near = self._is_near(at, arrival_us)
                if not is_near:
                    at = self._by_arrival(dur, arrival_us)
                self._move(at - said)
                self._stepped = None if is_near else step  # the pictures' jump was first, or is still to come
            elif step is not None and not self._has_stepped(step.ahead, step.early, arrival_us):
                self._stepped = step
        self.note(at, arrival_us)
        if self._end is not None and dur // 2 < self._end - at <= _OVERLAP_TICKS:
            return None
        self._end = at + dur
        return at

    def follow(self, change: int, ahead: int, arrival_us: int) -> None:
        """Go along with the pictures, which have just jumped, if that is for the sound, too.

        So it is if the sound has jumped by as much a moment ago: then it is to the pictures what it was before both.
        Else of a small change, and where it is beside them by their shift, but for jitter: it takes the very same.

        Args:
            change: of their shift, ticks.
            ahead: from the picture before to the one that jumped, ticks.
            arrival_us: when that came.
        """
        step = self._stepped
        if step is not None and self._has_stepped(ahead, -change, arrival_us):
            self._move(step.shift + change)
        elif abs(self._pictures.shift - self.shift) <= _JUMP_TICKS:
            self._move(self._pictures.shift)
        elif abs(change) <= _JUMP_TICKS:
            self._move(self.shift + change)

    def _has_stepped(self, ahead: int, early: int, arrival_us: int) -> bool:
        """Whether the sound has jumped by about as much a moment ago; the clock may have been set back since."""
        if self._stepped is None:
            return False
        alike = min(abs(self._stepped.ahead - ahead), abs(self._stepped.early - early)) <= _JUMP_TICKS
        window_us = _ALIKE_US + self._pictures.reach(arrival_us) * SECOND // VIDEO_TIMESCALE
        return alike and arrival_us - self._stepped.arrival_us <= window_us

    def _move(self, shift: int) -> None:
        """Go on with another shift; what was followed before may be of what is not true any more."""
        self.shift, self.newest, self._stepped = shift, None, None
        self._recent.clear()

    def _stays(self, at: int, jump: int, arrival_us: int) -> bool:
        """Whether the shift can stay as it is: there are pictures near, and the sound has not jumped after theirs.

        With their shift it may move a little beside them: a camera's first sender report tells where it belongs.
        """
        if not self._is_near(at, arrival_us):
            return False
        theirs = at - self.shift + self._pictures.shift
        return theirs == at or not jump or not self._goes_on(theirs, arrival_us)

    def _is_near(self, at: int, arrival_us: int) -> bool:
        """Whether there are pictures near ``at``."""
        if self._pictures.newest is None:
            return True
        lead = at - self._pictures.newest[0]
        if -_APART_TICKS <= lead <= _APART_TICKS:
            return True
        # Not late by the elapsed time: a clock that is set forth makes it look as if pictures had been away.
        return 0 < lead <= _APART_TICKS + self._pictures.reach(arrival_us)

    def _goes_on(self, at: int, arrival_us: int) -> bool:
        return self._is_near(at, arrival_us) and not self.jump(at, arrival_us)

    def _by_arrival(self, dur: int, arrival_us: int) -> int:
        at = self.expected(arrival_us, dur)
        if self.newest is None or not self._is_near(at, arrival_us):
            at = self._pictures.expected(arrival_us, 0)
        return at

"""The time by which clips are due: how far the footage of a camera reaches, by the footage itself."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.clock import MINUTE, SECOND, Clock
from gatehouse_common.errors import NotFound, WorkerUnavailable
from gatehouse_common.footage import Library
from gatehouse_common.media.samples import ChunkMedia

GRACE_US = 10 * SECOND
"""A camera without a new frame for so long has stopped; what came until then is cut."""
_ASK_AGAIN_US = SECOND
"""An open chunk is followed in its file; whether another has been begun, or the run moved in time, the index knows."""
_AHEAD_US = 5 * SECOND
_AWAY_US = MINUTE


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the footage of a camera reaches.

    Attributes:
        end_us: wall time before which no frame is missing; 0: there is none. When the clock that footage is dated by is
            set back, it goes back, too.
        still_us: for how long it has not grown.
        growing_us: for how long the run that it ends with has been seen to grow.
    """

    end_us: int
    still_us: int
    growing_us: int = 0

    def has_all(self, end_us: int, now_us: int) -> bool:
        """Return whether all footage until an instant is there.

        What is still to come by the clock is not, where footage reaches far beyond it: that was dated before the clock
        was set back, and the index does not know yet of what is dated now. Of a recorder whose clock is ahead of this
        one's, what is asked for in time is just what is reached.
        """
        return self.end_us >= end_us and (end_us <= now_us or self.end_us - end_us <= _AHEAD_US)

    def has_gone_back(self, start_us: int, now_us: int) -> bool:
        """Return whether nothing more comes to footage that began at an instant, for what comes is dated long before.

        It is in the future by the clock, which was set back, and by the footage, which has been growing for some time.
        An old run that the index takes for the present one does not grow.
        """
        grows = self.growing_us >= GRACE_US and self.still_us < GRACE_US
        return grows and min(start_us - now_us, start_us - self.end_us) > _AWAY_US


@dataclass(slots=True)
class _Known:
    media: ChunkMedia | None
    end_us: int
    asked_us: int
    grown_us: int
    run: str = ""
    since_us: int = 0
    """When its run was first seen."""


class FootageClock:
    """Tells how far footage reaches, cheaply enough to be asked many times a second. For one thread per camera."""

    def __init__(self, library: Library, clock: Clock) -> None:
        self._library, self._clock = library, clock
        self._known: dict[str, _Known] = {}

    def look(self, camera: str) -> Reach:
        """Return how far the footage of a camera reaches now.

        Raises:
            Unavailable: the index, or the worker that records the camera, does not answer.
        """
        now = self._clock.monotonic_us()
        known = self._known.setdefault(camera, _Known(None, 0, now - _ASK_AGAIN_US, now))
        known.media = self._media(camera, known, now)
        if known.media is not None:
            if known.media.run_id != known.run:
                known.run, known.since_us, known.grown_us = known.media.run_id, now, now
            elif known.media.end_us > known.end_us:
                known.grown_us = now
            known.end_us = known.media.end_us
        return Reach(known.end_us, now - known.grown_us, known.grown_us - known.since_us)

    def look_or_away(self, camera: str) -> tuple[Reach, WorkerUnavailable | None]:
        """Return how far a camera's footage reaches; of a worker that is away nobody knows: the wall clock decides.

        Raises:
            Unavailable: the index does not answer.
        """
        try:
            return self.look(camera), None
        except WorkerUnavailable as error:
            return Reach(0, GRACE_US), error

    def forget(self, camera: str) -> None:
        """Forget a camera for which nothing is waited any more."""
        self._known.pop(camera, None)

    def _media(self, camera: str, known: _Known, now_us: int) -> ChunkMedia | None:
        if known.media is not None and now_us - known.asked_us < _ASK_AGAIN_US:
            try:
                return self._library.latest(known.media)
            except NotFound:  # it has just been stored
                pass
        known.asked_us = now_us
        try:
            return self._library.newest(camera)
        except NotFound:
            return None

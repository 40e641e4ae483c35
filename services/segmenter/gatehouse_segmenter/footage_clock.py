"""The time by which clips are due: how far the footage of a camera reaches, by the footage itself."""

from __future__ import annotations

from dataclasses import dataclass

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import NotFound, WorkerUnavailable
from gatehouse_common.footage import Library
from gatehouse_common.media.samples import ChunkMedia

GRACE_US = 10 * SECOND
"""A camera without a new frame for so long has stopped; what came until then is cut."""
_ASK_AGAIN_US = SECOND
"""An open chunk is followed in its file; whether another has been begun, or the run moved in time, the index knows."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the footage of a camera reaches.

    Attributes:
        end_us: wall time before which no frame is missing; 0: there is none.
        still_us: for how long it has not grown.
    """

    end_us: int
    still_us: int


@dataclass(slots=True)
class _Known:
    media: ChunkMedia | None
    end_us: int
    asked_us: int
    grown_us: int


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
        end_us = 0 if known.media is None else known.media.end_us
        if end_us > known.end_us:
            known.end_us, known.grown_us = end_us, now
        return Reach(known.end_us, now - known.grown_us)

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

"""Media that are not described as they are: older than descriptions, of who died, of a store that was away."""

from __future__ import annotations

import threading
from typing import Final

import structlog

from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.db import MediaDescriptions, WholeMedium
from gatehouse_common.errors import GatehouseError, NotFound, Unavailable
from gatehouse_common.intake import is_described, keep_description
from gatehouse_common.runtime import Core

log = structlog.get_logger(__name__)

_EVERY_US: Final = 20 * SECOND
_ROUND_US: Final = 10 * MINUTE
_AT_ONCE: Final = 25
_MOST: Final = 200
_LONGEST_US: Final = SECOND
_ABOVE_ALL: Final = 2**31
_TRIES: Final = 3
"""So often one medium is tried while the store, or what it has of that one, does not answer."""


class DescriptionSweep:
    """Compares media with what describes them, the newest first, some at each look, round after round.

    Each is read, so that also what somebody has changed, or written late, is made good. Who cannot describe one goes on
    with the others.

    Args:
        core: the index, the store, the time.
    """

    def __init__(self, core: Core) -> None:
        self._core, self._descriptions = core, MediaDescriptions(core.db)
        self._looked_us: int | None = None
        self._began_us: int | None = None
        self._below: int | None = None
        self._trouble: GatehouseError | None = None
        self._of_round = ""
        self._tries = 0
        self.trouble = ""
        """What kept media from being described at the last look, or at one before it of the same round."""

    def look(self, stop: threading.Event) -> int:
        """Go on for a second at most, if it is time; return how many were described that were not.

        Raises:
            Unavailable: store or index are away: it is gone on with what was at hand, some times.
            GatehouseError: some medium could not be described, and the others were.
        """
        now = self._core.clock.monotonic_us()
        if self._looked_us is not None and now - self._looked_us < _EVERY_US:
            return 0
        if self._below is None:
            if self._began_us is not None and now - self._began_us < _ROUND_US:
                return 0
            self._began_us, self._below, self._of_round = now, _ABOVE_ALL, ""
        try:
            done = self._go_on(now, stop)
        except Unavailable as error:
            self.trouble = error.message
            raise
        except GatehouseError as error:
            self.trouble = self._of_round = error.message
            raise
        self.trouble = self._of_round
        return done

    def _go_on(self, now: int, stop: threading.Event) -> int:
        self._looked_us, self._trouble, done, looked = now, None, 0, 0
        is_time = True
        while self._below is not None and looked < _MOST and is_time:
            some = self._descriptions.before(self._below, _AT_ONCE)
            for known in some:
                done += self._is_new(known)
                self._below, self._tries = known.media.number, 0
                looked += 1
                is_time = self._core.clock.monotonic_us() - now <= _LONGEST_US and not stop.is_set()
                if not is_time:
                    break
            else:
                if len(some) < _AT_ONCE:
                    self._below = None
        if done:
            log.info("media were described beside their files", media=done)
        if self._trouble is not None:
            raise self._trouble
        return done

    def _is_new(self, known: WholeMedium) -> bool:
        """Describe a medium, if it is not; return whether it was not.

        Raises:
            Unavailable: store or index are away, which is so for the others too.
        """
        number = known.media.number
        try:
            return not is_described(self._core, known) and keep_description(self._core, number)
        except NotFound:
            return False
        except Unavailable as error:
            self._tries += 1
            if self._tries >= _TRIES:  # it may be this one alone, which must not hold up all others for ever
                self._below, self._tries, self._of_round = number, 0, error.message
            raise
        except GatehouseError as error:
            log.warning("a medium cannot be described beside its files", media=number, reason=error.message)
            self._trouble = self._trouble or error
            return False

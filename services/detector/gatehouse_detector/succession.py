"""Taking up the open visits of cameras that have just become this detector's: after a start, or another's end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

import structlog

from gatehouse_common.bus.port import slot_of
from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.db import PlateEvent, PlateReader
from gatehouse_common.errors import GatehouseError
from gatehouse_common.runtime import Core

from .pictures import Kept
from .resumption import resume
from .visit import Visit

log = structlog.get_logger(__name__)

_RETRY_US = 5 * SECOND
_PATIENCE_US = 2 * SECOND
"""So long, after a camera has become this detector's, its pictures wait for its visits."""
_SEARCH_US = 1 * MINUTE
_LOST_US = 5 * MINUTE
"""A visit that nobody has told of for so long, and that nobody here knows, is one that was lost on its way."""

Adopt = Callable[[str, Visit, Kept | None], None]


class Succession:
    """Looks in the index for visits that go on. Safe for use by many threads.

    Args:
        core: what services are built from.
    """

    def __init__(self, core: Core) -> None:
        self._index, self._clock = PlateReader(core.db), core.clock
        self._tried = threading.Condition()
        self._new: set[int] = set()
        self._awaited: set[int] = set()
        self._next_us = self._awaited_us = 0
        self._search_us = core.clock.monotonic_us() + _SEARCH_US

    def begin(self, slots: Collection[int]) -> None:
        """The cameras in some slots are this detector's from now on."""
        with self._tried:
            self._new |= set(slots)
            self._awaited |= set(slots)
            self._next_us, self._awaited_us = 0, self._clock.monotonic_us() + _PATIENCE_US

    def wait_for(self, camera: str) -> None:
        """Let the visits of a camera that is new be taken up before its pictures are looked at: see ``take_over``.

        That is waited for until it has been tried once, and not for long: pictures do not wait for an index that is
        away, or does not answer.
        """
        slot = slot_of(camera)
        if slot in self._awaited:
            with self._tried:
                left_us = max(0, self._awaited_us - self._clock.monotonic_us())
                self._tried.wait_for(lambda: slot not in self._awaited, left_us / SECOND)

    def take_over(self, adopt: Adopt) -> None:
        """Have the open visits of new cameras adopted, unless it has been done; by one thread alone.

        While the index is away it is tried again at times.
        """
        with self._tried:
            new = set(self._new)
            if not new or self._clock.monotonic_us() < self._next_us:
                return
            self._next_us = self._clock.monotonic_us() + _RETRY_US
        done = self._adopt(adopt, lambda event: slot_of(event.camera) in new)
        with self._tried:
            self._awaited -= new
            if done:
                self._new -= new
            elif self._next_us:  # else more of them have come meanwhile
                self._next_us = self._clock.monotonic_us() + _RETRY_US
            self._tried.notify_all()

    def find_lost(self, adopt: Adopt, is_lost: Callable[[PlateEvent], bool]) -> None:
        """Have visits adopted, once a minute, that are open in the index and that nobody goes on with.

        That comes of a message that was on its way to the index when its detector ended.
        """
        now_us = self._clock.monotonic_us()
        if now_us < self._search_us or self._new:
            return
        self._search_us = now_us + _SEARCH_US
        before_us = self._clock.now_us() - _LOST_US
        self._adopt(adopt, lambda event: event.end_us < before_us and is_lost(event))

    def _adopt(self, adopt: Adopt, wanted: Callable[[PlateEvent], bool]) -> bool:
        try:
            events = [event for event in self._index.open_events() if wanted(event)]
            for event in events:
                adopt(event.camera, *resume(self._index, event))
        except GatehouseError as error:
            log.warning("open visits cannot be taken up from the index", reason=error.message)
            return False
        if events:
            log.info("open visits are gone on with", count=len(events))
        return True

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
        self._lock = threading.Lock()
        self._new: set[int] = set()
        self._next_us = 0
        self._search_us = core.clock.monotonic_us() + _SEARCH_US

    def begin(self, slots: Collection[int]) -> None:
        """The cameras in some slots are this detector's from now on."""
        with self._lock:
            self._new |= set(slots)
            self._next_us = 0

    def take_over(self, adopt: Adopt, camera: str | None = None) -> None:
        """Have the open visits of new cameras adopted, unless it has been done or a camera is given that is not new.

        While the index is away it is tried again at times; pictures are not kept waiting for it.
        """
        if not self._new or (camera is not None and slot_of(camera) not in self._new):
            return
        with self._lock:
            new = set(self._new)
            if not new or self._clock.monotonic_us() < self._next_us:
                return
            if self._adopt(adopt, lambda event: slot_of(event.camera) in new):
                self._new -= new
            else:
                self._next_us = self._clock.monotonic_us() + _RETRY_US

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

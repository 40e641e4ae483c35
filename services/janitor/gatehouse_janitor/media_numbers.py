"""Numbers of media in an index that is new, or older than the store: they go on after those that folders have.

Else what is uploaded before anybody has made the index anew would get numbers, and folders, of media that only the
store knows any more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Final

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import MediaDescriptions
from gatehouse_common.errors import GatehouseError
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

log = structlog.get_logger(__name__)

_LONGEST_US: Final = SECOND
_LOOK_EVERY: Final = 256


class MediaNumbers:
    """Looks through the keys of media once, a second of it at each look.

    Args:
        core: the index, the store, the time.
    """

    def __init__(self, core: Core) -> None:
        self._core, self._descriptions = core, MediaDescriptions(core.db)
        self._left: Iterator[ObjectInfo] | None = None
        self._is_done = False

    def look(self, stop: threading.Event) -> None:
        """Go on; let no number be given any more that a folder has by what was seen.

        Raises:
            GatehouseError: store or index are away: it is begun anew, and what was seen counts.
        """
        if self._is_done:
            return
        seen = set[int]()
        try:
            self._see(seen, stop)
        except GatehouseError:
            self._left = None
            raise
        finally:
            highest = self._descriptions.count_on(seen)
            if highest:
                log.warning("the store has media that the index does not know", highest=highest)

    def _see(self, seen: set[int], stop: threading.Event) -> None:
        """Add the numbers that folders have to those that were seen, as far as one look goes."""
        began_us = self._core.clock.monotonic_us()
        self._left = self._left or self._core.store.list(keys.UPLOADS)
        for looked, info in enumerate(self._left, 1):
            place = keys.media_folder_of(info.key)
            if place is not None:
                seen.add(place[1])
            is_late = looked % _LOOK_EVERY == 0 and self._core.clock.monotonic_us() - began_us > _LONGEST_US
            if is_late or stop.is_set():
                return
        self._left, self._is_done = None, True

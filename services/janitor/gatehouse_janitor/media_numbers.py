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
_BELIEVED: Final = 10**9
"""A folder of a higher number somebody has made up: after it there would be none left."""


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
            GatehouseError: store or index are away: it is begun anew.
        """
        if self._is_done:
            return
        try:
            highest = self._highest(stop)
            if self._descriptions.count_on(highest):
                log.warning("the store has media that the index does not know", highest=highest)
        except GatehouseError:
            self._left = None
            raise

    def _highest(self, stop: threading.Event) -> int:
        """Return the highest number that was seen at this look; 0: none was."""
        began_us, highest = self._core.clock.monotonic_us(), 0
        self._left = self._left or self._core.store.list(keys.UPLOADS)
        for seen, info in enumerate(self._left, 1):
            place = keys.media_folder_of(info.key)
            if place is not None and place[1] <= _BELIEVED:
                highest = max(highest, place[1])
            is_late = seen % _LOOK_EVERY == 0 and self._core.clock.monotonic_us() - began_us > _LONGEST_US
            if is_late or stop.is_set():
                return highest
        self._left, self._is_done = None, True
        return highest

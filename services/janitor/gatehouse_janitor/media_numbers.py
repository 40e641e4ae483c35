"""Numbers of media in an index that is new, or older than the store: they go on after those that folders have.

Else what is uploaded before anybody has made the index anew would get numbers, and folders, of media that only the
store knows any more.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from gatehouse_common.db import MediaDescriptions
from gatehouse_common.errors import GatehouseError
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 1000
_AGAIN_S: Final = 20.0
_BEGIN_S: Final = 0.5


class MediaNumbers:
    """Looks through the keys of media once, beside whatever else is done: a disk may take minutes to list them.

    Args:
        core: the index, the store, the time.
        check: returns if the store is the one that is known: a disk that is away has nothing to list.
    """

    def __init__(self, core: Core, check: Callable[[], None]) -> None:
        self._core, self._descriptions, self._check = core, MediaDescriptions(core.db), check
        self.trouble = ""
        """Why they are not all known yet; empty: nothing is wrong."""

    def run(self, begin: threading.Event, stop: threading.Event) -> None:
        """Look until all were seen once, or told to stop.

        Args:
            begin: set when the store was found to be the right one: two must not find a new one at once.
            stop: ends it.
        """
        while not begin.wait(_BEGIN_S) and not stop.is_set():
            pass
        while not stop.is_set():
            try:
                self.look(stop)
            except GatehouseError as error:
                if error.message != self.trouble:
                    log.warning("which numbers media in the store have is not known", reason=error.message)
                self.trouble = error.message
                self._core.clock.wait(stop, _AGAIN_S)
            else:
                self.trouble = ""
                return

    def look(self, stop: threading.Event) -> None:
        """Look through all keys; let no number be given any more that a folder has.

        Raises:
            GatehouseError: store or index are away; what was seen before counts.
        """
        self._check()
        seen = set[int]()
        try:
            for info in self._core.store.list(keys.UPLOADS):
                place = keys.media_folder_of(info.key)
                if place is not None:
                    seen.add(place[1])
                if len(seen) >= _AT_ONCE:
                    self._count(seen)
                if stop.is_set():
                    return
        finally:
            self._count(seen)
        self._check()

    def _count(self, seen: set[int]) -> None:
        highest = self._descriptions.count_on(seen)
        seen.clear()
        if highest:
            log.warning("the store has media that the index does not know", highest=highest)

"""Pictures of plates and the plate events that name them, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from gatehouse_common.db.inventory import Inventory, Pictured
from gatehouse_common.errors import NotFound
from gatehouse_common.ids import SLUG
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .batches import batches
from .care import Care
from .key_set import KeySet
from .problem import Area, Kind, Problem

_BATCH = 500
_NONE = "g"  # ids are hexadecimal, and sorted by their time: all are before this
_NAME = re.compile(
    rf"plates/(?P<camera>{SLUG.pattern})/\d{{4}}-\d\d-\d\d/(?P<event>[0-9a-f-]{{36}})_[0-9a-f-]{{36}}_(?:frame|crop)\.jpg"
)


class PictureCheck:
    """Finds what differs among pictures of plates.

    Args:
        core: where to look.
        care: what is on its way into the index.
    """

    def __init__(self, core: Core, care: Care) -> None:
        self._core, self._care = core, care
        self._inventory = Inventory(core.db)
        self._oldest = ""
        self.files = self.rows = 0

    def all(self, advance: Callable[[int], None]) -> Iterator[Problem]:
        """Yield what is wrong with any picture."""
        there, first = KeySet(), next(self._inventory.pictured(1), None)
        self._oldest = _NONE if first is None else first.event
        for some in batches(self._core.store.list(keys.PLATES), _BATCH):
            self.files += len(some)
            for info in some:
                there.add(info.key)
            yield from self._unknown(some)
            advance(len(some))
        for events in batches(self._inventory.pictured(), _BATCH):
            owners = {key: one for one in events for key in one.keys}
            self.rows += len(owners)
            for key in there.lacks(list(owners)):
                found = self._look(owners[key], key)
                if found is not None:
                    yield found
            advance(len(owners))

    def again(self, problem: Problem) -> Problem | None:
        """Look once more at what was found; None if it is well by now."""
        if problem.kind is Kind.MISSING:
            known = self._inventory.pictures_of([problem.subject]).get(problem.subject)
            return None if known is None or problem.key not in known.keys else self._look(known, problem.key)
        try:
            return next(self._unknown((self._core.store.stat(problem.key),)), None)
        except NotFound:
            return None

    def _look(self, known: Pictured, key: str) -> Problem | None:
        if self._inventory.to_be_deleted([key]):
            return None
        try:
            self._core.store.stat(key)
        except NotFound:
            detail = "the picture of the plate event is not there"
            return Problem(Kind.MISSING, Area.PICTURE, known.camera, key, detail, known.event)
        return None

    def _unknown(self, files: tuple[ObjectInfo, ...]) -> Iterator[Problem]:
        """Yield the pictures that are of nothing, and those that no plate event names."""
        named = {info.key: _NAME.fullmatch(info.key) for info in files}
        events = self._inventory.pictures_of({match["event"] for match in named.values() if match})
        leaving = self._inventory.to_be_deleted(list(named))
        now_us = self._core.clock.now_us()
        for info in files:
            match = named[info.key]
            known = events.get(match["event"]) if match else None
            is_named = known is not None and info.key in known.keys
            if self._care.is_young(info.modified_us, now_us) or info.key in leaving or (is_named and info.size):
                continue
            camera = match["camera"] if match else ""
            subject = known.event if known is not None else ""
            if info.size == 0:
                kind, detail = Kind.EMPTY, "there is nothing in the picture"
            elif match is None:
                kind, detail = Kind.FOREIGN, "its name is not that of a picture of a plate"
            elif known is None and match["event"] < self._oldest:
                continue  # of before the index was lost, and made anew of files: these tell what they were of
            elif known is not None and known.state == "open":
                continue  # a visit that goes on keeps what it had before until its end
            else:
                kind, detail = Kind.ORPHAN, "no plate event has this picture"
            yield Problem(kind, Area.PICTURE, camera, info.key, detail, subject)

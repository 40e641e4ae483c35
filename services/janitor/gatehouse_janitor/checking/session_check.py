"""Files of recorder sessions and their rows, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatehouse_common.db import Inventory, RecorderSessions, SessionChunk, SessionInventory
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.media.session_box import read_session_box
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .batches import batches
from .care import Care
from .clip_check import is_whole
from .content import BlockReader
from .key_set import KeySet
from .problem import Area, Kind, Problem

_BATCH = 500
_WITH_FILE = ("stored", "trashed")


class SessionCheck:
    """Finds what differs among files of sessions.

    Args:
        core: where to look.
        care: what is on its way into the index.
        quick: read no file.
    """

    def __init__(self, core: Core, care: Care, *, quick: bool) -> None:
        self._core, self._care, self._quick = core, care, quick
        self._sessions, self._known = RecorderSessions(core.db), SessionInventory(core.db)
        self._inventory = Inventory(core.db)
        self.files = self.rows = 0

    def all(self, advance: Callable[[int], None]) -> Iterator[Problem]:
        """Yield what is wrong with any row or file."""
        there = KeySet()
        for some in batches(self._core.store.list(keys.SESSIONS), _BATCH):
            self.files += len(some)
            for info in some:
                there.add(info.key)
            yield from self._unknown(some)
            advance(len(some))
        for rows in batches(self._known.files(), _BATCH):
            self.rows += len(rows)
            lacking = set(there.lacks([row.key for row in rows]))
            for row in rows:
                found = self.look(row) if row.key in lacking or not self._quick else None
                if found is not None:
                    yield found
            advance(len(rows))

    def look(self, row: SessionChunk) -> Problem | None:
        """Compare a row with its file."""
        if row.state not in _WITH_FILE or self._inventory.to_be_deleted([row.key]):
            return None
        try:
            size = self._core.store.stat(row.key).size
        except NotFound:
            return _problem(Kind.MISSING, row, "the file of the session is not there")
        if size != row.bytes:
            kind = Kind.EMPTY if size == 0 else Kind.TRUNCATED if size < row.bytes else Kind.SIZE
            return _problem(kind, row, f"{size} bytes, the index says {row.bytes}")
        return None if self._quick else self._content(row, size)

    def _content(self, row: SessionChunk, size: int) -> Problem | None:
        reader = BlockReader(self._core.store, row.key, size)
        try:
            if not is_whole(reader):
                return _problem(Kind.DAMAGED, row, "its boxes do not fill the file")
            told = read_session_box(reader)
        except NotFound:  # gone since
            return _problem(Kind.MISSING, row, "the file of the session is not there")
        except DataLoss as error:  # it costs itself only: the others are looked at all the same
            return _problem(Kind.DAMAGED, row, f"it cannot be read: {error.message}")
        if told is None:
            return _problem(Kind.DAMAGED, row, "it does not say at its end what it is")
        if told.id != row.id:
            return _problem(Kind.FOREIGN, row, f"the file says that it is number {told.number}, of {told.camera}")
        return None

    def again(self, problem: Problem) -> Problem | None:
        """Look once more at what was found; None if it is well by now."""
        if problem.subject:
            try:
                row = self._sessions.any_state(int(problem.subject))
            except NotFound:
                return None
            return self.look(row) if row.key == problem.key else None
        try:
            return next(self._unknown((self._core.store.stat(problem.key),)), None)
        except NotFound:
            return None

    def _unknown(self, files: tuple[ObjectInfo, ...]) -> Iterator[Problem]:
        """Yield the files that no row speaks of."""
        known = self._known.of_keys([info.key for info in files])
        leaving = self._inventory.to_be_deleted([info.key for info in files])
        now_us = self._core.clock.now_us()
        for info in files:
            row = known.get(info.key)
            if row is not None and row.state in _WITH_FILE:
                continue
            if self._care.is_young(info.modified_us, now_us) or info.key in leaving:
                continue
            if info.size == 0:
                yield _unknown(Kind.EMPTY, info, "there is nothing in it, and the index does not know it")
            elif not keys.is_session(info.key):
                yield _unknown(Kind.FOREIGN, info, "its name is not that of a file of a session")
            elif row is not None:
                yield _unknown(Kind.DUPLICATE, info, f"the index says of it: {row.state}")
            else:
                yield _unknown(Kind.ORPHAN, info, f"{info.size} bytes of a session that the index misses")


def _problem(kind: Kind, row: SessionChunk, detail: str) -> Problem:
    return Problem(kind, Area.SESSION, row.camera, row.key, detail, str(row.number))


def _unknown(kind: Kind, info: ObjectInfo, detail: str) -> Problem:
    return Problem(kind, Area.SESSION, "", info.key, detail)

"""Which entries of which lists match a plate now: lists are kept in memory, and read anew when they have changed."""

from __future__ import annotations

import threading
from zoneinfo import ZoneInfo

from sqlalchemy import select

from .engine import Database
from .watch_matching import MatchingList, is_valid, ranked
from .watch_models import WatchEntryRow, WatchListRow
from .watch_records import WatchMatch
from .watch_rows import ENTRY, LIST, entry_of, list_of

_REMEMBERED = 512
"""Texts: those of one visit are mostly the same."""
_REVISIONS = select(WatchListRow.id, WatchListRow.revision)


class WatchedPlates:
    """Compares plates with all entries there are. Safe for many threads."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._lists: dict[str, MatchingList] = {}
        self._found: dict[str, list[WatchMatch]] = {}

    def matches(self, text: str, at_us: int, zone: ZoneInfo) -> list[WatchMatch]:
        """Return the entries that match a text of A-Z and 0-9 at an instant: who is denied first, the closest first."""
        return [one for one, valid in self.compare(text, at_us, zone) if valid]

    def compare(self, text: str, at_us: int, zone: ZoneInfo) -> list[tuple[WatchMatch, bool]]:
        """Return what :meth:`matches` does and what would match at another time, each with whether it does now."""
        with self._lock:
            self._refresh()
            found = self._found.get(text)
            if found is None:
                found = ranked(one for each in self._lists.values() for one in each.matches(text))
                if len(self._found) >= _REMEMBERED:
                    self._found.clear()
                self._found[text] = found
        return [(one, is_valid(one.entry, at_us, zone)) for one in found]

    def _refresh(self) -> None:
        with self._db.look() as c:
            revisions: dict[str, int] = {row.id: row.revision for row in c.execute(_REVISIONS)}
        if revisions == {each.list.id: each.list.revision for each in self._lists.values()}:
            return
        lists: dict[str, MatchingList] = {}
        with self._db.read() as c:  # one view: a list and its entries belong together
            for row in c.execute(select(*LIST)).all():
                one = list_of(row)
                known = self._lists.get(one.id)
                if known is None or known.list.revision != one.revision:
                    entries = c.execute(select(*ENTRY).where(WatchEntryRow.list == one.id))
                    known = MatchingList(one, [entry_of(entry) for entry in entries])
                lists[one.id] = known
        self._lists = lists
        self._found.clear()

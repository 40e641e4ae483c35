"""Which entries of which lists match a plate now: lists are kept in memory, and read anew when they have changed."""

from __future__ import annotations

import threading
from zoneinfo import ZoneInfo

from sqlalchemy import select

from .engine import Database
from .watch_matching import MatchingList, is_valid, ranked
from .watch_models import WatchEntryRow, WatchListRow
from .watch_records import WatchEntry, WatchList, WatchMatch
from .watch_rows import ENTRY, LIST, entry_of, list_of

_MOST_TEXTS, _MOST_MATCHES = 512, 10_000
"""Texts that are remembered, for those of one visit are mostly the same; and what all of them together match."""
_REVISIONS = select(WatchListRow.id, WatchListRow.revision)


class WatchedPlates:
    """Compares plates with all entries there are.

    Safe for many threads: they wait for one another only where lists have changed, for the one who reads them.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reading = threading.Lock()
        self._known = _Lists({})

    def matches(self, text: str, at_us: int, zone: ZoneInfo) -> list[WatchMatch]:
        """Return the entries that match a text of A-Z and 0-9 at an instant: who is denied first, the closest first."""
        return [one for one, valid in self.compare(text, at_us, zone) if valid]

    def compare(self, text: str, at_us: int, zone: ZoneInfo) -> list[tuple[WatchMatch, bool]]:
        """Return what :meth:`matches` does and what would match at another time, each with whether it does now."""
        return [(one, is_valid(one.entry, at_us, zone)) for one in self._lists().matches(text)]

    def _lists(self) -> _Lists:
        """Return the lists as they are."""
        revisions, known = self._revisions(), self._known
        if revisions == known.revisions:
            return known
        with self._reading:  # one reads them, for all who found that they have changed
            known = self._known
            if self._revisions() != known.revisions:
                known = self._known = self._read(known)
            return known

    def _revisions(self) -> dict[str, int]:
        with self._db.look() as c:
            return {row.id: row.revision for row in c.execute(_REVISIONS)}

    def _read(self, before: _Lists) -> _Lists:
        """Return the lists as they are now; those that are as they were before are not read again."""
        same: dict[str, MatchingList] = {}
        fresh: list[tuple[WatchList, list[WatchEntry]]] = []
        with self._db.read() as c:  # one view: a list and its entries belong together
            for row in c.execute(select(*LIST)).all():
                one = list_of(row)
                known = before.lists.get(one.id)
                if known is not None and known.list.revision == one.revision:
                    same[one.id] = known
                else:
                    entries = c.execute(select(*ENTRY).where(WatchEntryRow.list == one.id))
                    fresh.append((one, [entry_of(entry) for entry in entries]))
        return _Lists(same | {one.id: MatchingList(one, all_, before.lists.get(one.id)) for one, all_ in fresh})


class _Lists:
    """Lists as they were at a moment, and what was found on them; for any number of threads."""

    def __init__(self, lists: dict[str, MatchingList]) -> None:
        self.lists = lists
        self.revisions = {list_id: each.list.revision for list_id, each in lists.items()}
        self._lock = threading.Lock()
        self._found: dict[str, list[WatchMatch]] = {}
        self._matches = 0

    def matches(self, text: str) -> list[WatchMatch]:
        """Return the entries that match a text, whenever they are valid, in the order in which they count."""
        with self._lock:
            found = self._found.get(text)
        if found is None:
            found = ranked(one for each in self.lists.values() for one in each.matches(text))
            self._remember(text, found)
        return found

    def _remember(self, text: str, found: list[WatchMatch]) -> None:
        if len(found) > _MOST_MATCHES:
            return
        with self._lock:
            if len(self._found) >= _MOST_TEXTS or self._matches + len(found) > _MOST_MATCHES:
                self._found.clear()
                self._matches = 0
            self._matches += 0 if text in self._found else len(found)
            self._found[text] = found

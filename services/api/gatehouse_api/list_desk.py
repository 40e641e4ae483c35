"""What people do with watch lists; each deed is then written down."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any, Final

from gatehouse_common.accounts import Principal
from gatehouse_common.db import (
    Audit,
    EntryFields,
    TableChange,
    WatchEntries,
    WatchEntry,
    WatchList,
    WatchLists,
    said_of,
)
from gatehouse_common.runtime import Core

from .auth.deeds import deed_of
from .auth.login_desk import Caller
from .list_csv import read_entries

_MOST_PLATES: Final = 100
_MOST_CHANGED: Final = 20
_MOST_TEXT: Final = 60
"""Of a table that was imported so much is written down: it may have ten thousand entries."""


class ListDesk:
    """Changes watch lists and their entries.

    Args:
        core: the index, the time, the site's zone.
        audit: where deeds are written down.
    """

    def __init__(self, core: Core, audit: Audit) -> None:
        self._core, self._audit = core, audit
        self.lists, self.entries = WatchLists(core.db), WatchEntries(core.db)

    def add(self, asks: Principal, caller: Caller, **values: Any) -> WatchList:
        """Make a list of a name, kind, note and whether it is disabled.

        Raises:
            InvalidInput: one of them cannot be.
            Conflict: the name is taken.
            TooLarge: there are a hundred already.
        """
        made = self.lists.add(now_us=self._core.clock.now_us(), **values)
        self._note(asks, caller, "watch_list.added", made.name, {"list": made.id, **values})
        return made

    def change(
        self, asks: Principal, caller: Caller, list_id: str, *, seen: Collection[str] | None = None, **values: Any
    ) -> WatchList:
        """Change what is given of a list; with ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such list.
            ChangedSince: it was changed since.
            InvalidInput: a value cannot be one.
            Conflict: the name is taken.
        """
        before = self.lists.get(list_id)
        after = self.lists.change(list_id, seen=seen, **values)
        self._note(asks, caller, "watch_list.changed", after.name, _changes(before, after, values))
        return after

    def remove(self, asks: Principal, caller: Caller, list_id: str, *, seen: Collection[str] | None = None) -> None:
        """Remove a list with its entries.

        Raises:
            NotFound: there is no such list.
            ChangedSince: it was changed since.
        """
        entries = self.lists.get(list_id).entries
        gone = self.lists.remove(list_id, seen=seen)
        self._note(asks, caller, "watch_list.removed", gone.name, {"list": gone.id, "entries": entries})

    def add_entry(self, asks: Principal, caller: Caller, list_id: str, fields: EntryFields) -> WatchEntry:
        """Put an entry on a list.

        Raises:
            NotFound: there is no such list.
            InvalidInput: something of it cannot be.
            Conflict: the plate is on the list already.
            TooLarge: there are as many as there may be.
        """
        made = self.entries.add(list_id, fields, self._core.clock.now_us())
        self._note(asks, caller, "watch_entry.added", self._named(made), _shown(made))
        return made

    def change_entry(
        self,
        asks: Principal,
        caller: Caller,
        list_id: str,
        entry_id: str,
        *,
        seen: Collection[str] | None = None,
        **values: Any,
    ) -> WatchEntry:
        """Change what is given of an entry; with ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such entry.
            ChangedSince: it was changed since.
            InvalidInput: something of it could not be.
            Conflict: another entry of the list has the plate.
        """
        before = self.entries.get(list_id, entry_id)
        after = self.entries.change(list_id, entry_id, seen=seen, **values)
        self._note(asks, caller, "watch_entry.changed", self._named(after), _changes(before, after, values))
        return after

    def remove_entry(
        self, asks: Principal, caller: Caller, list_id: str, entry_id: str, *, seen: Collection[str] | None = None
    ) -> None:
        """Take an entry off a list.

        Raises:
            NotFound: there is no such entry.
            ChangedSince: it was changed since.
        """
        gone = self.entries.remove(list_id, entry_id, seen=seen)
        self._note(asks, caller, "watch_entry.removed", self._named(gone), _shown(gone))

    def import_entries(self, asks: Principal, caller: Caller, list_id: str, data: bytes, *, instead: bool) -> int:
        """Put the entries of a table on a list, all of them or none; return how many.

        Args:
            asks: who does.
            caller: from where.
            list_id: which.
            data: the table, as ``list_csv.py`` reads it.
            instead: in place of those that are on it.

        Raises:
            NotFound: there is no such list.
            InvalidInput: a line cannot be taken, and none was.
            Conflict: somebody has put one of the plates on it meanwhile.
            TooLarge: there would be more than there may be.
        """
        name = self.lists.get(list_id).name
        taken = () if instead else {one.plate for one in self.entries.all(list_id)}
        found = read_entries(data, self._core.zone, taken)
        changed = self.entries.put_table(list_id, found, self._core.clock.now_us(), instead=instead)
        file = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        told = {"list": list_id, "instead": instead, "entries": len(found), "table": file, **_change_shown(changed)}
        self._note(asks, caller, "watch_list.imported", name, told)
        return len(found)

    def _named(self, entry: WatchEntry) -> str:
        return f"{entry.plate} on {self.lists.get(entry.list).name}"

    def _note(self, asks: Principal, caller: Caller, action: str, subject: str, detail: Mapping[str, object]) -> None:
        self._audit.write(deed_of(asks, caller, action, subject, detail), self._core.clock.now_us())


def _shown(entry: WatchEntry) -> dict[str, object]:
    return {name: value for name, value in asdict(entry).items() if value not in (None, "", False)}


def _change_shown(change: TableChange) -> dict[str, object]:
    """Return how much a table changed, and of each kind the first: the rest is in the table, which its digest names."""
    changed = []
    for was, now in change.changed[:_MOST_CHANGED]:
        before, after = said_of(was), said_of(now)
        others = [name for name in before if before[name] != after[name]]
        texts = ({name: _short(said[name]) for name in others} for said in (before, after))
        changed.append({"plate": now.plate, **dict(zip(("before", "after"), texts, strict=True))})
    return {
        "added": {"count": len(change.added), "plates": [one.plate for one in change.added[:_MOST_PLATES]]},
        "changed": {"count": len(change.changed), "first": changed},
        "removed": {"count": len(change.removed), "plates": [one.plate for one in change.removed[:_MOST_PLATES]]},
        "same": change.same,
    }


def _short(value: object) -> object:
    return f"{value[:_MOST_TEXT]}..." if isinstance(value, str) and len(value) > _MOST_TEXT else value


def _changes(before: object, after: object, names: Collection[str]) -> dict[str, object]:
    return {
        "before": {name: getattr(before, name) for name in names},
        "after": {name: getattr(after, name) for name in names},
    }

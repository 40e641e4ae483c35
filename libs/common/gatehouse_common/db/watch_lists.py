"""Watch lists: which there are. Their entries are in ``watch_entries.py``."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from gatehouse_common.errors import Conflict, InvalidInput, NotFound, TooLarge
from gatehouse_common.ids import new_id

from .contention import retried
from .engine import Database
from .upkeep_models import FactRow
from .watch_models import WatchEntryRow, WatchListRow
from .watch_records import KINDS, MOST_LISTS, WatchList
from .watch_rows import LIST, list_of, lock_list

_CHANGEABLE: Final = frozenset({"name", "kind", "note", "disabled"})
_MOST_NAME, _MOST_NOTE = 100, 1000


class WatchLists:
    """Makes, finds, changes and removes lists."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(self) -> list[WatchList]:
        """Return all lists by kind and name, with how many entries each has."""
        with self._db.read() as c:
            counts: dict[str, int] = {of: many for many, of in c.execute(_COUNTS)}
            found = [list_of(row, counts.get(row.id, 0)) for row in c.execute(select(*LIST))]
        return sorted(found, key=lambda one: (KINDS.index(one.kind), one.name))

    def get(self, list_id: str) -> WatchList:
        """Return a list.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.read() as c:
            row = c.execute(select(*LIST).where(WatchListRow.id == list_id)).first()
            if row is None:
                raise NotFound(f"there is no watch list {list_id[:64]!r}")
            return list_of(row, c.execute(_COUNTS.where(WatchEntryRow.list == list_id)).scalars().first() or 0)

    @retried
    def add(self, name: str, kind: str, now_us: int, *, note: str = "", disabled: bool = False) -> WatchList:
        """Make a list.

        Raises:
            InvalidInput: the name, the kind or the note cannot be one.
            Conflict: the name is taken.
            TooLarge: there are a hundred already.
        """
        values = _checked({"name": name, "kind": kind, "note": note, "disabled": disabled})
        made = WatchList(new_id(), version=1, revision=1, created_us=now_us, **values)
        with self._db.begin() as c:
            lock_all(c)
            if c.execute(select(func.count()).select_from(WatchListRow)).scalar_one() >= MOST_LISTS:
                raise TooLarge(f"there are {MOST_LISTS} watch lists, and that is the limit.")
            _refuse_taken(c, made.name)
            c.execute(insert(WatchListRow).values(id=made.id, version=1, revision=1, created_us=now_us, **values))
        return made

    @retried
    def change(self, list_id: str, *, seen: Collection[str] | None = None, **values: Any) -> WatchList:
        """Change what is given of name, kind, note and disabled; with ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such list.
            ChangedSince: it has another tag by now.
            InvalidInput: a value cannot be one.
            Conflict: the name is taken.
        """
        new = _checked(values)
        with self._db.begin() as c:
            lock_all(c)
            before = lock_list(c, list_id, seen)
            if "name" in new:
                _refuse_taken(c, new["name"], but=list_id)
            counts = {"version": before.version + 1, "revision": before.revision + 1}
            c.execute(update(WatchListRow).where(WatchListRow.id == list_id).values(**new, **counts))
        return self.get(list_id)

    @retried
    def remove(self, list_id: str, *, seen: Collection[str] | None = None) -> WatchList:
        """Remove a list with its entries, and return it as it was; what was told of it stays.

        Raises:
            NotFound: there is no such list.
            ChangedSince: it has a tag that is not among those ``seen``.
        """
        with self._db.begin() as c:
            lock_all(c)
            before = lock_list(c, list_id, seen)
            c.execute(delete(WatchEntryRow).where(WatchEntryRow.list == list_id))
            c.execute(delete(WatchListRow).where(WatchListRow.id == list_id))
        return before


_COUNTS = select(func.count(), WatchEntryRow.list).group_by(WatchEntryRow.list)


def lock_all(c: Connection) -> None:
    """Let nobody else change lists until the end of the transaction: names, and how much there is, are of them all."""
    c.execute(select(FactRow.value).where(FactRow.name == "watch_lists.lock").with_for_update())


def one_line(text: str, most: int, what: str) -> str:
    """Return a text of people with no space around it and no line in it that is not the last.

    Raises:
        InvalidInput: it is longer than ``most`` characters, or has controls in it.
    """
    found = " ".join(unicodedata.normalize("NFC", text[: 4 * most]).split())
    if len(text) > 4 * most or len(found) > most:
        raise InvalidInput(f"{what} has {most} characters at most.", what)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in found):
        raise InvalidInput(f"{what} may have no characters that cannot be seen.", what)
    return found


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    unknown = values.keys() - _CHANGEABLE
    if unknown:
        raise TypeError(f"watch lists have no {', '.join(sorted(unknown))} to change")
    new = dict(values)
    if "name" in new:
        new["name"] = one_line(new["name"], _MOST_NAME, "name")
        if not new["name"]:
            raise InvalidInput("a list has a name.", "name")
    if "note" in new:
        new["note"] = one_line(new["note"], _MOST_NOTE, "note")
    if new.get("kind", KINDS[0]) not in KINDS:
        raise InvalidInput(f"there is no kind {str(new['kind'])[:40]!r}: there are {', '.join(KINDS)}.", "kind")
    return new


def _refuse_taken(c: Connection, name: str, but: str = "") -> None:
    if c.execute(select(WatchListRow.id).where(WatchListRow.name == name, WatchListRow.id != but)).first():
        raise Conflict(f"there is a list {name!r} already.")

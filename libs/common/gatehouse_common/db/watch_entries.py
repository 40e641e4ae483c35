"""What is on a watch list: plates and patterns, by whom they are owned, and when they match."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, tuple_, update

from gatehouse_common.errors import ChangedSince, Conflict, InvalidInput, NotFound, TooLarge
from gatehouse_common.ids import new_id

from .contention import retried
from .engine import Database
from .watch_lists import lock_all, one_line
from .watch_models import WatchEntryRow
from .watch_plates import check_distance, parse_watched
from .watch_records import MOST_ENTRIES, MOST_OF_ALL, TableChange, WatchEntry
from .watch_rows import ENTRY, entry_of, lock_list, note_change
from .watch_schedule import parse_schedule

_MOST_OWNER, _MOST_NOTE = 200, 1000
_AT_ONCE: Final = 500
_AFTER: Final = "~"  # sorts after all that a plate has


@dataclass(frozen=True, slots=True)
class EntryFields:
    """What people say of an entry; as :class:`WatchEntry` has it."""

    plate: str
    distance: int = 0
    owner: str = ""
    note: str = ""
    from_us: int | None = None
    to_us: int | None = None
    schedule: str = ""
    disabled: bool = False

    def checked(self) -> EntryFields:
        """Return it as it is kept.

        Raises:
            InvalidInput: something of it cannot be; ``field`` says what.
        """
        plate = parse_watched(self.plate)
        check_distance(plate, self.distance)
        if self.from_us is not None and self.to_us is not None and self.to_us <= self.from_us:
            raise InvalidInput("an entry ends after it begins.", "to")
        return replace(
            self,
            plate=plate,
            owner=one_line(self.owner, _MOST_OWNER, "owner"),
            note=one_line(self.note, _MOST_NOTE, "note"),
            schedule=parse_schedule(self.schedule),
        )


class WatchEntries:
    """Adds, finds, changes and removes the entries of lists."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def page(
        self, list_id: str, limit: int, before: tuple[int, str] | None = None, begins: str = ""
    ) -> list[WatchEntry]:
        """Return entries of a list, the newest first.

        Args:
            list_id: which.
            limit: so many at most.
            before: ``(created_us, id)`` of the last one of the page before.
            begins: only those whose plate begins so.
        """
        row = WatchEntryRow
        query = select(*ENTRY).where(row.list == list_id)
        if begins:
            query = query.where(row.plate >= begins, row.plate < begins + _AFTER)
        if before is not None:
            query = query.where(tuple_(row.created_us, row.id) < tuple_(*before))
        query = query.order_by(row.created_us.desc(), row.id.desc()).limit(limit)
        with self._db.look() as c:
            return [entry_of(one) for one in c.execute(query)]

    def all(self, list_id: str) -> list[WatchEntry]:
        """Return all entries of a list by their plates."""
        query = select(*ENTRY).where(WatchEntryRow.list == list_id).order_by(WatchEntryRow.plate)
        with self._db.look() as c:
            return [entry_of(one) for one in c.execute(query)]

    def get(self, list_id: str, entry_id: str) -> WatchEntry:
        """Return an entry of a list.

        Raises:
            NotFound: there is none of that id on it.
        """
        with self._db.look() as c:
            row = c.execute(select(*ENTRY).where(*_of(list_id, entry_id))).first()
        if row is None:
            raise NotFound(f"there is no entry {entry_id[:64]!r} on this list")
        return entry_of(row)

    def add(self, list_id: str, fields: EntryFields, now_us: int) -> WatchEntry:
        """Put an entry on a list.

        Raises:
            NotFound: there is no such list.
            InvalidInput: something of it cannot be.
            Conflict: the plate is on the list already.
            TooLarge: the list, or all of them together, would have too many.
        """
        return self.add_all(list_id, [fields], now_us)[0]

    def add_all(
        self, list_id: str, fields: Sequence[EntryFields], now_us: int, *, instead: bool = False
    ) -> list[WatchEntry]:
        """Put entries on a list, all of them or none.

        Args:
            list_id: which.
            fields: what people say of them.
            now_us: the time.
            instead: in place of those that are on it.

        Raises:
            NotFound: there is no such list.
            InvalidInput: something of one cannot be, or one is there twice.
            Conflict: a plate is on the list already.
            TooLarge: the list, or all of them together, would have too many.
        """
        return self._put(list_id, fields, now_us, instead=instead)[0]

    def put_table(
        self, list_id: str, fields: Sequence[EntryFields], now_us: int, *, instead: bool = False
    ) -> TableChange:
        """Put entries on a list as :meth:`add_all` does, and raise what it does; return what that changed."""
        made, before = self._put(list_id, fields, now_us, instead=instead)
        known = {one.plate: one for one in before}
        stays = {one.plate for one in made}
        both = [(known[one.plate], one) for one in made if one.plate in known]
        return TableChange(
            added=[one for one in made if one.plate not in known],
            changed=[(was, now) for was, now in both if said_of(was) != said_of(now)],
            removed=[one for one in before if one.plate not in stays],
            same=sum(said_of(was) == said_of(now) for was, now in both),
        )

    @retried
    def _put(
        self, list_id: str, fields: Sequence[EntryFields], now_us: int, *, instead: bool
    ) -> tuple[list[WatchEntry], list[WatchEntry]]:
        """Put entries on a list; return them, and those in whose place they are."""
        new = [one.checked() for one in fields]
        if instead and not new:
            raise InvalidInput("there is no entry in it: to empty a list, remove it.", "plate")
        _refuse_twice(new)
        with self._db.begin() as c:
            lock_all(c)
            lock_list(c, list_id)
            of_list = select(*ENTRY).where(WatchEntryRow.list == list_id).order_by(WatchEntryRow.plate)
            before = [entry_of(row) for row in c.execute(of_list)] if instead else []
            known = {one.plate: one for one in before}
            made = [_entry(list_id, one, known.get(one.plate), now_us) for one in new]
            if instead:
                c.execute(delete(WatchEntryRow).where(WatchEntryRow.list == list_id))
            _refuse_taken(c, list_id, [one.plate for one in new])
            _refuse_more(c, list_id, len(new))
            for at in range(0, len(made), _AT_ONCE):
                c.execute(insert(WatchEntryRow), [asdict(one) for one in made[at : at + _AT_ONCE]])
            note_change(c, list_id)
        return made, before

    @retried
    def change(self, list_id: str, entry_id: str, *, seen: Collection[str] | None = None, **values: Any) -> WatchEntry:
        """Change what is given of an entry; with ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such entry.
            ChangedSince: it has another tag by now.
            InvalidInput: something of it could not be.
            Conflict: another entry of the list has the plate.
        """
        with self._db.begin() as c:
            lock_list(c, list_id)
            before = _locked(c, list_id, entry_id, seen)
            new = EntryFields(**{**said_of(before), **values}).checked()
            if new.plate != before.plate:
                _refuse_taken(c, list_id, [new.plate])
            kept = {**asdict(new), "version": before.version + 1}
            c.execute(update(WatchEntryRow).where(WatchEntryRow.id == entry_id).values(kept))
            note_change(c, list_id)
        return replace(before, **kept)

    @retried
    def remove(self, list_id: str, entry_id: str, *, seen: Collection[str] | None = None) -> WatchEntry:
        """Take an entry off a list, and return it as it was.

        Raises:
            NotFound: there is no such entry.
            ChangedSince: it has a tag that is not among those ``seen``.
        """
        with self._db.begin() as c:
            lock_list(c, list_id)
            before = _locked(c, list_id, entry_id, seen)
            c.execute(delete(WatchEntryRow).where(WatchEntryRow.id == entry_id))
            note_change(c, list_id)
        return before


def said_of(entry: WatchEntry) -> dict[str, Any]:
    """Return what people say of an entry, by the names of :class:`EntryFields`."""
    return {name: getattr(entry, name) for name in EntryFields.__dataclass_fields__}


def _entry(list_id: str, fields: EntryFields, before: WatchEntry | None, now_us: int) -> WatchEntry:
    """Return an entry, in place of that of the same plate: it keeps its id, for a visit that goes on was told of it.

    Its version goes on too: whoever has seen the one before has not seen this one.
    """
    if before is not None:
        return replace(before, version=before.version + 1, **asdict(fields))
    return WatchEntry(id=new_id(), list=list_id, version=1, created_us=now_us, **asdict(fields))


def _of(list_id: str, entry_id: str) -> tuple[Any, ...]:
    return WatchEntryRow.id == entry_id, WatchEntryRow.list == list_id


def _locked(c: Connection, list_id: str, entry_id: str, seen: Collection[str] | None) -> WatchEntry:
    row = c.execute(select(*ENTRY).where(*_of(list_id, entry_id)).with_for_update()).first()
    if row is None:
        raise NotFound(f"there is no entry {entry_id[:64]!r} on this list")
    found = entry_of(row)
    if seen is not None and found.tag not in seen:
        raise ChangedSince(f"the entry {found.plate} has been changed since you looked: look again.")
    return found


def _refuse_twice(fields: Sequence[EntryFields]) -> None:
    plates: set[str] = set()
    for one in fields:
        if one.plate in plates:
            raise InvalidInput(f"{one.plate} is there twice.", "plate")
        plates.add(one.plate)


def _refuse_taken(c: Connection, list_id: str, plates: Sequence[str]) -> None:
    for at in range(0, len(plates), _AT_ONCE):
        some = WatchEntryRow.plate.in_(plates[at : at + _AT_ONCE])
        taken = c.execute(select(WatchEntryRow.plate).where(WatchEntryRow.list == list_id, some).limit(1)).scalar()
        if taken is not None:
            raise Conflict(f"{taken} is on this list already.")


def _refuse_more(c: Connection, list_id: str, more: int) -> None:
    count = select(func.count()).select_from(WatchEntryRow)
    if c.execute(count.where(WatchEntryRow.list == list_id)).scalar_one() + more > MOST_ENTRIES:
        raise TooLarge(f"a list has {MOST_ENTRIES} entries at most.")
    if c.execute(count).scalar_one() + more > MOST_OF_ALL:
        raise TooLarge(f"all lists together have {MOST_OF_ALL} entries at most.")

"""Viewings: who watches which camera live, and did; one row for each, however often its stream broke off."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.ids import new_id

from .contention import retried
from .engine import Database
from .kept_text import fit_text
from .upkeep_models import FactRow
from .viewing_models import ViewingRow
from .visible import Visible, seen

SILENT_US = 10 * SECOND
"""Of whom nothing was taken for so long, has left."""
AGAIN_US = 60 * SECOND
"""Who comes again within so long goes on with the same viewing."""
_LAST = "viewings.last"


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who watches what.

    Attributes:
        user: number of the user; 0: nobody has to be known.
        user_name: its name.
        camera: slug.
        address: from where.
        page: UUID that the page gave itself, so that two of them are two viewings; empty: it gave none.
    """

    user: int
    user_name: str
    camera: str
    address: str
    page: str = ""


@dataclass(frozen=True, slots=True)
class Viewing:
    """That somebody watches a camera live, or did; times are microseconds UTC.

    Attributes:
        number: an integer that no other ever had or gets.
        id: UUIDv7.
        page: UUID that the page gave itself; empty: it gave none.
        user: number of the user; 0: nobody had to be known.
        user_name: as it was then.
        camera: slug.
        address: from where.
        start_us: when it began.
        seen_us: when something was taken last.
        ended_us: when it ended; None: it goes on.
        bytes: that were sent.
        session: number of the recorder session that was begun last; None: nothing was recorded of it.
        title: what people call it.
        note: what people say of it.
        tags: words, with commas between.
    """

    number: int
    id: str
    page: str
    user: int
    user_name: str
    camera: str
    address: str
    start_us: int
    seen_us: int
    ended_us: int | None
    bytes: int
    session: int | None
    title: str
    note: str
    tags: str


@dataclass(frozen=True, slots=True)
class ViewingQuery:
    """Which viewings are looked for.

    Attributes:
        user: only of the user of this number; None: of all.
        camera: only of this camera; empty: of all.
        start_us: that begin at or after this instant, microseconds UTC.
        end_us: that begin before this one.
    """

    user: int | None = None
    camera: str = ""
    start_us: int | None = None
    end_us: int | None = None


_VIEWING = [getattr(ViewingRow, f.name) for f in fields(Viewing)]
_TEXTS = {"title": 200, "note": 2000, "tags": 200}
"""Characters that the columns of what people write hold."""


class Viewings:
    """Begins, follows, finds, changes and deletes viewings.

    Args:
        db: the index.
        visible: what there is for who asks; None: everything.
    """

    def __init__(self, db: Database, visible: Visible | None = None) -> None:
        self._db, self._visible = db, visible

    @retried
    def open(self, watcher: Watcher, at_us: int) -> Viewing:
        """Begin a viewing, or go on with one: of the same user, camera, address and page, that was seen lately."""
        same = (
            ViewingRow.page == watcher.page,
            ViewingRow.user == watcher.user,
            ViewingRow.user_name == watcher.user_name,
            ViewingRow.camera == watcher.camera,
            ViewingRow.address == watcher.address,
            ViewingRow.seen_us > at_us - AGAIN_US,
            ViewingRow.start_us < at_us + AGAIN_US,
        )
        with self._db.begin() as c:
            told = c.execute(select(FactRow.value).where(FactRow.name == _LAST).with_for_update()).scalar_one()
            row = c.execute(select(*_VIEWING).where(*same).order_by(ViewingRow.number.desc()).limit(1)).first()
            if row is not None:
                before = Viewing(*row)
                there_us = max(before.seen_us, at_us)
                mine = update(ViewingRow).where(ViewingRow.number == before.number)
                c.execute(mine.values(seen_us=there_us, ended_us=None))
                return before
            number = int(told) + 1
            c.execute(update(FactRow).where(FactRow.name == _LAST).values(value=str(number)))
            name, address = fit_text(watcher.user_name, 255), watcher.address[:45]
            begun = Viewing(
                number,
                new_id(),
                watcher.page,
                watcher.user,
                name,
                watcher.camera,
                address,
                at_us,
                at_us,
                None,
                0,
                None,
                "",
                "",
                "",
            )
            c.execute(insert(ViewingRow).values({f.name: getattr(begun, f.name) for f in fields(Viewing)}))
        return begun

    @retried
    def follow(self, number: int, at_us: int, sent: int) -> bool:
        """Note that so many bytes more were taken until an instant; return False if there is no such viewing any more.

        One that had ended goes on: it was not seen for a while, and its viewer was there all the same.
        """
        with self._db.begin() as c:
            row = c.execute(select(ViewingRow.seen_us).where(ViewingRow.number == number).with_for_update()).first()
            if row is None:
                return False
            more = {"seen_us": max(row.seen_us, at_us), "bytes": ViewingRow.bytes + sent}
            if at_us > row.seen_us:
                more["ended_us"] = None
            c.execute(update(ViewingRow).where(ViewingRow.number == number).values(more))
        return True

    def silent(self, now_us: int) -> list[Viewing]:
        """Return those that go on, and of which nothing was taken for ``SILENT_US``, the longest first."""
        gone = (ViewingRow.ended_us.is_(None), ViewingRow.seen_us < now_us - SILENT_US)
        with self._db.look() as c:
            rows = c.execute(select(*_VIEWING).where(*gone).order_by(ViewingRow.seen_us).limit(100))
            return [Viewing(*row) for row in rows]

    def ended_us(self, viewing: str, now_us: int) -> int | None:
        """Return when the viewing of an id ended; ``now_us`` if there is none any more, None if it goes on."""
        with self._db.look() as c:
            row = c.execute(select(ViewingRow.ended_us).where(ViewingRow.id == viewing)).first()
        return now_us if row is None else row.ended_us

    @retried
    def end(self, viewing: Viewing) -> bool:
        """Note that a viewing ended when something was taken last; return False if it went on meanwhile."""
        with self._db.begin() as c:
            same = (
                ViewingRow.number == viewing.number,
                ViewingRow.ended_us.is_(None),
                ViewingRow.seen_us == viewing.seen_us,
            )
            done = c.execute(update(ViewingRow).where(*same).values(ended_us=viewing.seen_us))
            return bool(done.rowcount)

    @retried
    def recorded(self, number: int, session: int) -> None:
        """Note which recorder session was begun of a viewing."""
        with self._db.begin() as c:
            c.execute(update(ViewingRow).where(ViewingRow.number == number).values(session=session))

    def named(self, name: str, user: int | None = None) -> Viewing:
        """Return the viewing of an id, or the newest of a page; of a user, if one is named.

        Raises:
            NotFound: there is none for who asks.
        """
        query = select(*_VIEWING).where(or_(ViewingRow.id == name, ViewingRow.page == name), *self._there())
        if user is not None:  # others may know the name of a page, and watch under it
            query = query.where(ViewingRow.user == user)
        query = query.order_by(ViewingRow.number.desc()).limit(1)
        with self._db.look() as c:
            row = c.execute(query).first() if name else None
        if row is None:
            raise NotFound(f"there is no viewing {name[:64]!r}")
        return Viewing(*row)

    def get(self, number: int) -> Viewing:
        """Return a viewing.

        Raises:
            NotFound: there is none of that number for who asks.
        """
        query = select(*_VIEWING).where(ViewingRow.number == number, *self._there())
        with self._db.look() as c:
            row = c.execute(query).first()
        if row is None:
            raise NotFound(f"there is no viewing {number}")
        return Viewing(*row)

    def find(self, query: ViewingQuery, limit: int, offset: int = 0) -> list[Viewing]:
        """Return a page of viewings, the newest first."""
        rows = select(*_VIEWING).where(*self._conditions(query))
        rows = rows.order_by(ViewingRow.start_us.desc(), ViewingRow.number.desc()).limit(limit).offset(offset)
        with self._db.look() as c:
            return [Viewing(*row) for row in c.execute(rows)]

    @retried
    def describe(self, number: int, title: str, note: str, tags: str) -> None:
        """Keep what people say of a viewing; what is too long is cut.

        Raises:
            NotFound: there is none of that number.
        """
        said = {"title": title, "note": note, "tags": tags}
        kept = {name: fit_text(text.strip(), _TEXTS[name]) for name, text in said.items()}
        with self._db.begin() as c:
            there = c.execute(select(ViewingRow.number).where(ViewingRow.number == number).with_for_update()).first()
            if there is None:
                raise NotFound(f"there is no viewing {number}")
            c.execute(update(ViewingRow).where(ViewingRow.number == number).values(kept))

    @retried
    def delete(self, number: int) -> None:
        """Delete a viewing that has ended.

        Raises:
            NotFound: there is none of that number.
            Conflict: it goes on.
        """
        with self._db.begin() as c:
            those = select(ViewingRow.ended_us).where(ViewingRow.number == number)
            row = c.execute(those.with_for_update()).first()
            if row is None:
                raise NotFound(f"there is no viewing {number}")
            if row.ended_us is None:
                raise Conflict("somebody is still watching: it can be deleted once that has ended.")
            c.execute(delete(ViewingRow).where(ViewingRow.number == number))

    @retried
    def forget_before(self, before_us: int, limit: int) -> int:
        """Delete so many viewings that ended before an instant, the oldest first; return how many."""
        old = (
            select(ViewingRow.number).where(ViewingRow.ended_us < before_us).order_by(ViewingRow.start_us).limit(limit)
        )
        with self._db.begin() as c:
            numbers = list(c.execute(old).scalars())
            if numbers:
                c.execute(delete(ViewingRow).where(ViewingRow.number.in_(numbers)))
        return len(numbers)

    def _there(self) -> list[ColumnElement[bool]]:
        return seen(self._visible, ViewingRow.camera, ViewingRow.start_us)

    def _conditions(self, query: ViewingQuery) -> list[ColumnElement[bool]]:
        row: Any = ViewingRow
        found = self._there()
        if query.user is not None:
            found.append(row.user == query.user)
        if query.camera:
            found.append(row.camera == query.camera)
        if query.start_us is not None:
            found.append(row.start_us >= query.start_us)
        if query.end_us is not None:
            found.append(row.start_us < query.end_us)
        return found

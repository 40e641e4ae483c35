"""What is known of plates: events, their reads, and how sure reads were."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, false, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from gatehouse_common.errors import NotFound

from .engine import Database
from .plate_models import PlateEventRow, PlateReadRow
from .plate_records import PlateEvent, PlateQuery, PlateReadRecord
from .plate_rows import EVENT, READ, event_of, read_of
from .plate_search import count, search
from .visible import Visible, among, seen

_IDS_AT_ONCE = 500

# Few are open: of the index of one camera's events, SQLite would read all that there ever were, for their order.
_OPEN = (
    select(*EVENT)
    .with_hint(PlateEventRow, "INDEXED BY ix_plate_events_state", "sqlite")
    .with_hint(PlateEventRow, "FORCE INDEX (ix_plate_events_state)", "mysql")
    .where(PlateEventRow.state == "open")
    .order_by(PlateEventRow.start_us, PlateEventRow.id)
)
_READS = (
    select(*READ)
    .where(PlateReadRow.event == bindparam("of_event"))
    .order_by(PlateReadRow.time_us, PlateReadRow.id)
    .limit(bindparam("at_most"))
)
_NEWEST_READS = (
    select(*READ)
    .where(PlateReadRow.event == bindparam("of_event"))
    .order_by(PlateReadRow.time_us.desc(), PlateReadRow.id.desc())
    .limit(bindparam("at_most"))
)


class PlateReader:
    """What the api and detectors ask for.

    Args:
        db: the index.
        visible: which events and reads there are; None: all.
    """

    def __init__(self, db: Database, visible: Visible | None = None) -> None:
        self._db, self._visible = db, visible

    def event(self, event_id: str) -> PlateEvent:
        """Return an event.

        Raises:
            NotFound: there is none of that id.
        """
        found = self.events([event_id])
        if not found:
            raise NotFound(f"there is no plate event {event_id[:64]!r}")
        return found[event_id]

    def events(self, ids: Collection[str]) -> dict[str, PlateEvent]:
        """Return events by id; those that there are none of are left out."""
        wanted = sorted(set(ids))
        found: dict[str, PlateEvent] = {}
        with self._db.read() as c:
            for at in range(0, len(wanted), _IDS_AT_ONCE):
                query = select(*EVENT).where(PlateEventRow.id.in_(wanted[at : at + _IDS_AT_ONCE]), *self._seen())
                found.update((row.id, event_of(row)) for row in c.execute(query))
        return found

    def search(self, query: PlateQuery) -> list[PlateEvent]:
        """Return the events that are asked for, newest first.

        Raises:
            InvalidInput: what is looked for could not be on any plate.
        """
        return search(self._db, query, self._visible)

    def count(self, query: PlateQuery) -> int:
        """Return how many events are asked for, on all pages.

        Raises:
            InvalidInput: what is looked for could not be on any plate.
        """
        return count(self._db, query, self._visible)

    def open_events(self, cameras: Collection[str] | None = None) -> list[PlateEvent]:
        """Return the visits that go on, of some cameras or, for None, of all; by when they began."""
        query = _OPEN if cameras is None else _OPEN.where(PlateEventRow.camera.in_(sorted(cameras)))
        query = query.where(*self._seen())
        with self._db.look() as c:
            return [event_of(row) for row in c.execute(query)]

    def reads(self, event_id: str, limit: int = 1000) -> list[PlateReadRecord]:
        """Return the reads of an event by time, the first ones where there are more."""
        with self._db.look() as c:
            query = _READS.where(*self._seen_reads())
            return [read_of(row) for row in c.execute(query, {"of_event": event_id, "at_most": limit})]

    def newest_reads(self, event_id: str, limit: int) -> list[PlateReadRecord]:
        """Return the last reads of an event, ``limit`` at most, by time."""
        with self._db.look() as c:
            query = _NEWEST_READS.where(*self._seen_reads())
            rows = c.execute(query, {"of_event": event_id, "at_most": limit})
            return [read_of(row) for row in rows][::-1]

    def read(self, read_id: str) -> PlateReadRecord:
        """Return a read.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.look() as c:
            row = c.execute(select(*READ).where(PlateReadRow.id == read_id, *self._seen_reads())).first()
        if row is None:
            raise NotFound(f"there is no plate read {read_id[:64]!r}")
        return read_of(row)

    def confidences(self, cameras: Collection[str] | None, start_us: int, end_us: int, bins: int = 20) -> list[int]:
        """Return how many reads of ``[start_us, end_us)`` were how sure: ``bins`` equal parts of 0 to 1.

        Reads that did not qualify are counted too. What is sure beyond doubt, 1.0, is in the last part.
        """
        part = _whole(PlateReadRow.confidence * bins)
        counts = [0] * bins
        with self._db.read() as c:
            where = self._in_range(c, cameras, start_us, end_us)
            for at, count in c.execute(select(part, func.count()).where(*where).group_by(part)):
                counts[min(max(int(at), 0), bins - 1)] += count
        return counts

    def doubted(self, cameras: Collection[str] | None, start_us: int, end_us: int) -> int:
        """Return how many reads of ``[start_us, end_us)`` were too unsure to qualify."""
        with self._db.read() as c:
            where = self._in_range(c, cameras, start_us, end_us)
            return c.execute(select(func.count()).where(*where, PlateReadRow.qualifies.is_(False))).scalar_one()

    def visits_of(self, text: str, limit: int = 50) -> list[PlateEvent]:
        """Return the events that are shown with exactly this text, newest first; without those a person rejected.

        A search finds those too of which a single read said so.
        """
        # "= false", for by "IS false" MariaDB does not see that the order is that of the index.
        shown = PlateEventRow.text == text, PlateEventRow.rejected == false()
        order = (PlateEventRow.start_us, PlateEventRow.camera, PlateEventRow.id)
        newest = select(*EVENT).where(*shown, *self._seen()).order_by(*(column.desc() for column in order)).limit(limit)
        with self._db.read() as c:
            return [event_of(row) for row in c.execute(newest)]

    def history(self, text: str, cameras: Collection[str] | None = None) -> tuple[int, int, int] | None:
        """Return how often a plate came that is shown with exactly this text, and when the first and last time began.

        Events that a person rejected are not counted. None: it never came.
        """
        return self.histories([text], cameras).get(text)

    def histories(
        self, texts: Collection[str], cameras: Collection[str] | None = None
    ) -> dict[str, tuple[int, int, int]]:
        """Return what :meth:`history` does for several texts; those that never came are left out."""
        start_us = PlateEventRow.start_us
        query = (
            select(PlateEventRow.text, func.count(), func.min(start_us), func.max(start_us))
            .where(PlateEventRow.text.in_(sorted(texts)), PlateEventRow.rejected.is_(False), *self._seen())
            .group_by(PlateEventRow.text)
        )
        if cameras is not None:
            query = query.where(PlateEventRow.camera.in_(sorted(cameras)))
        with self._db.look() as c:
            return {text: (count, first_us, last_us) for text, count, first_us, last_us in c.execute(query)}

    def _seen(self) -> list[ColumnElement[bool]]:
        return seen(self._visible, PlateEventRow.camera, PlateEventRow.start_us)

    def _seen_reads(self) -> list[ColumnElement[bool]]:
        return seen(self._visible, PlateReadRow.camera, PlateReadRow.time_us)

    def _in_range(
        self, c: Connection, cameras: Collection[str] | None, start_us: int, end_us: int
    ) -> list[ColumnElement[bool]]:
        """Return the condition of reads of a range: always of named cameras, for that is how the index begins."""
        of = among(self._visible, cameras)
        named = sorted(of) if of is not None else _cameras(c)
        row = PlateReadRow
        old = [] if self._visible is None else self._visible.since(row.camera, row.time_us)
        return [row.camera.in_(named), row.time_us >= start_us, row.time_us < end_us, *old]


class _whole(GenericFunction[int]):  # noqa: N801 - named as functions are
    """The greatest whole number that is not above what is not negative."""

    type = Integer()
    inherit_cache = True


@compiles(_whole)
def _floor(element: _whole, compiler: SQLCompiler, **options: Any) -> str:
    return f"FLOOR({compiler.process(element.clauses, **options)})"


@compiles(_whole, "sqlite")
def _cut(element: _whole, compiler: SQLCompiler, **options: Any) -> str:
    # Not every SQLite has FLOOR; its CAST cuts off, where that of MySQL rounds.
    return f"CAST({compiler.process(element.clauses, **options)} AS INTEGER)"


def _cameras(c: Connection) -> list[str]:
    """Return the ids of all cameras with reads: one index seek each, where DISTINCT would read every row."""
    found: list[str] = []
    camera = c.execute(select(func.min(PlateReadRow.camera))).scalar()
    while camera is not None:
        found.append(camera)
        camera = c.execute(select(func.min(PlateReadRow.camera)).where(PlateReadRow.camera > camera)).scalar()
    return found

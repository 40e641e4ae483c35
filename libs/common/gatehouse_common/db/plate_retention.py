"""What was read long ago is forgotten: plate events with their reads, texts and pictures; reads of no event."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Connection, Row, delete, exists, func, insert, select

from gatehouse_common.ids import new_id

from .contention import retried
from .deletions import Deletion, DeletionReason, as_row
from .engine import Database
from .held_spans import ACTIVE, covers
from .holds import lock_retention
from .plate_models import (
    ClipPlateEventRow,
    PlateEventRow,
    PlateEventTextRow,
    PlateReadRow,
    PlateTextRow,
    PlateTextSuffixRow,
)
from .plate_texts import suffixes
from .upkeep_models import DeletionRow, HoldRow
from .watch_models import PlateListingRow

_Old = Row[str, str, int, int, str, str]


class PlateRetention:
    """Forgets plates. What is on hold stays: the plates of a time belong to its footage."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def count(self) -> int:
        """Return how many plate events there are."""
        with self._db.look() as c:
            return c.execute(select(func.count()).select_from(PlateEventRow)).scalar_one()

    def count_before(self, before_us: int) -> int:
        """Return how many plate events ended before an instant."""
        with self._db.look() as c:
            old = select(func.count()).where(PlateEventRow.start_us < before_us, PlateEventRow.end_us < before_us)
            return c.execute(old).scalar_one()

    @retried
    def forget_before(
        self, before_us: int, now_us: int, limit: int, reason: DeletionReason = "age"
    ) -> tuple[int, list[Deletion]]:
        """Forget the oldest plate events that ended before an instant; return how many, and their pictures.

        Rows are gone when this returns; the pictures have been decided on, as ``Deletions`` has it.
        """
        pictures = (PlateEventRow.frame_key, PlateEventRow.crop_key)
        old = (
            select(PlateEventRow.id, PlateEventRow.camera, PlateEventRow.start_us, PlateEventRow.end_us, *pictures)
            .where(PlateEventRow.start_us < before_us, PlateEventRow.end_us < before_us, ~_is_held())
            .order_by(PlateEventRow.start_us, PlateEventRow.id)
            .limit(limit)
        )
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            rows = c.execute(old.with_for_update(), {"now_us": now_us}).all()
            if not rows:
                return 0, []
            marked = [
                _picture(row, key, reason, now_us) for row in rows for key in (row.frame_key, row.crop_key) if key
            ]
            if marked:
                c.execute(insert(DeletionRow), [as_row(d) for d in marked])
            _forget(c, [(row.id, row.start_us) for row in rows])
        return len(rows), marked

    @retried
    def forget_reads_before(self, before_us: int, now_us: int, limit: int) -> int:
        """Forget reads from before an instant that belong to no event and are not held; return how many."""
        old = select(PlateReadRow.id).where(
            PlateReadRow.event.is_(None), PlateReadRow.time_us < before_us, ~_read_is_held()
        )
        with self._db.begin() as c:
            lock_retention(c)
            ids = c.execute(old.order_by(PlateReadRow.time_us).limit(limit), {"now_us": now_us}).scalars().all()
            if ids:
                c.execute(delete(PlateReadRow).where(PlateReadRow.id.in_(ids)))
            return len(ids)


def _picture(row: _Old, key: str, reason: DeletionReason, now_us: int) -> Deletion:
    span = row.start_us, row.end_us
    return Deletion(new_id(), "picture", row.id, row.camera, key, *span, 0, reason, now_us, next_us=now_us)


def _is_held() -> ColumnElement[bool]:
    """Return the condition that a plate event is held: by its time, or by a clip that is for it."""
    of_clip = (ClipPlateEventRow.event == PlateEventRow.id) & (HoldRow.clip == ClipPlateEventRow.clip)
    by_time = covers(PlateEventRow.camera, PlateEventRow.start_us, PlateEventRow.end_us + 1)
    return exists().where(by_time) | exists().where(of_clip, ACTIVE)


def _read_is_held() -> ColumnElement[bool]:
    return exists().where(covers(PlateReadRow.camera, PlateReadRow.time_us, PlateReadRow.time_us + 1))


def _forget(c: Connection, events: Sequence[tuple[str, int]]) -> None:
    """Forget events by their ids and starts: both are what their texts are found by."""
    found: set[str] = set()
    for event, start_us in events:
        of = (PlateEventTextRow.start_us == start_us, PlateEventTextRow.event == event)
        found.update(c.execute(select(PlateEventTextRow.text).where(*of)).scalars())
        c.execute(delete(PlateEventTextRow).where(*of))
    ids = [event for event, _ in events]
    c.execute(delete(PlateReadRow).where(PlateReadRow.event.in_(ids)))
    c.execute(delete(PlateListingRow).where(PlateListingRow.event.in_(ids)))
    c.execute(delete(PlateEventRow).where(PlateEventRow.id.in_(ids)))
    _forget_texts(c, found)


def _forget_texts(c: Connection, texts: Collection[str]) -> None:
    """Forget texts that no event has any more.

    They are locked before it is asked whether one has: whoever lets an event be found by a text locks it too. What is
    read with a lock is as it is now, and not as it was when this transaction began.
    """
    known = select(PlateTextRow.text).where(PlateTextRow.text.in_(sorted(texts))).order_by(PlateTextRow.text)
    gone = [text for text in c.execute(known.with_for_update()).scalars().all() if not _has_event(c, text)]
    for text in gone:
        ends = PlateTextSuffixRow.suffix.in_(suffixes(text))
        c.execute(delete(PlateTextSuffixRow).where(ends, PlateTextSuffixRow.text == text))
    c.execute(delete(PlateTextRow).where(PlateTextRow.text.in_(gone)))


def _has_event(c: Connection, text: str) -> bool:
    some = select(PlateEventTextRow.event).where(PlateEventTextRow.text == text).limit(1)
    return c.execute(some.with_for_update(read=True)).first() is not None

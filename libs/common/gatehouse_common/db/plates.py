"""How plates get into the index, and how people correct them: messages may be repeated, and come out of order."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, select, update

from gatehouse_common.errors import ChangedSince, InvalidInput, NotFound
from gatehouse_common.messages import PlateClosed, PlateSeen, VisitFields
from gatehouse_common.messages.plates import PLATE

from .contention import retried
from .engine import Database
from .happenings import note
from .new_rows import insert_new
from .plate_looks import note_look
from .plate_models import PlateEventRow, PlateReadRow
from .plate_records import PlateEvent
from .plate_rows import EVENT, add_texts, drop_texts, event_of, move_texts, read_row, visit_values

_PLATE: Final = re.compile(PLATE)
_KNOWN: list[Any] = [
    PlateEventRow.id,
    PlateEventRow.camera,
    PlateEventRow.state,
    PlateEventRow.start_us,
    PlateEventRow.text,
    PlateEventRow.voted_text,
    PlateEventRow.reads,
    PlateEventRow.told_us,
    PlateEventRow.corrected_us,
]


class PlateWriter:
    """What the indexer writes of plates, and what people change. A closed event is never opened again."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def see(self, seen: PlateSeen) -> Literal["opened", "updated"] | None:
        """Keep a read, and what is known of the visit that it belongs to.

        Returns:
            What became of the plate event; None: there is none, or more is known of it already.
        """
        known = seen.visit is not None and self._is_known(seen.visit.event)
        with self._db.begin() as c:
            row = _lock(c, seen.visit.event) if seen.visit is not None and known else None
            insert_new(c, PlateReadRow, read_row(seen))
            if seen.visit is None:
                return None
            opened = row is None and _open(c, seen.camera, seen.visit, seen.time_us, "open")
            if row is None and not opened:
                row = _lock(c, seen.visit.event)
            changed = row is not None and _order(seen.time_us, seen.visit.reads) > _order(row.told_us, row.reads)
            if changed and row is not None:
                _follow(c, row, seen.camera, seen.visit, seen.time_us, row.state)
            if seen.qualifies:
                start_us = seen.visit.start_us if opened or changed or row is None else row.start_us
                add_texts(c, seen.visit.event, seen.camera, start_us, {seen.read.text})
            if opened:
                note(c, "plate.detected", seen.visit.event, seen.camera, seen.visit.start_us)
            elif changed:
                note(c, "plate.updated", seen.visit.event, seen.camera, seen.time_us, once=True)
            return "opened" if opened else "updated" if changed else None

    @retried
    def close(self, closed: PlateClosed) -> bool:
        """Keep the whole of a visit that is over; return whether that changed anything."""
        visit = closed.visit
        known = self._is_known(visit.event)
        with self._db.begin() as c:
            row = _lock(c, visit.event) if known else None
            if row is None and _open(c, closed.camera, visit, closed.time_us, "closed"):
                note(c, "plate.detected", visit.event, closed.camera, visit.start_us)
                note(c, "plate.closed", visit.event, closed.camera, closed.time_us)
                return True
            row = row or _lock(c, visit.event)
            assert row is not None  # noqa: S101 - it could not be inserted, so it is there
            ahead = _order(closed.time_us, visit.reads) > _order(row.told_us, row.reads)
            if ahead or (row.state == "open" and visit.reads >= row.reads):
                told_us = max(closed.time_us, row.told_us)
                _follow(c, row, closed.camera, visit, told_us, "closed")
                note(c, "plate.closed", visit.event, closed.camera, closed.time_us, once=True)
                return True
            if row.state == "open":  # more was told before: it alone is kept
                c.execute(update(PlateEventRow).where(PlateEventRow.id == visit.event).values(state="closed"))
                note(c, "plate.closed", visit.event, closed.camera, closed.time_us)
                return True
            return False

    @retried
    def correct(
        self, event_id: str, text: str | None, by: str, at_us: int, *, seen: Collection[str] | None = None
    ) -> PlateEvent:
        """Show another text for an event; the voted one is kept. None shows the voted one again.

        With ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such event.
            ChangedSince: it has another tag by now.
            InvalidInput: it is no text of a plate.
        """
        if text is not None and _PLATE.fullmatch(text) is None:
            raise InvalidInput(f"{text[:40]!r} is no plate: use 1 to 16 of A-Z and 0-9", "text")
        with self._db.begin() as c:
            row = _lock(c, event_id)
            if row is None:
                raise NotFound(f"there is no plate event {event_id[:64]!r}")
            _check_seen(c, event_id, seen)
            shown = row.voted_text if text is None else text
            who = (None, None) if text is None else (at_us, by[:255])
            values = {"text": shown, "corrected_us": who[0], "corrected_by": who[1]}
            _write(c, row, values)
            note(c, "plate.corrected", event_id, row.camera, at_us)
            note_look(c, event_id, at_us)
            return _event(c, event_id)

    @retried
    def reject(
        self, event_id: str, rejected: bool, by: str, at_us: int, *, seen: Collection[str] | None = None
    ) -> PlateEvent:
        """Keep that a person says that an event is of no plate, or takes that back.

        With ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such event.
            ChangedSince: it has another tag by now.
        """
        who = (at_us, by[:255]) if rejected else (None, None)
        values = {"rejected": rejected, "rejected_us": who[0], "rejected_by": who[1]}
        with self._db.begin() as c:
            row = _lock(c, event_id)
            if row is None:
                raise NotFound(f"there is no plate event {event_id[:64]!r}")
            _check_seen(c, event_id, seen)
            c.execute(update(PlateEventRow).where(PlateEventRow.id == event_id).values(values))
            note(c, "plate.corrected", event_id, row.camera, at_us)
            note_look(c, event_id, at_us)
            return _event(c, event_id)

    def _is_known(self, event: str) -> bool:
        # Asked outside the transaction: there, a row that is locked is as it is now, and one that is looked for in
        # vain locks the place where it would be, in the way of all who add others.
        with self._db.look() as c:
            return c.execute(select(PlateEventRow.id).where(PlateEventRow.id == event)).first() is not None


def _order(told_us: int, reads: int) -> tuple[int, int]:
    """Return what is greater of what was said later. Two messages of one instant differ in what they have counted."""
    return told_us, reads


def _check_seen(c: Connection, event: str, seen: Collection[str] | None) -> None:
    """Return unless an event is not what was seen of it.

    Raises:
        ChangedSince: it is not.
    """
    if seen is not None and _event(c, event).tag not in seen:
        raise ChangedSince("somebody has changed this plate since: look at it again.")


def _lock(c: Connection, event: str) -> Row[Any] | None:
    query = select(*_KNOWN).where(PlateEventRow.id == event).with_for_update()
    return c.execute(query).first()


def _open(c: Connection, camera: str, visit: VisitFields, told_us: int, state: str) -> bool:
    row = {"id": visit.event, "camera": camera, "state": state, "text": visit.text, "rejected": False}
    if not insert_new(c, PlateEventRow, {**row, **visit_values(visit, told_us)}):
        return False
    add_texts(c, visit.event, camera, visit.start_us, {visit.text})
    return True


def _follow(c: Connection, row: Row[Any], camera: str, visit: VisitFields, told_us: int, state: str) -> None:
    """Write what is newer; a text that a person corrected stays as it is shown."""
    if visit.start_us != row.start_us:
        move_texts(c, visit.event, row.start_us, visit.start_us)
    shown = visit.text if row.corrected_us is None else row.text
    _write(c, row, {**visit_values(visit, told_us), "state": state, "camera": camera, "text": shown})


def _write(c: Connection, row: Row[Any], values: dict[str, Any]) -> None:
    c.execute(update(PlateEventRow).where(PlateEventRow.id == row.id).values(values))
    before, now = {row.text, row.voted_text}, {values["text"], values.get("voted_text", row.voted_text)}
    if before != now:
        start_us = values.get("start_us", row.start_us)
        drop_texts(c, row.id, start_us, before - now)
        add_texts(c, row.id, values.get("camera", row.camera), start_us, now)


def _event(c: Connection, event_id: str) -> PlateEvent:
    return event_of(c.execute(select(*EVENT).where(PlateEventRow.id == event_id)).one())

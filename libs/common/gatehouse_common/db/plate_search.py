"""Search for plate events."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, or_, select

from .engine import Database
from .plate_models import PlateEventRow, PlateEventTextRow, PlateTextRow
from .plate_records import PlateEvent, PlateQuery
from .plate_rows import EVENT, event_of
from .plate_texts import check_sought, fold, near


def search(db: Database, query: PlateQuery) -> list[PlateEvent]:
    """Return the events that are asked for, newest first.

    Raises:
        InvalidInput: what is looked for could not be on any plate.
    """
    ordered = _conditions(select(*EVENT), query).order_by(PlateEventRow.start_us.desc(), PlateEventRow.id.desc())
    if query.before is not None:
        start_us, event = query.before
        ordered = ordered.where(
            PlateEventRow.start_us <= start_us, or_(PlateEventRow.start_us < start_us, PlateEventRow.id < event)
        )
    with db.read() as c:
        return [event_of(row) for row in c.execute(ordered.limit(query.limit).offset(query.offset))]


def count(db: Database, query: PlateQuery) -> int:
    """Return how many events are asked for, on all pages."""
    with db.look() as c:
        return c.execute(_conditions(select(func.count()).select_from(PlateEventRow), query)).scalar_one()


def _conditions(chosen: Select[Any], query: PlateQuery) -> Select[Any]:
    chosen = chosen.where(PlateEventRow.confidence >= query.min_confidence)
    if query.cameras is not None:
        chosen = chosen.where(PlateEventRow.camera.in_(sorted(query.cameras)))
    if not query.rejected:
        chosen = chosen.where(PlateEventRow.rejected.is_(False))
    if query.end_us is not None:
        chosen = chosen.where(PlateEventRow.start_us < query.end_us)
    if query.start_us is not None:
        chosen = chosen.where(PlateEventRow.end_us >= query.start_us)
    if query.text is not None:
        check_sought(query.text, query.match)
        chosen = chosen.where(PlateEventRow.id.in_(_events_of(query.text, query.match)))
    return chosen


def _events_of(text: str, match: str) -> Select[tuple[str]]:
    of = select(PlateEventTextRow.event)
    if match == "exact":
        return of.where(PlateEventTextRow.text == text)
    if match == "fuzzy":
        texts = select(PlateTextRow.text).where(PlateTextRow.folded.in_(near(fold(text))))
        return of.where(PlateEventTextRow.text.in_(texts))
    pattern = text + "*" if match == "prefix" else text
    return of.where(PlateEventTextRow.text.like(pattern.replace("*", "%").replace("?", "_")))

"""Rows of plates from messages, and records from rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from gatehouse_common.messages import PlateSeen, ReadFields, VisitFields

from .new_rows import insert_new
from .plate_models import PlateEventRow, PlateEventTextRow, PlateReadRow, PlateTextRow, PlateTextSuffixRow
from .plate_records import PlateEvent, PlateReadRecord
from .plate_texts import fold, suffixes

EVENT = [getattr(PlateEventRow, f.name) for f in fields(PlateEvent)]
READ = [getattr(PlateReadRow, f.name) for f in fields(PlateReadRecord)]


def event_of(row: Row[Any]) -> PlateEvent:
    """Return the record of a row of ``EVENT``."""
    return PlateEvent(*_tuples(row, _EVENT_PAIRS))


def read_of(row: Row[Any]) -> PlateReadRecord:
    """Return the record of a row of ``READ``."""
    return PlateReadRecord(*_tuples(row, _READ_PAIRS))


def _pairs(columns: list[Any]) -> list[int]:
    return [n for n, column in enumerate(columns) if column.key in {"alternatives", "quad"}]


_EVENT_PAIRS, _READ_PAIRS = _pairs(EVENT), _pairs(READ)


def _tuples(row: Row[Any], pairs: list[int]) -> list[Any]:
    """Return the values of a row; JSON knows no pairs, only lists."""
    values = list(row)
    for n in pairs:
        values[n] = [tuple(pair) for pair in values[n]]
    return values


def read_row(seen: PlateSeen) -> dict[str, Any]:
    """Return the row of the read that a message tells of."""
    return {
        "id": seen.read.id,
        "event": seen.visit.event if seen.visit is not None else None,
        "camera": seen.camera,
        "time_us": seen.read.time_us,
        "run": seen.read.run,
        "pts": seen.read.pts,
        "confidence": seen.read.confidence,
        "threshold": seen.threshold,
        "qualifies": seen.qualifies,
        **_text(seen.read),
        **_place(seen.read),
    }


def visit_values(visit: VisitFields, told_us: int) -> dict[str, Any]:
    """Return what a message says of a visit, but for its text as it is shown and whether it is over."""
    return {
        "start_us": visit.start_us,
        "end_us": max(visit.start_us, visit.end_us),
        "lasted_us": max(0, visit.end_us - visit.start_us),
        "voted_text": visit.text,
        "confidence": visit.confidence,
        "direction": visit.direction.value,
        "reads": visit.reads,
        "best_read": visit.best.id,
        "best_us": visit.best.time_us,
        "frame_key": visit.frame_key,
        "crop_key": visit.crop_key,
        "told_us": told_us,
        **{name: value for name, value in _text(visit).items() if name != "text"},
        **_place(visit.best),
    }


def _text(said: ReadFields | VisitFields) -> dict[str, Any]:
    return {
        "text": said.text,
        "characters": list(said.characters),
        "alternatives": [list(pair) for pair in said.alternatives],
        "region": said.region,
        "pattern": said.pattern,
    }


def _place(read: ReadFields) -> dict[str, Any]:
    return {
        "quad": [list(corner) for corner in read.quad],
        "picture_width": read.picture_width,
        "picture_height": read.picture_height,
        "area": list(read.area),
    }


def add_texts(c: Connection, event: str, camera: str, start_us: int, texts: Collection[str]) -> None:
    """Let an event that began then be found by texts, too."""
    missing = sorted(set(texts) - set(c.execute(select(PlateEventTextRow.text).where(*_of(event, start_us))).scalars()))
    if not missing:
        return
    for text in missing:
        if not _keep(c, text) and insert_new(c, PlateTextRow, {"text": text, "folded": fold(text)}):
            ends = [{"suffix": suffix, "text": text} for suffix in suffixes(text)]
            if ends:
                c.execute(insert(PlateTextSuffixRow), ends)
        insert_new(c, PlateEventTextRow, {"start_us": start_us, "event": event, "text": text, "camera": camera})


def _keep(c: Connection, text: str) -> bool:
    """Return whether a text is known; it is then until the end of the transaction, whoever forgets texts.

    It is locked only where it is: to lock the place where it would be is to be in the way of all who add others.
    """
    itself = select(PlateTextRow.text).where(PlateTextRow.text == text)
    return c.execute(itself).first() is not None and c.execute(itself.with_for_update(read=True)).first() is not None


def drop_texts(c: Connection, event: str, start_us: int, texts: Collection[str]) -> None:
    """Let an event be found no more by texts that are not those of a qualifying read of it."""
    if not texts:
        return
    of_reads = select(PlateReadRow.text).where(PlateReadRow.event == event, PlateReadRow.qualifies)
    gone = set(texts) - set(c.execute(of_reads).scalars())
    if gone:
        c.execute(delete(PlateEventTextRow).where(*_of(event, start_us), PlateEventTextRow.text.in_(sorted(gone))))


def move_texts(c: Connection, event: str, before_us: int, start_us: int) -> None:
    """Let an event be found by when it began, which is not when it was known to have begun."""
    c.execute(update(PlateEventTextRow).where(*_of(event, before_us)).values(start_us=start_us))


def _of(event: str, start_us: int) -> tuple[ColumnElement[bool], ...]:
    return PlateEventTextRow.start_us == start_us, PlateEventTextRow.event == event

"""Which plate events a query asks for: found by way of the texts there are, and never by reading all events.

A text to look for becomes texts that are there (``plate_lookup.py``); of those the newest events are taken, looking
back in steps. A text that very many are like is found the other way round: events are passed, the newest first, until
enough of them have such a text. Either way a page costs about what is on it, however many events there are, and however
often a plate came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from .engine import Database
from .plate_lookup import find_texts, has_text, is_like, is_loose
from .plate_models import PlateEventRow, PlateEventTextRow
from .plate_records import PlateEvent, PlateQuery
from .plate_rows import EVENT, event_of
from .plate_texts import check_sought, longest_run
from .visible import Visible, among

_Key = tuple[int, str]

_KEY: Final[list[Any]] = [PlateEventRow.start_us, PlateEventRow.id]
_TEXT_KEY: Final[list[Any]] = [PlateEventTextRow.start_us, PlateEventTextRow.event]

# Each of the two is the end of an index; as one query of two columns, they would be all of it.
_ENDS = select(
    select(func.min(PlateEventRow.start_us)).scalar_subquery(),
    select(func.max(PlateEventRow.start_us)).scalar_subquery(),
)

_CAMERAS_APART: Final = 16
"""Of so many cameras each is looked at by itself, which takes no more of any than a page; of more, all are passed."""
_FEW: Final = 64
_STEPS_OF_FEW: Final = (4096, 256, 16, 1)
_STEPS_OF_MANY: Final = (16, 4, 1)
"""What parts of all time are looked at one after the other: a plate that came often fills a page from the first. Many
texts are looked up in fewer steps, for each takes a look at each."""
_NEWEST, _ENOUGH = 16, 4
"""What part of all time is looked at first, and what part of a page must be in it to go on so."""
_TEXTS_AT_ONCE: Final = 900
"""MariaDB makes a table of a list of a thousand."""
_IDS_AT_ONCE: Final = 500


def search(db: Database, query: PlateQuery, visible: Visible | None = None) -> list[PlateEvent]:
    """Return the events that are asked for, of those that are ``visible``, newest first.

    Raises:
        InvalidInput: what is looked for could not be on any plate.
    """
    query = _of_visible(query, visible)
    if query.text is not None:
        check_sought(query.text, query.match)
    wanted = query.offset + query.limit
    with db.read() as c:
        oldest_us = _oldest(c, query)
        if query.text is None and query.cameras is None:  # then the database passes over what is not wanted
            return _events(c, [event for _, event in _pass(c, query, oldest_us, query.limit, query.offset)])
        keys = (_pass if query.text is None else _find)(c, query, oldest_us, wanted)
        return _events(c, [event for _, event in keys[query.offset : wanted]])


def count(db: Database, query: PlateQuery, visible: Visible | None = None) -> int:
    """Return how many events are asked for, on all pages; for a text that much is like, it passes them all.

    Only those that are ``visible`` are counted.

    Raises:
        InvalidInput: what is looked for could not be on any plate.
    """
    query = replace(_of_visible(query, visible), before=None)
    if query.text is not None:
        check_sought(query.text, query.match)
    with db.read() as c:
        chosen = _hinted(select(func.count()).select_from(PlateEventRow), "ix_plate_events_start")
        chosen = chosen.where(*_of_event(query), *_of_cameras(PlateEventRow.camera, query.cameras))
        chosen = chosen.where(*_began(PlateEventRow.start_us, query, _oldest(c, query)))
        if query.text is None:
            return int(c.execute(chosen).scalar_one())
        texts = find_texts(c, query.text, query.match)
        if texts is None:
            return int(c.execute(chosen.where(has_text(query.text, query.match))).scalar_one())
        return sum(1 for _ in _all_of(c, query, texts))


def _of_visible(query: PlateQuery, visible: Visible | None) -> PlateQuery:
    """Return a query for what of it somebody may see: of their cameras, as if these had been asked for."""
    of = among(visible, query.cameras)
    return replace(query, cameras=None if of is None else frozenset(of), visible=visible)


def _oldest(c: Connection, query: PlateQuery) -> int | None:
    """Return when an event began at the earliest that reaches into the range; None: whenever."""
    if query.start_us is None:
        return None
    return query.start_us - (c.execute(select(func.max(PlateEventRow.lasted_us))).scalar() or 0)


def _find(c: Connection, query: PlateQuery, oldest_us: int | None, wanted: int) -> list[_Key]:
    """Return the first events that have such a text."""
    assert query.text is not None  # noqa: S101 - asked before
    # The one reads texts in order of time and then asks for their events, the other the other way round: that is better
    # where nearly all have such a text, and what is asked of the event decides.
    passing = _pass if query.cameras is not None or not longest_run(query.text) else _pass_texts
    if is_loose(query.text, query.match):  # all texts would be read to see which match; the newest may do
        low, high = _reach(c, query, oldest_us)
        found = passing(c, query, high - (high - low) // _NEWEST, wanted)
        if len(found) >= wanted:
            return found
        if len(found) * _ENOUGH >= wanted:
            return passing(c, query, oldest_us, wanted)
    texts = find_texts(c, query.text, query.match)
    return passing(c, query, oldest_us, wanted) if texts is None else _look_back(c, query, texts, oldest_us, wanted)


def _pass(c: Connection, query: PlateQuery, oldest_us: int | None, wanted: int, skip: int = 0) -> list[_Key]:
    """Return the first events of all, or of all that have such a text, by reading an index until there are enough.

    ``skip``: those that come after so many; not with cameras.
    """
    apart = query.cameras is not None and len(query.cameras) <= _CAMERAS_APART
    found: list[_Key] = []
    for cameras in [frozenset([camera]) for camera in query.cameras or ()] if apart else [query.cameras]:
        chosen = _hinted(select(*_KEY), "ix_plate_events_camera" if apart else "ix_plate_events_start")
        chosen = chosen.where(*_of_cameras(PlateEventRow.camera, cameras), *_of_event(query))
        chosen = chosen.where(*_began(PlateEventRow.start_us, query, oldest_us))
        chosen = chosen.where(*_before(PlateEventRow.start_us, PlateEventRow.id, query.before))
        if query.text is not None:
            chosen = chosen.where(has_text(query.text, query.match))
        chosen = chosen.order_by(PlateEventRow.start_us.desc(), PlateEventRow.id.desc())
        found += _keys(c, chosen.limit(wanted).offset(skip))
    return sorted(found, reverse=True)[:wanted]


def _pass_texts(c: Connection, query: PlateQuery, oldest_us: int | None, wanted: int) -> list[_Key]:
    """Return the first events that have such a text, by reading texts in order of time until there are enough."""
    row, before = PlateEventTextRow, query.before
    found: list[_Key] = []
    while len(found) < wanted:
        chosen = select(*_TEXT_KEY).join(PlateEventRow, PlateEventRow.id == row.event)
        chosen = chosen.with_hint(row, "INDEXED BY sqlite_autoindex_plate_event_texts_1", "sqlite")
        chosen = chosen.with_hint(row, "FORCE INDEX (PRIMARY)", "mysql").prefix_with("STRAIGHT_JOIN", dialect="mysql")
        chosen = chosen.where(is_like(query.text or "", query.match), *_of_event(query))
        chosen = chosen.where(*_began(row.start_us, query, oldest_us), *_before(row.start_us, row.event, before))
        limit = 2 * (wanted - len(found))  # an event may have several such texts
        keys = _keys(c, chosen.order_by(row.start_us.desc(), row.event.desc()).limit(limit))
        found += dict.fromkeys(keys)
        if len(keys) < limit:
            break
        before = keys[-1]
    return found[:wanted]


def _look_back(
    c: Connection, query: PlateQuery, texts: Sequence[str], oldest_us: int | None, wanted: int
) -> list[_Key]:
    """Return the first events that have one of some texts."""
    found: list[_Key] = []
    for start_us, end_us in _steps(c, query, len(texts), oldest_us):
        step: set[_Key] = set()
        for at in range(0, len(texts), _TEXTS_AT_ONCE):
            chosen = _with_texts(query, texts[at : at + _TEXTS_AT_ONCE], oldest_us)
            if start_us is not None:
                chosen = chosen.where(PlateEventTextRow.start_us >= start_us, PlateEventTextRow.start_us < end_us)
            step.update(_keys(c, chosen.limit(wanted - len(found))))
        found += sorted(step, reverse=True)
        if len(found) >= wanted:
            break
    return found[:wanted]


def _with_texts(query: PlateQuery, texts: Sequence[str], oldest_us: int | None) -> Select[Any]:
    row = PlateEventTextRow
    chosen = select(*_TEXT_KEY).join(PlateEventRow, PlateEventRow.id == row.event)
    chosen = chosen.with_hint(row, "INDEXED BY ix_plate_event_texts_text", "sqlite")
    chosen = chosen.with_hint(row, "FORCE INDEX (ix_plate_event_texts_text)", "mysql")
    chosen = chosen.prefix_with("STRAIGHT_JOIN", dialect="mysql")
    if len(texts) > 1:  # an event may have several of them
        chosen = chosen.distinct()
    chosen = chosen.where(row.text.in_(texts), *_of_cameras(row.camera, query.cameras), *_of_event(query))
    chosen = chosen.where(*_began(row.start_us, query, oldest_us), *_before(row.start_us, row.event, query.before))
    return chosen.order_by(row.start_us.desc(), row.event.desc())


def _all_of(c: Connection, query: PlateQuery, texts: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for at in range(0, len(texts), _TEXTS_AT_ONCE):
        chosen = _with_texts(query, texts[at : at + _TEXTS_AT_ONCE], _oldest(c, query)).order_by(None)
        found.update(event for _, event in c.execute(chosen))
    return found


def _steps(
    c: Connection, query: PlateQuery, texts: int, oldest_us: int | None
) -> Iterator[tuple[int | None, int | None]]:
    """Yield ranges of starts, one before the other, each so many times as long; the last one ends where all began."""
    if texts == 1:  # its index has its events in their order
        yield None, None
        return
    low, high = _reach(c, query, oldest_us)
    at = high
    for part in _STEPS_OF_FEW if texts <= _FEW else _STEPS_OF_MANY:
        start = high - (high - low) // part
        if start < at:
            yield start, at
            at = start


def _reach(c: Connection, query: PlateQuery, oldest_us: int | None) -> tuple[int, int]:
    """Return in what range of time all events begin that may be asked for."""
    first_us, last_us = c.execute(_ENDS).one()
    low, high = first_us or 0, (last_us or 0) + 1
    if oldest_us is not None:
        low = max(low, oldest_us)
    if query.end_us is not None:
        high = min(high, query.end_us)
    if query.before is not None:
        high = min(high, query.before[0] + 1)
    return low, max(low, high)


def _of_event(query: PlateQuery) -> Iterable[ColumnElement[bool]]:
    if query.min_confidence > 0:
        yield PlateEventRow.confidence >= query.min_confidence
    if not query.rejected:
        yield PlateEventRow.rejected.is_(False)
    if query.start_us is not None:
        yield PlateEventRow.end_us >= query.start_us
    if query.visible is not None:
        yield from query.visible.since(PlateEventRow.camera, PlateEventRow.start_us)


def _of_cameras(column: Any, cameras: Collection[str] | None) -> Iterable[ColumnElement[bool]]:
    if cameras is not None:
        yield column.in_(sorted(cameras))


def _began(column: Any, query: PlateQuery, oldest_us: int | None) -> Iterable[ColumnElement[bool]]:
    if oldest_us is not None:
        yield column >= oldest_us
    if query.end_us is not None:
        yield column < query.end_us


def _before(start_us: Any, event: Any, before: _Key | None) -> Iterable[ColumnElement[bool]]:
    if before is not None:
        yield start_us <= before[0]  # what an index can seek to; the rest tells equal starts apart
        yield or_(start_us < before[0], event < before[1])


def _hinted(chosen: Select[Any], index: str) -> Select[Any]:
    """Say which index has what is asked for: without statistics, databases take the one that they must sort."""
    chosen = chosen.with_hint(PlateEventRow, f"INDEXED BY {index}", "sqlite")
    return chosen.with_hint(PlateEventRow, f"FORCE INDEX ({index})", "mysql")


def _keys(c: Connection, chosen: Select[Any]) -> list[_Key]:
    return [(start_us, event) for start_us, event in c.execute(chosen)]


def _events(c: Connection, ids: Sequence[str]) -> list[PlateEvent]:
    found: dict[str, PlateEvent] = {}
    for at in range(0, len(ids), _IDS_AT_ONCE):
        query = select(*EVENT).where(PlateEventRow.id.in_(ids[at : at + _IDS_AT_ONCE]))
        found.update((row.id, event_of(row)) for row in c.execute(query))
    return [found[event] for event in ids if event in found]

"""A search finds exactly what reading all texts finds, whichever way it takes (P11), and pages lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from gatehouse_common.db import Database, PlateEvent, PlateQuery, PlateReader, plate_lookup, plate_search
from gatehouse_common.db.models import Base
from gatehouse_common.db.plate_models import PlateEventRow
from gatehouse_common.db.plate_rows import add_texts, visit_values
from gatehouse_common.db.plate_texts import distance, fold, near
from plate_kit import read_of, visit_of

LETTERS = "A8B0OX"
texts = st.text(LETTERS, min_size=1, max_size=5)
TABLES = ("plate_events", "plate_event_texts", "plate_texts", "plate_text_suffixes")


@dataclass(frozen=True)
class Visit:
    id: str
    camera: str
    start_us: int
    end_us: int
    confidence: float
    rejected: bool
    texts: frozenset[str]


@st.composite
def visits(draw: st.DrawFn, most: int = 14) -> list[Visit]:
    found = []
    for n in range(draw(st.integers(0, most))):
        start_us = draw(st.integers(0, 40))
        length = draw(st.sampled_from([0, 0, 1, 3, 30]))
        sure, rejected = draw(st.sampled_from([0.2, 0.6, 0.9])), draw(st.integers(0, 5)) == 0
        of = frozenset(draw(st.lists(texts, min_size=1, max_size=3)))
        camera = draw(st.sampled_from(["gate", "yard", "hall"]))
        found.append(Visit(f"event-{n:02}", camera, start_us, start_us + length, sure, rejected, of))
    return found


@st.composite
def queries(draw: st.DrawFn) -> PlateQuery:
    match = draw(st.sampled_from(["exact", "prefix", "wildcard", "fuzzy"]))
    text = draw(st.text(LETTERS + "**??", min_size=1, max_size=6) if match == "wildcard" else texts)
    cameras = draw(st.none() | st.frozensets(st.sampled_from(["gate", "yard", "hall"])))
    start_us, end_us = draw(st.none() | st.integers(0, 45)), draw(st.none() | st.integers(0, 45))
    least, rejected = draw(st.sampled_from([0.0, 0.0, 0.6])), draw(st.booleans())
    limit, offset = draw(st.sampled_from([1, 2, 5, 50])), draw(st.sampled_from([0, 0, 1, 3]))
    return PlateQuery(
        draw(st.sampled_from([text, text, text, None])),
        match,
        cameras,
        start_us,
        end_us,
        least,
        rejected,
        draw(st.none() | st.tuples(st.integers(0, 40), st.sampled_from(["event-00", "event-05", "event-20"]))),
        limit,
        offset,
    )


def is_meant(query: PlateQuery, text: str) -> bool:
    """Return whether a text is what is looked for, in the plainest way."""
    sought = query.text or ""
    if query.match == "exact":
        return text == sought
    if query.match == "prefix":
        return text.startswith(sought)
    if query.match == "wildcard":
        return fnmatchcase(text, sought)
    return distance(fold(text), fold(sought)) <= 1


def expected(there: list[Visit], query: PlateQuery) -> list[str]:
    found = [
        visit
        for visit in there
        if (query.text is None or any(is_meant(query, text) for text in visit.texts))
        and (query.cameras is None or visit.camera in query.cameras)
        and (query.start_us is None or visit.end_us >= query.start_us)
        and (query.end_us is None or visit.start_us < query.end_us)
        and visit.confidence >= query.min_confidence
        and (query.rejected or not visit.rejected)
    ]
    found.sort(key=lambda v: (v.start_us, v.id), reverse=True)
    return [v.id for v in found if query.before is None or (v.start_us, v.id) < query.before]


def fill(db: Database, there: list[Visit]) -> None:
    with db.begin() as c:
        for name in TABLES:
            c.execute(delete(Base.metadata.tables[name]))
        for visit in there:
            put(c, visit)


def put(c: object, visit: Visit) -> None:
    text = min(visit.texts)
    said = visit_of(visit.id, text, visit.start_us, visit.end_us, 1, read_of(text, visit.start_us))
    row = {"id": visit.id, "camera": visit.camera, "state": "closed", "text": text, "rejected": visit.rejected}
    values = {**row, **visit_values(said, visit.end_us), "confidence": visit.confidence}
    c.execute(insert(PlateEventRow).values(values))  # type: ignore[attr-defined] - a connection
    add_texts(c, visit.id, visit.camera, visit.start_us, visit.texts)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('search')}/index.db")
    made.upgrade()
    yield made
    made.close()


@pytest.fixture(params=["as it is", "as if there were very many"])
def _ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "as it is":
        monkeypatch.setattr(plate_lookup, "MOST_TEXTS", 1)
        monkeypatch.setattr(plate_search, "_TEXTS_AT_ONCE", 2)
        monkeypatch.setattr(plate_search, "_FEW", 1)
        monkeypatch.setattr(plate_search, "_CAMERAS_APART", 1)
        monkeypatch.setattr(plate_search, "_IDS_AT_ONCE", 2)
        monkeypatch.setattr(plate_search, "_NEWEST", 2)


# Rows are made for each example: to make a failing one smaller takes longer than to read it as it is.
QUICKLY = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.usefixtures("_ways")
@settings(QUICKLY, max_examples=60)
@given(there=visits(), asked=st.lists(queries(), min_size=1, max_size=6))
def test_a_search_finds_what_reading_all_texts_finds(db: Database, there: list[Visit], asked: list[PlateQuery]) -> None:
    fill(db, there)
    reader = PlateReader(db)
    for query in asked:
        meant = expected(there, query)
        assert [e.id for e in reader.search(query)] == meant[query.offset : query.offset + query.limit], query
        assert reader.count(query) == len(expected(there, replace(query, before=None))), query


@pytest.mark.usefixtures("_ways")
@settings(QUICKLY, max_examples=30)
@given(there=visits(30), more=visits(10), query=queries(), size=st.integers(1, 4))
def test_pages_neither_repeat_nor_lose_while_events_are_added(
    db: Database, there: list[Visit], more: list[Visit], query: PlateQuery, size: int
) -> None:
    fill(db, there)
    query = replace(query, before=None, limit=size, offset=0)
    coming = [replace(visit, id=f"late-{visit.id}") for visit in more]
    found: list[PlateEvent] = []
    while page := PlateReader(db).search(query):
        found += page
        query = replace(query, before=(page[-1].start_us, page[-1].id))
        if coming:
            with db.begin() as c:
                put(c, coming.pop())
    ids = [event.id for event in found]
    assert len(ids) == len(set(ids))
    assert [one for one in ids if not one.startswith("late-")] == expected(there, replace(query, before=None))


@settings(deadline=None)
@given(texts, texts)
def test_what_is_near_is_what_is_one_character_away(a: str, b: str) -> None:
    assert (fold(b) in near(fold(a))) == (distance(fold(a), fold(b)) <= 1)


def test_the_long_way_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smaller limits of above do lead another way."""
    made = Database(f"sqlite:///{tmp_path}/index.db")
    made.upgrade()
    fill(made, [Visit(f"event-{n}", "gate", n, n, 0.9, False, frozenset([f"AB{n}"])) for n in range(5)])
    with made.read() as c:
        assert sorted(plate_lookup.find_texts(c, "AB", "prefix") or []) == [f"AB{n}" for n in range(5)]
        monkeypatch.setattr(plate_lookup, "MOST_TEXTS", 1)
        assert plate_lookup.find_texts(c, "AB", "prefix") is None
    made.close()

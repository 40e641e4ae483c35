"""S0-32: hot queries of plates and clips are answered from an index on every database, and sort no more than a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from gatehouse_common.db import ClipQuery, ClipRepository, Database, MediaLibrary, MediaQuery, PlateQuery, PlateReader
from gatehouse_common.testing.plate_rows import seed_plates
from media_rows import put_many
from plate_kit import S, T
from query_plans import index_url, steps_of

CAMERAS = [f"camera-{n}" for n in range(4)]
HOUR = 3600 * S
_CLIPS = 600


@pytest.fixture(scope="module", params=["sqlite", "mysql"])
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with index_url(request.param, tmp_path_factory) as url:
        yield from filled(url)


def filled(url: str) -> Iterator[Database]:
    made = Database(url)
    made.upgrade()
    seed_plates(made, 3000, start_us=T, every_us=60 * S, cameras=CAMERAS)
    clips = ClipRepository(made)
    for n in range(_CLIPS):  # a table of a few pages is read whole, whatever indexes it has
        clips.plan(CAMERAS[n % 4], f"event-{n}", T + n * HOUR, 5 * S, 15 * S, 300 * S, T)
    for clip in clips.planned()[: _CLIPS - 5]:
        clips.stored(clip.id, f"videos/{clip.id}", clip.start_us, clip.end_us, 1, 1, 1, 1, "", T)
    put_many(made, [{"number": n, "owner": n % 40, "created_us": T + n} for n in range(1, 2001)])
    if made.engine.dialect.name == "mysql":  # else it counts some time later, and plans by what there was before
        with made.begin() as c:
            c.execute(text("ANALYZE TABLE plate_events, plate_reads, plate_texts, plate_event_texts, clips, media"))
    yield made
    made.close()


def search(**query: Any) -> Callable[[Database], object]:
    return lambda db: PlateReader(db).search(PlateQuery(**query))


GATE = frozenset(CAMERAS[:1])
EVENTS = "plate_events"
TEXTS = "plate_event_texts"
BY_TEXT = "ix_plate_event_texts_text"


PAGES: list[tuple[Callable[[Database], object], str, str]] = [
    (search(), EVENTS, "ix_plate_events_start"),
    (search(before=(T + HOUR, "x")), EVENTS, "ix_plate_events_start"),
    (search(start_us=T, end_us=T + HOUR, min_confidence=0.9), EVENTS, "ix_plate_events_start"),
    (search(cameras=GATE), EVENTS, "ix_plate_events_camera"),
    (search(cameras=frozenset(CAMERAS), min_confidence=0.5), EVENTS, "ix_plate_events_camera"),
    (search(text="ABC1234"), TEXTS, BY_TEXT),
    (search(text="ABC1234", cameras=frozenset(CAMERAS), before=(T + HOUR, "x")), TEXTS, BY_TEXT),
    (search(text="*", match="wildcard", cameras=GATE), EVENTS, "ix_plate_events_camera"),
    (lambda db: MediaLibrary(db).find(MediaQuery(), 50), "media", "ix_media_created"),
    (lambda db: MediaLibrary(db, 7).find(MediaQuery(), 50, (T + 900, "x")), "media", "ix_media_owner"),
    (lambda db: MediaLibrary(db, 7).find(MediaQuery(start_us=T), 50), "media", "ix_media_owner"),
    (lambda db: ClipRepository(db).list(ClipQuery()), "clips", "ix_clips_start"),
    (lambda db: ClipRepository(db).list(ClipQuery(cameras=GATE)), "clips", "ix_clips_camera"),
    (lambda db: PlateReader(db).visits_of("ABC1234"), EVENTS, "ix_plate_events_text"),
    (lambda db: PlateReader(db).reads("x"), "plate_reads", "ix_plate_reads_event"),
]


@pytest.mark.parametrize(("ask", "table", "index"), PAGES, ids=map(str, range(len(PAGES))))
def test_a_page_is_read_off_an_index_in_its_order(
    db: Database, ask: Callable[[Database], object], table: str, index: str
) -> None:
    steps = steps_of(db, ask)
    assert (table, index) in {(step.table, step.index) for step in steps}, steps
    assert not any(step.sorts for step in steps if step.table == table), steps


LOOK_UPS: list[tuple[Callable[[Database], object], str, str]] = [
    (search(text="ABC1234", match="fuzzy"), "plate_texts", "ix_plate_texts_folded"),
    (search(text="A*4", match="wildcard"), TEXTS, "ix_plate_event_texts_text"),
    (search(text="*A*4", match="wildcard"), TEXTS, "PRIMARY|sqlite_autoindex_plate_event_texts_1"),
    (search(text="A", match="prefix"), "plate_texts", "PRIMARY|sqlite_autoindex_plate_texts_1"),
    (search(text="*BC", match="wildcard"), "plate_text_suffixes", "PRIMARY|sqlite_autoindex_plate_text_suffixes_1"),
    (lambda db: PlateReader(db).histories(["A", "B"]), EVENTS, "ix_plate_events_text"),
    (lambda db: PlateReader(db).open_events(["gate"]), EVENTS, "ix_plate_events_state"),
    (lambda db: PlateReader(db).confidences(CAMERAS, T, T + HOUR), "plate_reads", "ix_plate_reads_camera"),
    (lambda db: PlateReader(db).doubted(CAMERAS[:1], T, T + HOUR), "plate_reads", "ix_plate_reads_camera"),
    (lambda db: ClipRepository(db).planned(), "clips", "ix_clips_state|ix_clips_end"),
    (lambda db: ClipRepository(db).of_event("event-1"), "clip_plate_events", "ix_clip_plate_events_event"),
]


@pytest.mark.parametrize(("ask", "table", "index"), LOOK_UPS, ids=map(str, range(len(LOOK_UPS))))
def test_other_look_ups_use_an_index(db: Database, ask: Callable[[Database], object], table: str, index: str) -> None:
    steps = steps_of(db, ask)
    assert {(table, key) for key in index.split("|")} & {(step.table, step.index) for step in steps}, steps


@pytest.mark.parametrize(
    "query", [{"text": "ABC1234"}, {"text": "AB*", "match": "wildcard"}, {"cameras": GATE}, {}], ids=str
)
def test_no_search_reads_reads(db: Database, query: dict[str, Any]) -> None:
    """They are the many: what is looked for is found by texts and events."""
    steps = steps_of(db, search(**query))
    assert "plate_reads" not in {step.table for step in steps}
    assert all(step.index for step in steps), steps

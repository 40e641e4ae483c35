"""What is there for somebody, on every database: all that is asked for, and found, and counted, is of that alone."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import (
    ChunkDays,
    ClipQuery,
    ClipRepository,
    Database,
    FootageReader,
    HoldRepository,
    JobRepository,
    JobsSeen,
    Match,
    PlateEvent,
    PlateQuery,
    PlateReader,
    PlateWriter,
    Visible,
)
from gatehouse_common.errors import NotFound
from plate_kit import T, closed, seen
from retention_kit import clip, hold, store

CAMERAS, VISITS = ("gate", "lane", "yard"), 8
SINCE_US = T + 4 * HOUR
VISIBLE = Visible(frozenset({"gate", "lane", "gone"}), {"lane": SINCE_US, "yard": 0})
"""All of the gate, the last of the lane, nothing of the yard."""
NOTHING = Visible(frozenset())
TEXTS = ("ABC1234", "ABC1235", "XYZ789")


def is_there(camera: str, at_us: int) -> bool:
    return camera == "gate" or (camera == "lane" and at_us >= SINCE_US)


@pytest.fixture
def plates(db: Database) -> Database:
    writer = PlateWriter(db)
    for n in range(VISITS):
        for camera in CAMERAS:
            event, text = f"{camera}-{n}", TEXTS[n % len(TEXTS)]
            writer.see(seen(event, text, n, camera=camera, start_us=T + n * HOUR))
            if n % 2:
                writer.close(closed(event, text, n, camera=camera, start_us=T + n * HOUR))
    return db


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (None, "exact"),
        ("ABC1234", "exact"),
        ("ABC", "prefix"),
        ("*23*", "wildcard"),
        ("*", "wildcard"),
        ("A8C1234", "fuzzy"),
    ],
)
def test_a_search_finds_and_counts_what_is_there(plates: Database, text: str | None, match: Match) -> None:
    everything = PlateReader(plates).search(PlateQuery(text=text, match=match, limit=100))
    expected = [e.id for e in everything if is_there(e.camera, e.start_us)]
    assert 0 < len(expected) < len(everything)
    reader = PlateReader(plates, VISIBLE)
    query = PlateQuery(text=text, match=match, limit=3)
    assert reader.count(query) == len(expected)
    pages, before = list[list[PlateEvent]](), None
    while page := reader.search(PlateQuery(text=text, match=match, limit=3, before=before)):
        pages.append(page)
        before = (page[-1].start_us, page[-1].id)
    assert [e.id for page in pages for e in page] == expected
    assert all(len(page) == 3 for page, _ in pairwise(pages))
    offset = reader.search(PlateQuery(text=text, match=match, limit=3, offset=2))
    assert [e.id for e in offset] == expected[2:5]
    assert PlateReader(plates, NOTHING).search(query) == []
    assert PlateReader(plates, NOTHING).count(query) == 0


def test_a_camera_that_is_not_there_is_one_that_never_was(plates: Database) -> None:
    reader = PlateReader(plates, VISIBLE)
    for cameras in ({"yard"}, {"nowhere"}):
        query = PlateQuery(cameras=frozenset(cameras))
        assert (reader.search(query), reader.count(query)) == ([], 0)
        assert sum(reader.confidences(cameras, 0, 1 << 60)) == 0
    assert {e.camera for e in reader.search(PlateQuery(cameras=frozenset({"yard", "gate"})))} == {"gate"}


def test_plates_are_known_and_counted_as_far_as_they_are_there(plates: Database) -> None:
    events = PlateReader(plates).search(PlateQuery(limit=100))
    there = [e for e in events if is_there(e.camera, e.start_us)]
    reader = PlateReader(plates, VISIBLE)
    assert reader.events([e.id for e in events]).keys() == {e.id for e in there}
    with pytest.raises(NotFound) as hidden:
        reader.event("yard-0")
    with pytest.raises(NotFound) as unknown:
        reader.event("yard-9")
    assert hidden.value.message.replace("yard-0", "") == unknown.value.message.replace("yard-9", "")
    assert {e.id for e in reader.open_events()} == {e.id for e in there if e.state == "open"}
    counts = {text: count for text, (count, _, _) in reader.histories(TEXTS).items()}
    assert counts == Counter(e.text for e in there)
    for text in TEXTS:
        assert {e.id for e in reader.visits_of(text)} == {e.id for e in there if e.text == text}
    read = next(e.best_read for e in events if e.id == "lane-0")
    with pytest.raises(NotFound):
        reader.read(read)
    assert (reader.reads("lane-0"), reader.newest_reads("yard-7", 5)) == ([], [])
    assert sum(reader.confidences(None, 0, 1 << 60)) == len(there)
    assert sum(reader.confidences(("lane", "yard"), 0, 1 << 60)) == sum(e.camera == "lane" for e in there)


def test_clips_and_chunks_are_there_or_not(db: Database) -> None:
    clips = {camera: [clip(db, T + n * HOUR, camera) for n in range(VISITS)] for camera in CAMERAS}
    there = {*clips["gate"], *clips["lane"][4:]}
    chunks = {camera: [store(db, camera, T + n * HOUR) for n in range(VISITS)] for camera in CAMERAS}
    mine = ClipRepository(db, VISIBLE)
    shown = {one.id for one in mine.list(ClipQuery(limit=100))}
    # They begin some seconds before the read that they are around.
    assert there - {clips["lane"][4]} <= shown <= there
    assert mine.count(ClipQuery()) == len(shown)
    assert len(mine.list(ClipQuery(limit=2, offset=1))) == 2
    for camera in CAMERAS:
        for one in clips[camera]:
            if one in shown:
                assert mine.get(one).id == one
            else:
                with pytest.raises(NotFound):
                    mine.get(one)
    assert ClipRepository(db, NOTHING).list(ClipQuery()) == []
    reader = FootageReader(db, VISIBLE)
    assert {c.id for c in reader.newest(None, 100)} == {*chunks["gate"], *chunks["lane"][4:]}
    assert reader.newest(["yard"], 100) == []
    assert {day.camera for day in ChunkDays(db, VISIBLE).all()} == {"gate", "lane"}
    with pytest.raises(NotFound):
        reader.chunk(chunks["yard"][0])
    with pytest.raises(NotFound):
        reader.chunk(chunks["lane"][3])
    assert reader.chunk(chunks["lane"][4]).camera == "lane"
    assert ClipRepository(db, VISIBLE).archive_before(T + 100 * HOUR, T) == len(shown)


def test_holds_and_jobs_are_of_cameras_or_of_all(db: Database) -> None:
    holds = {}
    for camera in (*CAMERAS, None):
        one = hold(id=f"hold-{camera}", camera=camera, start_us=T, end_us=T + HOUR)
        HoldRepository(db).place(one)
        holds[camera] = one
    mine = HoldRepository(db, VISIBLE)
    assert {one.camera for one in mine.list(T)} == {"gate", "lane"}
    for camera in ("yard", None):
        with pytest.raises(NotFound):
            mine.get(holds[camera].id)
        with pytest.raises(NotFound):
            mine.release(holds[camera].id, T + SECOND, "somebody")
        assert HoldRepository(db).get(holds[camera].id).released_us is None
    asked = [JobRepository(db).ask("export", {"camera": camera} if camera else {"scope": "all"}, T) for camera in holds]
    jobs = JobRepository(db, whose=JobsSeen(visible=VISIBLE))
    assert {job.id for job in jobs.list(10)} == {asked[0].id, asked[1].id}
    assert jobs.get(asked[0].id).parameters == {"camera": "gate"}
    for hidden in asked[2:]:
        with pytest.raises(NotFound):
            jobs.get(hidden.id)
    assert JobRepository(db, whose=JobsSeen(visible=NOTHING)).list(10) == []

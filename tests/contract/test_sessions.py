"""Recorder sessions on every database: who records, in which files, and the older recorder's table of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from sqlalchemy import text

from gatehouse_common.accounts import Role
from gatehouse_common.db import (
    Database,
    Deletions,
    FootageReader,
    FootageWriter,
    Hold,
    HoldRepository,
    RecorderSessions,
    RetentionReader,
    SessionChunk,
    SessionTrash,
    User,
    Users,
)
from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from gatehouse_common.messages import ChunkClosed, ChunkDiscarded
from gatehouse_common.testing.chunk_rows import seed_chunks

T = 1_715_941_380_000_000  # 2024-05-17T10:23:00Z
SECOND = 1_000_000


@pytest.fixture
def ann(db: Database) -> User:
    return Users(db).add("Ann", Role.OPERATOR, T)


def begin(db: Database, user: User, total_s: int = 900, chunk_s: int = 180, at: int = T) -> int:
    span = Interval(at, at + total_s * SECOND)
    return RecorderSessions(db).begin(user.number, user.name, "gate", span, chunk_s).number


def planned(db: Database) -> list[SessionChunk]:
    return RecorderSessions(db).planned(lambda _: True)


def store(db: Database, chunk: SessionChunk) -> None:
    made = replace(chunk, state="stored", key=f"sessions/2024-05-17/session_{chunk.number}.mp4", bytes=10, stored_us=T)
    RecorderSessions(db).made(made)


@pytest.mark.parametrize(
    ("total", "chunk", "lengths"),
    [(900, 180, [180] * 5), (100, 30, [30, 30, 30, 10]), (60, 60, [60]), (61, 60, [60, 1])],
)
def test_a_session_is_planned_in_files_without_a_hole(
    db: Database, ann: User, total: int, chunk: int, lengths: list[int]
) -> None:
    begin(db, ann, total, chunk)
    found = planned(db)
    assert [(c.wanted_end_us - c.wanted_start_us) // SECOND for c in found] == lengths
    assert [c.position for c in found] == list(range(1, len(lengths) + 1))
    assert found[0].wanted_start_us == T
    assert all(a.wanted_end_us == b.wanted_start_us for a, b in pairwise(found))


def test_who_records_does_not_record_twice_and_others_may(db: Database, ann: User) -> None:
    begin(db, ann)
    with pytest.raises(Conflict, match="Recording already in progress for user Ann"):
        begin(db, ann, at=T + 899 * SECOND)
    begin(db, Users(db).add("Bob", Role.OPERATOR, T))
    begin(db, ann, at=T + 900 * SECOND)
    numbers = [c.number for c in planned(db)]
    assert sorted(numbers) == list(range(1, 16))


@pytest.mark.parametrize(
    ("after", "lengths"), [(0, []), (100, [100]), (180, [180]), (181, [180, 1]), (899.5, [180] * 4 + [179.5])]
)
def test_a_session_that_is_stopped_ends_where_it_is(
    db: Database, ann: User, after: float, lengths: list[float]
) -> None:
    sessions = RecorderSessions(db)
    number = begin(db, ann)
    stopped = sessions.stop(number, T + round(after * SECOND))
    assert stopped.stopped_us is not None
    found = [(c.wanted_end_us - c.wanted_start_us) / SECOND for c in planned(db)]
    assert found == pytest.approx(lengths or [1e-6])
    assert sessions.active(ann.number, T + 200 * SECOND) is None
    again = sessions.stop(number, T + 950 * SECOND)
    assert again == stopped


def test_the_older_table_shows_what_is_stored(db: Database, ann: User) -> None:
    begin(db, ann, 60, 30)
    first, second = planned(db)
    store(db, first)
    with db.look() as c:
        rows = c.execute(text("SELECT * FROM video_chunks")).mappings().all()
    assert len(rows) == 1
    row = rows[0]
    assert set(row) == {
        *("id", "clip_id", "user_id", "user_name", "recording_date", "file_name", "file_path", "start_time"),
        *("end_time", "duration_seconds", "chunk_duration_seconds", "created_at"),
    }
    assert (row["id"], row["clip_id"], row["user_id"], row["user_name"]) == (1, 1, ann.number, "Ann")
    assert (row["duration_seconds"], row["chunk_duration_seconds"]) == (30, 30)
    assert row["file_name"] == "session_1.mp4"
    assert row["file_path"] == "sessions/2024-05-17/session_1.mp4"
    assert str(row["start_time"])[:19] == "2024-05-17 10:23:00"
    assert str(row["end_time"])[:19] == "2024-05-17 10:23:30"
    assert second.state == "planned"


def test_the_older_table_has_times_as_dates(db: Database, ann: User) -> None:
    """S0-30: DATETIME, not text, where a database has such a type."""
    begin(db, ann, 60, 30)
    store(db, planned(db)[0])
    with db.look() as c:
        row = c.execute(text("SELECT start_time, end_time, recording_date, created_at FROM video_chunks")).one()
        if c.dialect.name == "mysql":
            assert all(isinstance(value, datetime) for value in row)
        seconds = [c.execute(text(f"SELECT {_SECONDS[c.dialect.name]}")).scalar_one()]
    assert seconds == [30]


_SECONDS = {
    "sqlite": "ROUND((julianday(end_time) - julianday(start_time)) * 86400) FROM video_chunks",
    "mysql": "TIMESTAMPDIFF(SECOND, start_time, end_time) FROM video_chunks",
}


def test_a_number_never_comes_back(db: Database, ann: User) -> None:
    """Neither that of a file in the trash, nor that of one that was not wanted any more."""
    sessions = RecorderSessions(db)
    number = begin(db, ann, 120, 30)
    first = planned(db)[0]
    store(db, first)
    sessions.stop(number, T + 40 * SECOND)
    assert [c.number for c in planned(db)] == [2]
    SessionTrash(db).put(1, T)
    assert sessions.chunks() == []
    for missing in (1, 2):
        with pytest.raises(NotFound, match="Video chunk not found"):
            sessions.chunk(missing)
    assert begin(db, ann, 60, 60, at=T + 200 * SECOND) == 2
    assert [c.number for c in planned(db)] == [2, 5]
    assert sessions.before(planned(db)[0]) is not None, "where the one before ended"


def test_a_viewing_is_recorded_beside_what_its_user_records(db: Database, ann: User) -> None:
    """S3-7: two viewers, or two pages of one, do not disturb each other."""
    sessions = RecorderSessions(db)
    begin(db, ann)
    span = Interval(T, T + 3700 * SECOND)
    seen = sessions.begin(ann.number, "Ann", "gate", span, 3600, viewing=new_id(), name="17")
    other = sessions.begin(ann.number, "Ann", "gate", span, 3600, viewing=new_id(), name="18")
    assert seen.viewing != other.viewing
    with pytest.raises(Conflict):
        sessions.begin(ann.number, "Ann", "gate", span, 3600, viewing=seen.viewing)
    assert sessions.active(ann.number, T).viewing is None  # type: ignore[union-attr]
    assert sessions.active(ann.number, T, seen.viewing) == seen
    assert [c.name for c in planned(db) if c.session == seen.number] == ["17", "17_2"]


def held(db: Database, at_s: float) -> None:
    start = T + round(at_s * SECOND)
    HoldRepository(db).place(Hold(new_id(), "gate", None, start, start + SECOND, "a case", "", None, T, "Ann"))


def test_what_is_held_is_neither_put_into_the_trash_nor_deleted_from_it(db: Database, ann: User) -> None:
    """S0-29, C-18."""
    begin(db, ann, 90, 30)
    for chunk in planned(db):
        store(db, chunk)
    trash, deletions = SessionTrash(db), Deletions(db)
    held(db, 10)
    with pytest.raises(Conflict, match="on hold"):
        trash.put(1, T)
    with pytest.raises(Conflict, match="on hold"):
        trash.refuse_held(1, T)
    trash.put(2, T)
    trash.put(3, T + SECOND)
    with pytest.raises(NotFound):
        trash.put(2, T)
    held(db, 31)
    ids = {c.number: c.id for c in (RecorderSessions(db).any_state(n) for n in (1, 2, 3))}
    assert [kept.id for kept in trash.since(T + SECOND, T, 10)] == [ids[3]]
    assert trash.since(T, T, 10) == []
    marked = deletions.mark_session_files(list(ids.values()), "asked", T)
    assert [(d.kind, d.subject, d.key, d.bytes) for d in marked] == [
        ("session", ids[3], "sessions/2024-05-17/session_3.mp4", 10)
    ]
    assert trash.bytes() == 20
    trash.take_out(2)
    assert [c.number for c in RecorderSessions(db).chunks()] == [1, 2]
    with pytest.raises(NotFound):
        trash.take_out(3)


def test_what_was_decided_and_is_held_by_then_comes_back(db: Database, ann: User) -> None:
    """S0-29: a hold is stronger than what was asked for before."""
    begin(db, ann, 60, 30)
    for chunk in planned(db):
        store(db, chunk)
    SessionTrash(db).put(1, T)
    assert Deletions(db).mark_session_files([RecorderSessions(db).any_state(1).id], "asked", T)
    assert RecorderSessions(db).any_state(1).state == "deleted"
    held(db, 0)
    assert [d.kind for d in Deletions(db).give_back(T, 10)] == ["session"]
    assert [c.number for c in RecorderSessions(db).chunks()] == [1, 2]
    assert Deletions(db).pending() == 0


@pytest.mark.parametrize(
    ("start", "end", "waits"),
    [(-200, -182, False), (-200, -181, True), (0, 30, True), (899, 910, True), (900, 910, False)],
)
def test_footage_of_which_a_file_is_to_be_made_does_not_go(
    db: Database, ann: User, start: float, end: float, waits: bool
) -> None:
    """S0-2: neither by its age nor where only clips are kept; a file begins where the one before was cut short."""
    seed_chunks(db, ["gate"], 1, start_us=T + round(start * SECOND), chunk_us=round((end - start) * SECOND))
    begin(db, ann, 900, 180)
    span = Interval(T + round(start * SECOND), T + round(end * SECOND))
    assert RecorderSessions(db).waits_for("gate", span) is waits
    assert not RecorderSessions(db).waits_for("yard", span)
    reader, later = RetentionReader(db), T + 10_000 * SECOND
    assert bool(reader.chunks_before("gate", later, T, 10)) is not waits
    assert bool(reader.oldest_chunks(later, T, 10, without_events=True)) is not waits, "for room the others go first"
    assert reader.oldest_chunks(later, T, 10, without_events=False)
    for chunk in planned(db):
        store(db, chunk)
    assert RetentionReader(db).chunks_before("gate", T + 10_000 * SECOND, T, 10)
    assert not RecorderSessions(db).waits_for("gate", span)


@pytest.mark.parametrize("known", [True, False], ids=["with a row", "without"])
def test_a_chunk_is_not_let_go_of_while_a_file_is_to_be_made_of_it(db: Database, ann: User, known: bool) -> None:
    """S0-2: the last gate before footage goes that nobody has stored, where only clips are kept."""
    writer, end = FootageWriter(db), T + 10 * SECOND

    def who(chunk: str, camera: str = "gate") -> dict[str, str | int]:
        key = f"spool/{camera}/{chunk}.mp4"
        return {"camera": camera, "time_us": T, "run": "run", "chunk": chunk, "key": key, "start_us": T, "end_us": end}

    if known:
        writer.close_chunk(ChunkClosed.model_validate({**who("wanted"), "origin_us": T, "bytes": 1000}))
    gone = ChunkDiscarded.model_validate(who("wanted"))
    begin(db, ann, 60, 30, at=T + 5 * SECOND)
    assert not writer.discard_chunk(gone, "only clips", T)
    assert FootageReader(db).gaps("gate", T, end) == []
    if known:
        assert FootageReader(db).chunk("wanted").camera == "gate"
    assert writer.discard_chunk(ChunkDiscarded.model_validate(who("other", "yard")), "only clips", T)
    for chunk in planned(db):
        store(db, chunk)
    assert writer.discard_chunk(gone, "only clips", T)
    assert FootageReader(db).gaps("gate", T, end) != []
    with pytest.raises(NotFound):
        FootageReader(db).chunk("wanted")

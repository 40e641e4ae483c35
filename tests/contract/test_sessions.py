"""Recorder sessions on every database: who records, in which files, and the older recorder's table of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import text

from gatehouse_common.accounts import Role
from gatehouse_common.db import Database, RecorderSessions, SessionChunk, User, Users
from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.intervals import Interval

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


def test_a_file_that_is_deleted_is_gone_from_lists_and_its_number_never_comes_back(db: Database, ann: User) -> None:
    sessions = RecorderSessions(db)
    begin(db, ann, 60, 30)
    for chunk in planned(db):
        store(db, chunk)
    sessions.remove(2)
    assert [c.number for c in sessions.chunks()] == [1]
    for missing in (2, 3):
        with pytest.raises(NotFound, match="Video chunk not found"):
            sessions.chunk(missing)
    with pytest.raises(NotFound):
        sessions.remove(2)
    begin(db, ann, 60, 60, at=T + 100 * SECOND)
    assert [c.number for c in planned(db)] == [3]
    assert sessions.before(replace(planned(db)[0], session=1, position=3)) is not None, "where the one before ended"

"""Tables that programs of the older uploader and of the older live page read: views, on every database (C-5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from alembic import command
from sqlalchemy import text

from gatehouse_common.accounts import Role
from gatehouse_common.db import Database, RecorderSessions, Users, Viewings, Watcher
from gatehouse_common.db.schema import migrations
from gatehouse_common.intervals import Interval
from media_rows import add_file, put

T = 1_715_941_380_000_000  # 2024-05-17T10:23:00Z
SECOND = 1_000_000


def test_videos_are_the_uploads_with_their_files(db: Database) -> None:
    """S4-3, S4-12: by the names that the uploader's answers have."""
    made = put(db, 1, owner_name="Ada", created_us=T)
    for kind in ("original", "compressed", "thumbnail"):
        add_file(db, made, kind)
    put(db, 2, state="processing", stage="merging", type="video/x-matroska;codecs=avc1")
    failed = put(db, 3, state="failed", detail="it holds no video", type="application/octet-stream")
    add_file(db, failed, "original", state="gone")
    put(db, 4, state="trashed", trashed_us=T)
    with db.look() as c:
        rows = c.execute(text("SELECT * FROM videos ORDER BY id")).mappings().all()
    assert set(rows[0]) >= {
        *("id", "username", "created_date", "original_location", "compressed_location", "thumbnail_location"),
        *("file_type", "status"),
    }
    first = rows[0]
    assert (first["id"], first["username"], first["file_type"], first["status"]) == (1, "ada", "webm", "ready")
    assert first["original_location"] == f"{made.folder}original.bin"
    assert first["compressed_location"] == f"{made.folder}compressed.bin"
    assert first["thumbnail_location"] == f"{made.folder}thumbnail.bin"
    assert str(first["created_date"])[:19] == "2024-05-17 10:23:00"
    assert [(r["id"], r["file_type"], r["status"]) for r in rows[1:]] == [
        (2, "mkv", "merging"),
        (3, "bin", "failed"),
    ]
    assert (rows[2]["original_location"], rows[2]["error"]) == (None, "it holds no video")


def test_records_are_the_viewings_with_what_was_recorded(db: Database) -> None:
    """S3-4, S3-10: who watched, since when, and whether something was recorded."""
    ann = Users(db).add("Ann", Role.OPERATOR, T)
    viewings, sessions = Viewings(db), RecorderSessions(db)
    watched = viewings.open(Watcher(ann.number, "Ann", "gate", "192.168.1.7"), T)
    viewings.open(Watcher(ann.number, "Ann", "lane", "192.168.1.7"), T)
    span = Interval(T, T + 60 * SECOND)
    sessions.begin(ann.number, "Ann", "gate", span, 60, viewing=watched.id)
    (planned,) = sessions.planned(lambda _: True)
    key = "sessions/2024-05-17/1.mp4"
    sessions.made(replace(planned, state="stored", key=key, bytes=10, stored_us=T))
    with db.look() as c:
        is_server = c.dialect.name == "mysql"
        rows = c.execute(text("SELECT * FROM Records ORDER BY id")).mappings().all()
    first, second = rows
    assert (first["id"], first["user_id"], first["user_name"], first["camera"]) == (1, ann.number, "Ann", "gate")
    assert (first["ip_address"], first["recording"], first["recording_path"]) == ("192.168.1.7", 1, key)
    assert (second["camera"], second["recording"], second["recording_path"]) == ("lane", 0, None)
    assert str(first["login_time"])[:19] == "2024-05-17 10:23:00"
    assert isinstance(first["login_time"], datetime) == is_server
    assert first["logout_time"] is None


def test_viewings_with_what_was_recorded_of_them_are_listed_by_indexes(db: Database) -> None:
    """S0-32: however many files there are, each viewing looks only for its own."""
    with db.look() as c:
        asked = {"sqlite": "EXPLAIN QUERY PLAN ", "mysql": "EXPLAIN "}[c.dialect.name]
        plan = [dict(row) for row in c.execute(text(f"{asked}SELECT * FROM Records")).mappings()]
    told = str([row.get("key", row.get("detail")) for row in plan])
    assert "ix_recorder_sessions_viewing" in told
    # A server decides by how much there is in its tables, and there is nothing in these.
    assert "ix_session_chunks_state" not in told or "key" in plan[0]
    assert [row["table"] for row in plan if row.get("type") == "ALL"] in ([], ["v"])


@pytest.mark.parametrize("kind", ["view", "table"])
def test_what_another_program_calls_so_stays_through_up_and_down(bare_database_url: str, kind: str) -> None:
    db = Database(bare_database_url)
    with db.begin() as c:
        c.execute(text("CREATE TABLE films (name VARCHAR(20))"))
        c.execute(
            text("CREATE VIEW videos AS SELECT name FROM films" if kind == "view" else "CREATE TABLE videos (n INT)")
        )
    db.upgrade()
    db.check()
    with db._migrating() as connection:
        command.downgrade(migrations(connection), "0016")
    with db.look() as c:
        assert c.execute(text("SELECT COUNT(*) FROM videos")).scalar_one() == 0
    db.upgrade()
    db.close()


def test_a_table_of_another_program_stays_what_it_is(bare_database_url: str) -> None:
    db = Database(bare_database_url)
    with db.begin() as c:
        c.execute(text("CREATE TABLE videos (name VARCHAR(20))"))
        c.execute(text("INSERT INTO videos VALUES ('holiday')"))
    db.upgrade()
    with db.look() as c:
        assert c.execute(text("SELECT name FROM videos")).scalars().all() == ["holiday"]
    with db.look() as c:
        assert c.execute(text("SELECT COUNT(*) FROM Records")).scalar_one() == 0
    db.close()

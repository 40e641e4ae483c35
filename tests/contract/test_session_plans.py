"""S0-32: lists of recordings by name and of viewings are read off an index on every database, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import insert, text

from gatehouse_common.accounts import Role
from gatehouse_common.db import (
    Database,
    FileQuery,
    RecorderSessions,
    SessionFiles,
    SessionTrash,
    Users,
    ViewingQuery,
    Viewings,
)
from gatehouse_common.db.session_models import RecorderSessionRow, SessionChunkRow
from gatehouse_common.db.viewing_models import ViewingRow
from gatehouse_common.ids import new_id
from query_plans import index_url, steps_of

S = 1_000_000
T = 1_715_941_380_000_000  # 2024-05-17T10:23:00Z
HOUR = 3600 * S
NOW = T + 4000 * HOUR
CAMERAS = ("gate", "yard", "dock", "roof")
_USERS, _SESSIONS, _FILES, _VIEWINGS = 12, 400, 5, 3000
ADA = 1


@pytest.fixture(scope="module", params=["sqlite", "mysql"])
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with index_url(request.param, tmp_path_factory) as url:
        yield from filled(url)


def filled(url: str) -> Iterator[Database]:
    made = Database(url)
    made.upgrade()
    users = [Users(made).add(f"user-{n}", Role.OPERATOR, T) for n in range(_USERS)]
    with made.begin() as c:
        c.execute(
            insert(RecorderSessionRow), [session_row(n, users[n % _USERS].number) for n in range(1, _SESSIONS + 1)]
        )
        files = range(1, _SESSIONS * _FILES + 1)
        c.execute(insert(SessionChunkRow), [file_row(n, users) for n in files])
        c.execute(insert(ViewingRow), [viewing_row(n) for n in range(1, _VIEWINGS + 1)])
        if c.dialect.name != "sqlite":  # what it keeps by itself, some time after rows came
            c.execute(text("ANALYZE TABLE recorder_sessions, session_chunks, viewings"))
    yield made
    made.close()


def session_row(number: int, user: int) -> dict[str, Any]:
    start_us = T + number * HOUR
    viewing = new_id() if number % 3 == 0 else None
    return {
        "number": number,
        "id": new_id(),
        "user": user,
        "user_name": f"user-{user}",
        "camera": CAMERAS[number % 4],
        "start_us": start_us,
        "ends_us": start_us + 900 * S,
        "total_seconds": 900,
        "chunk_seconds": 180,
        "stopped_us": None,
        "viewing": viewing,
    }


def file_row(number: int, users: list[Any]) -> dict[str, Any]:
    session, position = (number - 1) // _FILES + 1, (number - 1) % _FILES + 1
    start_us = T + session * HOUR + (position - 1) * 180 * S
    user = users[session % _USERS]
    states = ("planned", "trashed", "failed") if session % 40 == 0 else ("stored",)
    span = {"start_us": start_us, "end_us": start_us + 180 * S}
    return {
        "number": number,
        "id": new_id(),
        "session": session,
        "position": position,
        "user": user.number,
        "user_name": user.name,
        "camera": CAMERAS[session % 4],
        "chunk_seconds": 180,
        **span,
        **{f"wanted_{name}": value for name, value in span.items()},
        "state": states[position % len(states)],
        "name": "",
        "key": f"sessions/2024-05-17/{number}.mp4",
        "bytes": 1000,
        "width": 640,
        "height": 480,
        "frames": 5400,
        "detail": "",
        "stored_us": start_us + 181 * S,
        "trashed_us": None,
    }


def viewing_row(number: int) -> dict[str, Any]:
    start_us = T + number * HOUR
    ended_us = start_us + 60 * S if number < _VIEWINGS - 3 else None
    return {
        "number": number,
        "id": new_id(),
        "page": new_id(),
        "user": number % _USERS + 1,
        "user_name": f"user-{number % _USERS}",
        "camera": CAMERAS[number % 4],
        "address": "192.0.2.7",
        "start_us": start_us,
        "seen_us": start_us + 60 * S,
        "ended_us": ended_us,
        "bytes": 1,
        "session": None,
        "title": "",
        "note": "",
        "tags": "",
    }


def files(**query: Any) -> Callable[[Database], object]:
    return lambda db: SessionFiles(db).find(FileQuery(**query), NOW, 25)


def viewings(**query: Any) -> Callable[[Database], object]:
    return lambda db: Viewings(db).find(ViewingQuery(**query), 25)


FILES, SESSIONS, WATCHED = "session_chunks", "recorder_sessions", "viewings"
OF_SESSION = "uq_session_chunks_session|sqlite_autoindex_session_chunks_2"
OF_USER = "ix_recorder_sessions_user|ix_recorder_sessions_viewing|PRIMARY"
PAGES: list[tuple[Callable[[Database], object], str, str]] = [
    (files(), FILES, "ix_session_chunks_start"),
    (files(user=ADA), FILES, "ix_session_chunks_user"),
    (files(start_us=T + 10 * HOUR, end_us=T + 34 * HOUR), FILES, "ix_session_chunks_start"),
    (files(user=ADA, start_us=T + 10 * HOUR, end_us=T + 340 * HOUR), FILES, "ix_session_chunks_user"),
    (files(camera="gate"), FILES, "ix_session_chunks_start"),
    (lambda db: RecorderSessions(db).chunks(user=ADA), FILES, "ix_session_chunks_user"),
    (viewings(), WATCHED, "ix_viewings_start"),
    (viewings(start_us=T + 10 * HOUR, end_us=T + 34 * HOUR), WATCHED, "ix_viewings_start"),
    (viewings(camera="gate"), WATCHED, "ix_viewings_start"),
    (viewings(user=ADA), WATCHED, "ix_viewings_user"),
    (viewings(user=ADA, start_us=T, end_us=T + 340 * HOUR), WATCHED, "ix_viewings_user"),
]
LOOK_UPS: list[tuple[Callable[[Database], object], str, str]] = [
    (files(trashed=True), FILES, "ix_session_chunks_state"),
    (lambda db: SessionFiles(db).totals(FileQuery(user=ADA), NOW), FILES, "ix_session_chunks_user"),
    (lambda db: SessionFiles(db).of_session(7), FILES, OF_SESSION),
    (lambda db: RecorderSessions(db).planned(lambda _: True), FILES, "ix_session_chunks_state"),
    (lambda db: RecorderSessions(db).active(ADA, NOW), SESSIONS, OF_USER),
    (lambda db: SessionFiles(db).newest_session(ADA), SESSIONS, OF_USER),
    (lambda db: SessionTrash(db).since(NOW, NOW, 10), FILES, "ix_session_chunks_state"),
    (lambda db: RecorderSessions(db).begun_since(T + 390 * HOUR), SESSIONS, "ix_recorder_sessions_start"),
    (lambda db: RecorderSessions(db).failed_since(T + 390 * HOUR), FILES, "ix_session_chunks_state"),
    (lambda db: Viewings(db).silent(NOW), WATCHED, "ix_viewings_ended"),
    (lambda db: SessionFiles(db).of_viewings([new_id()], NOW), SESSIONS, "ix_recorder_sessions_viewing"),
]


@pytest.mark.parametrize(("ask", "table", "index"), PAGES, ids=map(str, range(len(PAGES))))
def test_a_page_is_read_off_an_index_in_its_order(
    db: Database, ask: Callable[[Database], object], table: str, index: str
) -> None:
    """S0-32, S3-10: however many there are, a page costs what a page holds."""
    steps = steps_of(db, ask)
    assert {(step.table, step.index, step.sorts) for step in steps} == {(table, index, False)}


@pytest.mark.parametrize(("ask", "table", "index"), LOOK_UPS, ids=map(str, range(len(LOOK_UPS))))
def test_other_look_ups_use_an_index(db: Database, ask: Callable[[Database], object], table: str, index: str) -> None:
    """S0-32."""
    steps = steps_of(db, ask)
    assert {(table, key) for key in index.split("|")} & {(step.table, step.index) for step in steps}, steps

"""Sums over what people made on every database; ``database_url`` of conftest.py is each of them in turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert

import media_rows
from gatehouse_common.accounts import Role
from gatehouse_common.clock import MINUTE
from gatehouse_common.db import Database, PeopleStats, PersonSums, RecorderSessions, Users, Visible
from gatehouse_common.db.session_models import SessionChunkRow
from gatehouse_common.db.sessions import planned_file, session_row
from gatehouse_common.intervals import Interval

T = 1_800_000_000_000_000
DAY = 24 * 60 * MINUTE
ALL = (T, T + DAY)


@pytest.fixture
def made(db: Database) -> tuple[int, int]:
    """Ada recorded two minutes of the gate and one in a browser, and uploaded 300 bytes; Bob one minute of the yard."""
    ada, bob = (Users(db).add(name, Role.OPERATOR, T).number for name in ("ada", "bob"))
    sessions = RecorderSessions(db)
    for user, name, camera, minutes in ((ada, "ada", "gate", 2), (ada, "ada", "", 1), (bob, "bob", "yard", 1)):
        span = Interval(T, T + minutes * MINUTE)
        begun = sessions.begin(user, name, camera, span, 60 * minutes, beside=True)
        file = planned_file(begun, 100 + begun.number, 2, span)
        there = replace(file, state="stored", bytes=minutes * 1000, stored_us=T + DAY)
        with db.begin() as c:
            c.execute(insert(SessionChunkRow), [session_row(there)])  # beside the one that is only planned
    media_rows.put_many(
        db,
        [
            {"number": 1, "owner": ada, "created_us": T, "bytes": 100},
            {"number": 2, "owner": ada, "created_us": T + DAY - 1, "bytes": 200},
            {"number": 3, "owner": ada, "created_us": T + DAY, "bytes": 400},
            {"number": 4, "owner": ada, "created_us": T, "bytes": 800, "state": "trashed", "trashed_us": T},
            {"number": 5, "owner": bob, "owner_name": "bob", "created_us": T, "bytes": 1600, "kind": "export"},
        ],
    )
    return ada, bob


def test_what_each_recorded_and_uploaded(db: Database, made: tuple[int, int]) -> None:
    """S0-17: half-open ranges; what is in the trash, and what was exported, is nobody's work."""
    ada, bob = made
    assert PeopleStats(db).sums(*ALL) == [
        PersonSums(ada, "ada", 2, 3 * MINUTE, 3000, 2, 300),
        PersonSums(bob, "bob", 1, MINUTE, 1000),
    ]
    assert PeopleStats(db).sums(T + 1, T + DAY) == [PersonSums(ada, "ada", uploads=1, uploaded_bytes=200)]
    assert PeopleStats(db).sums(T - DAY, T) == []


def test_only_what_there_is_for_whoever_asks_is_summed_up(db: Database, made: tuple[int, int]) -> None:
    """S0-17: a camera that was not granted is not counted; one's own is, where others' is not told."""
    ada, bob = made
    gate = Visible(frozenset({"gate"}))
    assert PeopleStats(db, gate).sums(*ALL) == [PersonSums(ada, "ada", 2, 3 * MINUTE, 3000, 2, 300)]
    late = Visible(frozenset({"gate", "yard"}), {"gate": T + 1})
    assert PeopleStats(db, late).sums(*ALL)[0] == PersonSums(ada, "ada", 1, MINUTE, 1000, 2, 300)
    assert PeopleStats(db, None, bob).sums(*ALL) == [PersonSums(bob, "bob", 1, MINUTE, 1000)]

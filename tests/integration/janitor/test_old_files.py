"""Files of people that are kept for a time: the janitor deletes what is older, never what is on hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Hold, HoldRepository, MediaLibrary, MediaQuery, RecorderSessions, Users
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from gatehouse_common.retention import look_ahead
from gatehouse_common.retention.rules import DAY_US
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_janitor.service import Janitor
from janitor_kit import found, objects
from media_rows import add_file, put
from pipeline_kit import add_camera, core_at

FILM = b"film" * 100
KEPT = {"retention.session_days": 3, "retention.upload_days": 2, "retention.export_days": 1}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **KEPT) as opened:
        yield opened


def medium(core: Core, number: int, kind: str, age_us: int) -> str:
    at = core.clock.now_us() - age_us
    media = put(core.db, number, kind=kind, created_us=at, ready_us=at)
    for what in ("original", "thumbnail"):
        core.store.put_bytes(add_file(core.db, media, what, len(FILM)).key, FILM)
    return media.id


def session_file(core: Core, age_us: int) -> str:
    """A file of a session that ended so long ago, its object with it."""
    end_us = core.clock.now_us() - age_us
    who = Users(core.db).add(f"who {age_us}", Role.OPERATOR, end_us)
    span = Interval(end_us - 10 * SECOND, end_us)
    session = RecorderSessions(core.db).begin(who.number, who.name, "gate", span, 10)
    (file,) = [c for c in RecorderSessions(core.db).planned(lambda _: True) if c.session == session.number]
    key = keys.session(end_us, file.number, core.zone)
    core.store.put_bytes(key, FILM)
    RecorderSessions(core.db).made(
        replace(file, state="stored", key=key, bytes=len(FILM), end_us=end_us, stored_us=end_us)
    )
    return key


def run(core: Core) -> None:
    Janitor(core).look(threading.Event())


def test_each_class_goes_in_its_own_time_and_nothing_else(core: Core) -> None:
    """C-10: session, upload and export; a recording of a browser is an upload."""
    add_camera(core, "gate")
    old, young = session_file(core, 3 * DAY_US + HOUR), session_file(core, 3 * DAY_US - HOUR)
    medium(core, 1, "upload", 2 * DAY_US + HOUR)
    medium(core, 2, "recording", 2 * DAY_US + HOUR)
    medium(core, 3, "upload", 2 * DAY_US - HOUR)
    medium(core, 4, "export", DAY_US + HOUR)
    medium(core, 5, "export", DAY_US - HOUR)
    site = core.settings.values
    plan = look_ahead(site, core.db, core.store.capacity(), core.clock.now_us(), core.zone)
    assert {due.kind: (due.objects, due.bytes) for due in plan.due if due.objects} == {
        "session": (1, 400),
        "upload": (2, 1600),
        "export": (1, 800),
    }
    assert {day.kind: day.objects for day in plan.days} == {"session": 1, "upload": 1, "export": 1}
    run(core)
    assert old not in objects(core, keys.SESSIONS)
    assert young in objects(core, keys.SESSIONS)
    library = MediaLibrary(core.db)
    assert sorted(int(key.split("/")[2]) for key in objects(core, keys.UPLOADS)) == [3, 3, 3, 5, 5, 5]
    assert {one.number for one in library.find(MediaQuery(), 99)} == {3, 5}
    unlike = [one for one in found(core) if one[0] != "damaged"]  # the files here are no films
    assert unlike == [], "index and store say the same"


def test_what_is_on_hold_stays_for_years_and_goes_when_it_is_released(core: Core) -> None:
    """C-10, C-18."""
    media, other = medium(core, 1, "upload", 900 * DAY_US), medium(core, 2, "upload", 900 * DAY_US)
    now_us = core.clock.now_us()
    placed = Hold(new_id(), None, None, now_us, now_us + 1, "a case", "", None, now_us, media=media)
    HoldRepository(core.db).place(placed)
    run(core)
    assert [one.id for one in MediaLibrary(core.db).find(MediaQuery(), 9)] == [media]
    assert other != media
    HoldRepository(core.db).release(placed.id, now_us, "ada")
    run(core)
    assert objects(core, keys.UPLOADS) == {}


def test_where_nothing_is_said_they_are_kept_for_good(tmp_path: Path) -> None:
    """C-10: session, upload and export are kept."""
    with core_at(tmp_path / "data") as core:
        add_camera(core, "gate")
        key = session_file(core, 9000 * DAY_US)
        medium(core, 1, "upload", 9000 * DAY_US)
        medium(core, 2, "export", 9000 * DAY_US)
        run(core)
        assert key in objects(core, keys.SESSIONS)
        assert len(objects(core, keys.UPLOADS)) == 6, "two files of each, and what describes it"


def test_more_than_half_of_a_class_does_not_go_unasked(core: Core) -> None:
    """A clock that is wrong, or a setting: it says so, and deletes nothing of that class."""
    for number in range(1, 41):
        medium(core, number, "upload", 3 * DAY_US)
    medium(core, 99, "export", 3 * DAY_US)
    run(core)
    kept = {int(key.split("/")[2]) for key in objects(core, keys.UPLOADS)}
    assert kept == set(range(1, 41))

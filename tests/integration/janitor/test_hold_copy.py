"""Holds outlive the index: a copy lies beside the footage, and is read when there is a new index (S2-31, R5)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatehouse.rebuilding import rebuild
from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import (
    OF_NO_CAMERA,
    CameraRepository,
    ClipRepository,
    Facts,
    Hold,
    HoldRepository,
    RecorderSession,
    RecorderSessions,
    RetentionReader,
    SessionTrash,
    Users,
)
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.db.sessions import planned_file
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, ResourceExhausted, Unavailable
from gatehouse_common.intervals import Interval
from gatehouse_common.retention import copy_holds, make_hold, read_copy
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor.once import sweep_once
from gatehouse_janitor.service import build as build_janitor
from janitor_kit import record_chunks
from media_rows import put
from pipeline_kit import START_US, core_at
from plates_kit import indexing, make_clips, settle, tell, visit
from retention_kit import NOW, cut, files, hold, open_core, record
from session_rows import add_files


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    opened = open_core(tmp_path / "data", FakeClock(NOW))
    yield opened
    opened.close()


def placed(core: Core, **fields: object) -> Hold:
    one = hold(**fields)
    HoldRepository(core.db).place(one)
    return one


def copied(core: Core) -> list[str]:
    return sorted(one.hold.id for one in read_copy(core.store))


def test_what_nobody_has_released_is_copied_and_nothing_else(core: Core) -> None:
    assert copy_holds(core.db, core.store, NOW) == ""
    assert list(core.store.list(keys.HOLDS)) == []  # of no holds there is no object
    record(core, "gate", NOW - 80 * HOUR)
    clip = cut(core, NOW - HOUR)
    range_held = placed(core, camera="gate", start_us=NOW - 90 * HOUR, reason='the "Tor" case', case_name="Füße 1")
    clip_held = placed(core, clip=clip, start_us=NOW - HOUR, end_us=NOW, until_us=NOW + HOUR)
    assert copy_holds(core.db, core.store, NOW) == ""
    assert [one.hold for one in read_copy(core.store)] == sorted([range_held, clip_held], key=lambda one: one.id)
    assert {one.clip_key for one in read_copy(core.store)} == {"", ClipRepository(core.db).get(clip).key}
    assert copy_holds(core.db, core.store, NOW + 2 * HOUR) == ""
    assert copied(core) == sorted([range_held.id, clip_held.id])  # by a clock that may have jumped one has run out
    HoldRepository(core.db).release(range_held.id, NOW, "")
    assert copy_holds(core.db, core.store, NOW) == ""
    assert copied(core) == [clip_held.id]
    HoldRepository(core.db).release(clip_held.id, NOW, "")
    assert copy_holds(core.db, core.store, NOW) == ""
    assert copied(core) == []


def test_of_two_that_write_at_once_none_leaves_out_a_hold(core: Core) -> None:
    """The later one to write may have looked at the holds before the other placed its own."""
    first, others = placed(core), list[Hold]()

    class Between:
        def __getattr__(self, name: str) -> Any:
            return getattr(core.store, name)

        def put_bytes(self, key: str, data: bytes, *, overwrite: bool = False) -> Any:
            if not others:
                others.append(placed(core))
                assert copy_holds(core.db, core.store, NOW) == ""
            return core.store.put_bytes(key, data, overwrite=overwrite)

    assert copy_holds(core.db, Between(), NOW) == ""  # type: ignore[arg-type] - of the test
    assert copied(core) == sorted([first.id, others[0].id])


def test_a_full_disk_keeps_nobody_from_holding_and_the_copy_is_made_when_there_is_room(core: Core) -> None:
    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(core.store, name)

        def put_bytes(self, *_: object, **__: object) -> None:
            raise ResourceExhausted("no space left on device")

    one = placed(core, camera="gate")
    assert "no space left" in copy_holds(core.db, Full(), NOW)  # type: ignore[arg-type] - of the test
    assert [h.id for h in HoldRepository(core.db).list(NOW)] == [one.id]
    build_janitor(core).look(threading.Event())
    assert copied(core) == [one.id]


@pytest.mark.parametrize("error", [Unavailable("the store does not answer"), DataLoss("Input/output error")])
def test_nothing_goes_before_it_is_known_what_is_held_or_that_nobody_can_tell(
    tmp_path: Path, error: GatehouseError
) -> None:
    """A copy that the disk does not give back is written anew, and a person has to look before anything goes by age."""
    data, clock = tmp_path / "data", FakeClock(NOW)
    core = open_core(data, clock)
    one = placed(core, camera="gate")
    assert copy_holds(core.db, core.store, NOW) == ""
    core.close()
    again = open_core(data, clock, database_url=f"sqlite:///{tmp_path}/again.db")
    held = [record(again, "gate", NOW - (80 + n) * HOUR) for n in range(3)]
    read, janitor = again.store.read, build_janitor(again)

    def failing(key: str, *where: Any) -> bytes:
        if key == keys.HOLDS:
            raise error
        return read(key, *where)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(again.store, "read", failing)
        janitor.look(threading.Event())
        assert files(again) == set(held)
        assert not janitor.health()[0].ok
        with pytest.raises(type(error)):
            sweep_once(again, threading.Event())
        if isinstance(error, DataLoss):  # for an hour it may be given back yet; then it is told, and written anew
            clock.advance(HOUR)
            janitor.look(threading.Event())
            assert "made anew" in janitor.health()[0].detail
            assert files(again) == set(held)
    clock.advance(MINUTE)
    janitor.look(threading.Event())
    assert files(again) == set(held)
    assert copied(again) == ([] if isinstance(error, DataLoss) else [one.id])
    again.close()


def test_one_sweep_of_a_new_index_looks_for_holds_and_waits_for_whoever_asked(tmp_path: Path) -> None:
    data, clock = tmp_path / "data", FakeClock(NOW)
    core = open_core(data, clock)
    one = placed(core, camera="gate")
    assert copy_holds(core.db, core.store, NOW) == ""
    core.close()
    again = open_core(data, clock, database_url=f"sqlite:///{tmp_path}/again.db")
    held, other = record(again, "gate", NOW - 80 * HOUR), record(again, "yard", NOW - 80 * HOUR)
    with pytest.raises(Conflict, match="hold list"):
        sweep_once(again, threading.Event())
    assert files(again) == {held, other}
    sweep_once(again, threading.Event())
    assert files(again) == {held}
    assert [h.id for h in HoldRepository(again.db).list(NOW)] == [one.id]
    again.close()


def test_a_full_disk_keeps_no_room_from_being_made_where_nothing_is_held(tmp_path: Path) -> None:
    """A new index that finds no room to note so; what may be held stays, until there is room to know it."""
    for name, is_held in (("none", False), ("some", True)):
        data, clock = tmp_path / name, FakeClock(NOW)
        core = open_core(data, clock)
        if is_held:
            placed(core, camera="gate")
            assert copy_holds(core.db, core.store, NOW) == ""
        core.close()
        again = open_core(data, clock, database_url=f"sqlite:///{tmp_path}/{name}.db")
        old, janitor = record(again, "gate", NOW - 80 * HOUR), build_janitor(again)

        def full(*_: object) -> None:
            raise ResourceExhausted("no space left on device")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gatehouse_janitor.service.know_holds", full)
            patch.setattr(janitor._ballast, "keep", full)
            janitor.look(threading.Event())
        assert (old in files(again)) is is_held
        again.close()


def test_a_new_index_takes_over_what_is_held_before_it_deletes(tmp_path: Path) -> None:
    """As after the index was lost, and `gatehouse check --repair` found the files: nobody has rebuilt anything."""
    data, clock = tmp_path / "data", FakeClock(NOW)
    core = open_core(data, clock)
    one = placed(core, camera="gate")
    assert copy_holds(core.db, core.store, NOW) == ""
    core.close()
    again = open_core(data, clock, database_url=f"sqlite:///{tmp_path}/again.db")
    held = [record(again, "gate", NOW - (80 + n) * HOUR) for n in range(3)]
    build_janitor(again).look(threading.Event())
    assert [h.id for h in HoldRepository(again.db).list(NOW)] == [one.id]
    assert Facts(again.db).get(INDEX_REBUILT) == str(NOW)
    assert files(again) == set(held)
    HoldRepository(again.db).release(one.id, NOW, "")
    assert copy_holds(again.db, again.store, NOW) == ""
    assert (copied(again), HoldRepository(again.db).list(NOW)) == ([], [])  # once, and not whenever one is released
    again.close()


def test_a_new_index_holds_what_was_cut_of_a_browsers_recording_that_was_held(tmp_path: Path) -> None:
    """R5: it knows no media; the files of the session are found again, and are of no camera."""
    data, clock = tmp_path / "data", FakeClock(NOW)
    core = open_core(data, clock)
    session = browser_session(core)
    medium = put(core.db, 1, kind="recording", session=session.number, state="ready", created_us=NOW + 5 * SECOND)
    film = put(core.db, 2, created_us=NOW)
    held = [
        make_hold(core.db, core.zone, NOW, camera=None, clip=None, media=one.id, start=None, end=None, reason="x")
        for one in (medium, film)
    ]
    for one in held:
        HoldRepository(core.db).place(one)
    placed(core, camera="gate")
    assert copy_holds(core.db, core.store, NOW) == ""
    core.close()
    again = open_core(data, clock, database_url=f"sqlite:///{tmp_path}/again.db")
    file = planned_file(browser_session(again), 1, 1, Interval(NOW + SECOND, NOW + 2 * SECOND))
    add_files(again.db, [replace(file, state="stored", key="sessions/x/1.mp4", bytes=10)])
    build_janitor(again).look(threading.Event())
    taken = {hold.id: hold for hold in HoldRepository(again.db).list(NOW)}
    assert len(taken) == 3
    assert taken[held[0].id] == replace(held[0], media=None, camera=OF_NO_CAMERA)
    with pytest.raises(Conflict, match="on hold"):
        SessionTrash(again.db).put(1, NOW)
    again.close()


def browser_session(core: Core) -> RecorderSession:
    """A minute that somebody records in a browser."""
    who = Users(core.db).add("Ann", Role.OPERATOR, NOW)
    return RecorderSessions(core.db).begin(who.number, "Ann", OF_NO_CAMERA, Interval(NOW, NOW + 60 * SECOND), 60)


@pytest.mark.parametrize("wrong", [b"", b"{", b'{"holds": [{"id": 1}]}', b'{"holds": [{"id": "%s"}]}' % (b"x" * 99)])
def test_a_copy_that_is_damaged_is_kept_for_a_look_and_made_anew(core: Core, wrong: bytes) -> None:
    core.store.put_bytes(keys.HOLDS, wrong, overwrite=True)
    with pytest.raises(DataLoss):
        read_copy(core.store)
    one = placed(core)
    assert copy_holds(core.db, core.store, NOW) == ""
    assert copied(core) == [one.id]
    [aside] = core.store.list(keys.QUARANTINE)
    assert core.store.read(aside.key) == wrong


def test_a_rebuilt_index_holds_what_was_held_and_deletes_nothing_by_age(tmp_path: Path) -> None:
    """R5: everything from files alone, holds too; the id of a clip is in no file, its key is."""
    with core_at(tmp_path / "data") as core:
        record_chunks(core, tmp_path, camera="cam", count=6)
        one = visit("cam", "AB123", START_US + 3 * SECOND)
        with indexing(core):
            tell(core, one)
            settle(core)
        [clip] = make_clips(core, "cam", [(one.event, one.start_us)], 1, 2)
        of_range = placed(core, camera="cam", start_us=START_US, end_us=START_US + SECOND, case_name="2026-0815")
        of_clip = placed(core, clip=clip.id, start_us=clip.start_us, end_us=clip.end_us)
        gone = placed(core, clip=clip.id, start_us=clip.start_us, end_us=clip.end_us)
        assert copy_holds(core.db, core.store, core.clock.now_us()) == ""
        text = json.loads(core.store.read(keys.HOLDS))
        for entry in text["holds"]:
            if entry["id"] == gone.id:
                entry["clip_key"] = "videos/2024-05-17/gone.mp4"
        core.store.put_bytes(keys.HOLDS, json.dumps(text).encode(), overwrite=True)
        recordings = {info.key for info in core.store.list(keys.RECORDINGS)}
    with core_at(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/fresh.db", broker_url="memory:") as fresh:
        done = rebuild(fresh, lambda _: None)
        assert (done.chunks, done.clips, done.holds, done.left) == (6, 1, 3, {})
        [again] = ClipRepository(fresh.db).of_event(one.event)
        assert {h.id: h for h in HoldRepository(fresh.db).list(1)} == {
            of_range.id: of_range,
            of_clip.id: replace(of_clip, clip=again.id),
            gone.id: replace(gone, clip=None),
        }
        assert again.id != clip.id
        now_us = fresh.clock.now_us()
        assert abs(int(Facts(fresh.db).get(INDEX_REBUILT) or 0) - now_us) < 60 * SECOND
        assert RetentionReader(fresh.db).chunks_before("cam", now_us, now_us, 10) != []  # old, and not all are held
        janitor = build_janitor(fresh)
        janitor.look(threading.Event())
        assert {info.key for info in fresh.store.list(keys.RECORDINGS)} == recordings
        assert "made anew" in janitor.health()[0].detail
        assert CameraRepository(fresh.db).get("cam").settings == {}


def test_a_rebuild_tells_of_holds_that_cannot_be_read(core: Core) -> None:
    core.store.put_bytes(keys.HOLDS, b"{", overwrite=True)
    assert "damaged" in rebuild(core, lambda _: None).left[keys.HOLDS]

"""Files of sessions after the index was lost: whose they are, and which of them were in the trash (R5)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from described_media import stored
from gatehouse.rebuilding import rebuild
from gatehouse_common.accounts import Role
from gatehouse_common.clock import SECOND
from gatehouse_common.db import RecorderSession, RecorderSessions, SessionChunk, SessionTrash, Users
from gatehouse_common.errors import DataLoss
from gatehouse_common.footage import session_info
from gatehouse_common.intervals import Interval
from gatehouse_common.media.session_box import SessionInfo, read_session_box
from gatehouse_common.retention import copy_trash
from gatehouse_common.runtime import Core, Supervisor
from gatehouse_common.storage import keys
from gatehouse_janitor.checking.content import BlockReader
from gatehouse_janitor.service import Janitor
from gatehouse_segmenter import session_cutter
from gatehouse_segmenter.service import build as build_segmenter
from janitor_kit import found, mend, quarantined, record_chunks
from pipeline_kit import START_US, core_at
from running import wait_for


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as opened:
        record_chunks(opened, tmp_path)
        yield opened


def recorded(core: Core, name: str, at: int = 1, seconds: int = 6) -> list[SessionChunk]:
    """A session of a user in files of three seconds."""
    user = Users(core.db).named(name) or Users(core.db).add(name, Role.OPERATOR, START_US)
    span = Interval(START_US + at * SECOND, START_US + (at + seconds) * SECOND)
    sessions = RecorderSessions(core.db)
    session = sessions.begin(user.number, user.name, "cam", span, 3)
    supervisor = Supervisor([build_segmenter(core)], core.clock)
    supervisor.start()
    try:
        wait_for("the files", lambda: not sessions.planned(lambda _: True), 30)
    finally:
        assert supervisor.stop()
    return sessions.chunks(session=session.number)


def fresh(tmp_path: Path) -> Any:
    return core_at(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/fresh.db", broker_url="memory:")


def test_of_two_people_with_one_name_each_gets_their_own_recordings(core: Core, tmp_path: Path) -> None:
    """A name is free again when its user is removed; whoever has it next has not recorded what was before."""
    first = recorded(core, "Ann")
    ann = Users(core.db).named("Ann")
    assert ann is not None
    Users(core.db).remove(ann.id)
    second = recorded(core, "Ann", 8)
    info = core.store.stat(second[0].key)
    told = read_session_box(BlockReader(core.store, info.key, info.size))
    again = Users(core.db).named("Ann")
    assert told is not None
    assert again is not None
    assert (told.user, told.user_id) == (again.number, again.id)
    with fresh(tmp_path) as anew:
        done = rebuild(anew, lambda _: None)
        assert (done.sessions, done.left) == (4, {})
        sessions = RecorderSessions(anew.db)
        numbers = {one.number: sessions.any_state(one.number).user for one in (*first, *second)}
        people = {one.number: one.id for one in Users(anew.db).list()}
        assert [people[numbers[one.number]] for one in (*first, *second)] == [ann.id] * 2 + [again.id] * 2


def test_files_that_say_only_a_name_are_nobodys_who_is_known_by_more(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As older versions wrote them: an account of that name may be somebody else's by now."""

    def older(session: RecorderSession, chunk: SessionChunk, sha256: str, _user_id: str) -> SessionInfo:
        return replace(session_info(session, chunk, sha256, ""), user=0)

    monkeypatch.setattr(session_cutter, "session_info", older)
    old = recorded(core, "Ann", 1)
    monkeypatch.undo()
    new = recorded(core, "Ann", 8)
    with fresh(tmp_path) as anew:
        living = Users(anew.db).add("Ann", Role.ADMIN, START_US)
        done = rebuild(anew, lambda _: None)
        assert done.sessions == 4
        whose = {RecorderSessions(anew.db).any_state(one.number).user for one in old}
        others = {RecorderSessions(anew.db).any_state(one.number).user for one in new}
        assert len(whose) == len(others) == 1
        assert len(whose | others | {living.number}) == 3
        assert sorted((one.name, one.told) for one in done.users) == [("Ann (2)", "Ann"), ("Ann (by name)", "Ann")]
    with core_at(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/empty.db", broker_url="memory:") as anew:
        done = rebuild(anew, lambda _: None)  # where nobody is: the name is hers who is known by more
        assert sorted((one.name, one.told) for one in done.users) == [("Ann", "Ann"), ("Ann (by name)", "Ann")]
        ann = Users(core.db).named("Ann")
        assert ann is not None
        first = next(iter(Users(anew.db).list()))
        assert (first.number, first.id) == (ann.number, ann.id)


def test_what_was_in_the_trash_is_in_it_and_what_came_out_is_not(core: Core, tmp_path: Path) -> None:
    """The files do not say; an object beside them does, which the janitor keeps as well."""
    one, two, three = recorded(core, "Ann", 1, 9)
    trash, now_us = SessionTrash(core.db), core.clock.now_us()
    trash.put(one.number, now_us - SECOND)
    trash.put(two.number, now_us - SECOND)
    Janitor(core).look(threading.Event())
    trash.take_out(two.number)
    copy_trash(core.db, core.store, now_us)
    with fresh(tmp_path) as anew:
        copy_trash(anew.db, anew.store, now_us)  # by a janitor that was quicker than whoever rebuilds
        done = rebuild(anew, lambda _: None)
        assert (done.sessions, done.left) == (3, {})
        sessions = RecorderSessions(anew.db)
        found_again = [sessions.any_state(chunk.number) for chunk in (one, two, three)]
        assert [chunk.state for chunk in found_again] == ["trashed", "stored", "stored"]
        assert (found_again[0].trashed_us or 0) >= now_us, "for as long as ever since now"
        assert found(anew) == []
        SessionTrash(anew.db).take_out(one.number)
        copy_trash(anew.db, anew.store, now_us)
        assert anew.store.read(keys.TRASH) == b'{"session_files": []}\n'


def test_a_damaged_copy_of_the_trash_is_kept_and_told(core: Core, tmp_path: Path) -> None:
    recorded(core, "Ann", 1, 3)
    rubbish = b'{"session_files": [{"number": -1}]}'
    core.store.put_bytes(keys.TRASH, rubbish)
    with fresh(tmp_path) as anew:
        done = rebuild(anew, lambda _: None)
        assert done.sessions == 1
        assert "damaged" in done.left[keys.TRASH]
    copy_trash(core.db, core.store, core.clock.now_us())
    assert quarantined(core) == [rubbish]
    assert core.store.read(keys.TRASH) == b'{"session_files": []}\n'


def test_the_trash_is_told_where_nothing_is_deleted_by_itself_and_anew_where_it_cannot_be_read(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = recorded(core, "Ann", 1, 3)
    SessionTrash(core.db).put(one.number, core.clock.now_us())
    object.__setattr__(core.settings.values.retention, "enabled", False)
    Janitor(core).look(threading.Event())
    said = core.store.read(keys.TRASH)
    assert one.id.encode() in said
    core.store.put_bytes(keys.TRASH, b"{}", overwrite=True)
    read = core.store.read

    def damaged(key: str, *where: Any) -> bytes:
        if key == keys.TRASH:
            raise DataLoss("reading it: Input/output error")
        return read(key, *where)

    monkeypatch.setattr(core.store, "read", damaged)
    copy_trash(core.db, core.store, core.clock.now_us())
    monkeypatch.undo()
    assert core.store.read(keys.TRASH) == said


def test_a_check_brings_one_back_into_the_trash_and_touches_no_other(core: Core) -> None:
    """What the store says of the trash may be older than what people have taken out of it since."""
    one, two = recorded(core, "Ann", 1, 6)
    trash, now_us = SessionTrash(core.db), core.clock.now_us()
    trash.put(one.number, now_us - SECOND)
    trash.put(two.number, now_us - SECOND)
    copy_trash(core.db, core.store, now_us)
    trash.take_out(two.number)  # and the store was away since
    with core.db.begin() as c:
        c.exec_driver_sql(f"DELETE FROM session_chunks WHERE number = {one.number}")
    mend(core)
    sessions = RecorderSessions(core.db)
    assert [sessions.any_state(n).state for n in (one.number, two.number)] == ["trashed", "stored"]
    assert (sessions.any_state(one.number).trashed_us or 0) >= now_us


def test_a_name_that_two_have_is_given_to_neither_whatever_their_files_are(core: Core, tmp_path: Path) -> None:
    """One has only recorded, and nothing says that she was removed; the other has only uploads."""
    recorded(core, "Ann")
    ann = Users(core.db).named("Ann")
    assert ann is not None
    Users(core.db).remove(ann.id)
    stored(core, 1, "original", owner_name="Ann")
    again = Users(core.db).named("Ann")
    assert again is not None
    with fresh(tmp_path) as anew:
        done = rebuild(anew, lambda _: None)
        assert (done.sessions, done.media) == (2, 1)
        assert {one.id: one.name for one in Users(anew.db).list()} == {ann.id: "Ann (2)", again.id: "Ann (3)"}
        assert all(one.is_apart for one in done.users)


def test_a_file_that_was_in_the_trash_is_in_it_after_a_check_of_an_older_index(core: Core) -> None:
    one, two = recorded(core, "Ann", 1, 6)
    SessionTrash(core.db).put(one.number, core.clock.now_us())
    copy_trash(core.db, core.store, core.clock.now_us())
    with core.db.begin() as c:
        for table in ("session_chunks", "recorder_sessions"):
            c.exec_driver_sql(f"DELETE FROM {table}")
    mend(core)
    assert [RecorderSessions(core.db).any_state(n).state for n in (one.number, two.number)] == ["trashed", "stored"]

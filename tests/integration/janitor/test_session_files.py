"""Files of recorder sessions beside their rows, in the trash, and after the index was lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace as changed
from pathlib import Path

import pytest

from gatehouse.rebuilding import rebuild
from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import (
    Deletions,
    Hold,
    HoldRepository,
    RecorderSessions,
    SessionChunk,
    SessionInventory,
    SessionTrash,
    Users,
)
from gatehouse_common.errors import Conflict
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Core, PageSettings, Supervisor
from gatehouse_common.storage import keys
from gatehouse_common.testing.chunk_edits import forget_session_file
from gatehouse_common.testing.film import frame_numbers
from gatehouse_janitor.checking.safety import refuse_if_store_is_away
from gatehouse_janitor.giving_back import GivingBack
from gatehouse_janitor.service import Janitor
from gatehouse_segmenter.service import build as build_segmenter
from janitor_kit import found, look, mend, objects, quarantined, read, record_chunks, replace
from pipeline_kit import START_US, core_at
from running import wait_for


def cut_what_is_planned(core: Core) -> list[SessionChunk]:
    sessions = RecorderSessions(core.db)
    supervisor = Supervisor([build_segmenter(core)], core.clock)
    supervisor.start()
    try:
        wait_for("the files", lambda: not sessions.planned(lambda _: True), 30)
    finally:
        assert supervisor.stop()
    return sessions.chunks()


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    """Twenty-four seconds of footage, and a session of eighteen in three files."""
    with core_at(tmp_path / "data") as opened:
        record_chunks(opened, tmp_path)
        ann = Users(opened.db).add("Ann", Role.OPERATOR, START_US)
        span = Interval(START_US + SECOND, START_US + 19 * SECOND)
        RecorderSessions(opened.db).begin(ann.number, ann.name, "cam", span, 6)
        assert len(cut_what_is_planned(opened)) == 3
        assert found(opened) == []
        yield opened


def rows(core: Core) -> list[SessionChunk]:
    return RecorderSessions(core.db).chunks()


def test_a_file_that_is_gone_is_cut_anew(core: Core) -> None:
    """S2-44: the footage is there, so it is the very same file again."""
    lost = rows(core)[1]
    before = read(core, lost.key)
    core.store.delete(lost.key)
    assert found(core) == [("missing", lost.key)]
    mend(core)
    assert RecorderSessions(core.db).any_state(lost.number).state == "planned"
    cut_what_is_planned(core)
    again = rows(core)[1]
    assert changed(again, stored_us=lost.stored_us, detail="") == lost
    assert read(core, again.key) == before


def test_a_file_without_a_row_is_indexed_anew(core: Core) -> None:
    """R5: it says at its end what its row said."""
    lost = rows(core)[2]
    forget_session_file(core.db, lost.number)
    assert found(core) == [("orphan", lost.key)]
    assert mend(core)[lost.key] == "indexed anew from the file"
    again = rows(core)[2]
    assert changed(again, stored_us=lost.stored_us) == lost
    assert found(core) == []


def test_a_file_that_is_there_before_its_row_says_so_is_left_alone(core: Core) -> None:
    """S2-43, S2-44: killed between the two; whoever cuts it finds it, and there is no other one."""
    cut = rows(core)[1]
    before = objects(core, keys.SESSIONS)
    assert SessionInventory(core.db).plan_again(cut.number, cut.key, "")
    assert found(core) == [("orphan", cut.key)]
    mend(core)
    assert objects(core, keys.SESSIONS) == before
    assert quarantined(core) == []
    assert RecorderSessions(core.db).any_state(cut.number).state == "planned"
    cut_what_is_planned(core)
    assert changed(rows(core)[1], stored_us=cut.stored_us) == cut
    assert objects(core, keys.SESSIONS) == before
    assert found(core) == []


def test_more_than_half_of_the_files_gone_is_not_believed(core: Core) -> None:
    """S2-44: of the store there is nothing else wrong; a folder may be mounted by itself."""
    bob = Users(core.db).add("Bob", Role.OPERATOR, START_US)
    span = Interval(START_US + SECOND, START_US + 19 * SECOND)
    RecorderSessions(core.db).begin(bob.number, bob.name, "cam", span, 3)
    files = cut_what_is_planned(core)
    assert len(files) == 9
    for row in files[:4]:
        core.store.delete(row.key)
    refuse_if_store_is_away(core, look(core))
    core.store.delete(files[4].key)
    report = look(core)
    assert report.counts == {"missing": 5}
    with pytest.raises(Conflict, match="5 of 9 files of sessions are missing"):
        refuse_if_store_is_away(core, report)
    refuse_if_store_is_away(core, report, force=True)


def test_another_film_under_its_name_is_found(core: Core) -> None:
    """S2-44: it is whole and as long as it should be, and is not what was recorded."""
    first, second, _ = rows(core)
    replace(core, first.key, read(core, second.key))
    kinds = [kind for kind, key in found(core) if key == first.key]
    assert kinds[0] in {"foreign", "size", "truncated"}
    mend(core)
    cut_what_is_planned(core)
    assert [n for n, _ in frame_numbers(read(core, first.key))][:3] == [30, 31, 32]
    assert quarantined(core) == [read(core, second.key)]
    assert found(core) == []


@pytest.mark.parametrize(
    ("key", "data", "kind"),
    [
        ("sessions/2024-05-17/empty.mp4", b"", "empty"),
        ("sessions/my holiday.mp4", b"a film of somebody", "foreign"),
        ("sessions/2024-05-17/session_20240517_102300_99.mp4", b"no film at all", "orphan"),
    ],
)
def test_what_is_no_file_of_ours_is_set_aside(core: Core, key: str, data: bytes, kind: str) -> None:
    """S2-44: and nothing is deleted."""
    core.store.put_bytes(key, data)
    assert found(core) == [(kind, key)]
    mend(core)
    assert quarantined(core) == [data]
    assert found(core) == []


def test_the_trash_is_emptied_after_its_time_and_not_while_held(core: Core) -> None:
    """C-18, S0-29: a day after they were put there files go, their rows say so; what is on hold stays."""
    first, second, third = rows(core)
    now = core.clock.now_us()
    trash = SessionTrash(core.db)
    trash.put(first.number, now - 25 * HOUR)
    trash.put(second.number, now - 25 * HOUR)
    trash.put(third.number, now - 23 * HOUR)
    at = second.start_us + SECOND
    HoldRepository(core.db).place(Hold(new_id(), "cam", None, at, at + 1, "a case", "", None, now, "Ann"))
    janitor = Janitor(core)
    janitor.look(threading.Event())
    assert not janitor.health()[0].detail
    assert sorted(objects(core, keys.SESSIONS)) == [second.key, third.key]
    states = {n: RecorderSessions(core.db).any_state(n).state for n in (1, 2, 3)}
    assert states == {1: "deleted", 2: "trashed", 3: "trashed"}
    trash.take_out(third.number)
    assert [c.number for c in rows(core)] == [third.number]
    assert found(core) == []


def test_a_file_that_comes_back_is_whose_it_was(core: Core) -> None:
    """R5: also when somebody else has the name by now."""
    lost = rows(core)[0]
    users = Users(core.db)
    ann = users.named("Ann")
    assert ann is not None
    users.change(ann.id, name="Anna")
    users.add("Ann", Role.UPLOADER, START_US)
    forget_session_file(core.db, lost.number)
    mend(core)
    assert rows(core)[0].user == ann.number


def test_files_of_sessions_from_files_alone(core: Core, tmp_path: Path) -> None:
    """R5: into an empty database; numbers go on after those that files have, and whose they were is known."""
    before = rows(core)
    nothing = "sessions/2024-05-17/session_20240517_102300_7.mp4"
    core.store.put_bytes(nothing, b"no film")
    url = f"sqlite:///{tmp_path}/fresh.db"
    with core_at(tmp_path / "data", database_url=url, broker_url="memory:") as fresh:
        done = rebuild(fresh, lambda _: None)
        assert done.sessions == 3
        assert list(done.left) == [nothing]
        after = rows(fresh)
        assert [changed(c, stored_us=0) for c in after] == [changed(c, stored_us=0) for c in before]
        user = Users(fresh.db).named("Ann")
        assert user is not None
        assert (user.number, user.state) == (1, "disabled"), "nobody comes in by it"
        assert not Users(fresh.db).any(), "and it does not count as set up"
        span = Interval(START_US, START_US + 60 * SECOND)
        bob = Users(fresh.db).add("Bob", Role.OPERATOR, START_US)
        assert RecorderSessions(fresh.db).begin(bob.number, "Bob", "cam", span, 60).number == 2
        assert [c.number for c in RecorderSessions(fresh.db).planned(lambda _: True)] == [4]


def test_files_are_found_wherever_they_were_put(core: Core, tmp_path: Path) -> None:
    """S3-5, C-12: those of before the path was changed, and those of after; also from files alone, by which the path is
    lost as well."""
    old = rows(core)
    PageSettings(core).save({"sessions.path": "visits/front/{camera}/{user}/{id}"})
    bob = Users(core.db).add("Bob", Role.OPERATOR, START_US)
    span = Interval(START_US + SECOND, START_US + 19 * SECOND)
    RecorderSessions(core.db).begin(bob.number, bob.name, "cam", span, 9, viewing=new_id(), name="1")
    cut_what_is_planned(core)
    files = RecorderSessions(core.db).chunks(session=2)
    assert RecorderSessions(core.db).chunks(session=1) == old
    assert [one.key for one in files] == [
        f"sessions/visits/front/cam/bob.{bob.number}/{name}.mp4" for name in ("1", "1_2")
    ]
    assert found(core) == []
    lost = files[0]
    before = read(core, lost.key)
    forget_session_file(core.db, lost.number)
    assert found(core) == [("orphan", lost.key)]
    mend(core)
    assert changed(RecorderSessions(core.db).any_state(lost.number), stored_us=lost.stored_us) == lost
    PageSettings(core).save({"sessions.path": "elsewhere/{id}"})
    core.store.delete(lost.key)
    mend(core)
    cut_what_is_planned(core)
    again = RecorderSessions(core.db).any_state(lost.number)
    assert again.key == "sessions/elsewhere/1.mp4"
    assert read(core, again.key) == before
    assert found(core) == []
    url = f"sqlite:///{tmp_path}/fresh.db"
    with core_at(tmp_path / "data", database_url=url, broker_url="memory:") as fresh:
        assert fresh.site.session_path == "{date}/{id}"
        done = rebuild(fresh, lambda _: None)
        assert (done.sessions, done.left) == (5, {})
        assert {one.key for one in rows(fresh)} == {one.key for one in rows(core)}


@pytest.mark.parametrize("there", [True, False])
def test_what_is_held_after_it_was_deleted_is_not_listed_as_if_it_were_there(core: Core, there: bool) -> None:
    """S0-29: the entry of its deletion was still to be taken out when the hold came; what is there comes back."""
    file, now_us = rows(core)[0], core.clock.now_us()
    SessionTrash(core.db).put(file.number, now_us)
    deletions = Deletions(core.db)
    assert deletions.mark_session_files([file.id], "asked", now_us)
    if not there:
        core.store.delete(file.key)
    hold = Hold(new_id(), file.camera, None, file.start_us, file.end_us, "asked for", "", None, now_us)
    HoldRepository(core.db).place(hold)
    assert GivingBack(core, deletions, core.clock.now_us).look() == 1
    assert RecorderSessions(core.db).any_state(file.number).state == ("stored" if there else "deleted")
    assert (file.id in {one.id for one in rows(core)}) is there


@pytest.mark.parametrize("place", [0.02, 0.5, 0.9])
def test_a_byte_that_flipped_is_found_and_the_file_is_cut_anew(core: Core, place: float) -> None:
    """S2-44, R5: anywhere in it; the file says at its end what the bytes before were."""
    file = rows(core)[1]
    before = read(core, file.key)
    at = int(len(before) * place)
    replace(core, file.key, before[:at] + bytes([before[at] ^ 0x10]) + before[at + 1 :])
    ((kind, key),) = found(core)
    assert (kind, key) == ("damaged", file.key)
    mend(core)
    cut_what_is_planned(core)
    assert read(core, rows(core)[1].key) == before
    assert found(core) == []

"""An index made anew where not all is as it should be: people of one name, a store that fails, an older copy (R5)."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from described_media import about, anew, files_of, forgotten, rebuilt, stored
from gatehouse.rebuilding import rebuild
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import MediaLibrary, Users
from gatehouse_common.db.media_intake import next_number
from gatehouse_common.errors import DataLoss, Unavailable
from gatehouse_common.ids import new_id
from gatehouse_common.intake import keep_description
from gatehouse_common.runtime import Core
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor.checking.care import Care
from gatehouse_janitor.checking.check import Check
from gatehouse_janitor.checking.repair import Repair
from gatehouse_janitor.service import build as build_janitor
from janitor_kit import mend, objects, quarantined, reasons
from retention_kit import NOW, open_core


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    opened = open_core(tmp_path / "data", FakeClock(NOW))
    yield opened
    opened.close()


def two_adas(core: Core) -> tuple[str, str]:
    """Media 1 and 2 of one Ada, who was removed, and 3 of the next; return their ids."""
    stored(core, 1, "original")
    stored(core, 2, "original")
    first = Users(core.db).named("ada")
    assert first is not None
    Users(core.db).remove(first.id)
    stored(core, 3, "original")
    second = Users(core.db).named("ada")
    assert second is not None
    return first.id, second.id


def test_who_was_removed_is_so_by_any_description_that_says_it(core: Core, tmp_path: Path) -> None:
    """The others are older: the index was lost before all of them said so."""
    first, second = two_adas(core)
    keep_description(core, 2)
    with anew(tmp_path) as fresh:
        assert rebuilt(fresh).media == 3
        users = {one.id: (one.name, one.state) for one in Users(fresh.db).list(removed=True)}
        assert users == {first: ("ada", "removed"), second: ("ada", "disabled")}


def test_a_name_that_two_have_is_given_to_neither(core: Core, tmp_path: Path) -> None:
    """No description says yet that one was removed: who lets "ada" in must not let in the other."""
    first, second = two_adas(core)
    with anew(tmp_path) as fresh:
        done = rebuilt(fresh)
        users = {one.id: (one.name, one.state) for one in Users(fresh.db).list(removed=True)}
        assert users == {first: ("ada (2)", "disabled"), second: ("ada (3)", "disabled")}
        assert all(one.is_apart for one in done.users)
        library = MediaLibrary(fresh.db)
        numbers = {one.id: one.number for one in Users(fresh.db).list()}
        assert [library.get(n).owner for n in (1, 2, 3)] == [numbers[first], numbers[first], numbers[second]]


def test_a_description_that_cannot_be_read_costs_its_medium_alone(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = stored(core, 1, "original")
    stored(core, 2, "original")
    with anew(tmp_path) as fresh:
        read = fresh.store.read

        def damaged(key: str, *where: Any) -> bytes:
            if key == about(film):
                raise DataLoss("reading it: Input/output error")
            return read(key, *where)

        monkeypatch.setattr(fresh.store, "read", damaged)
        done = rebuilt(fresh)
        assert (done.media, sorted(done.left)) == (1, [about(film), f"{film.folder}original.webm"])
        assert [one.name for one in done.users] == ["ada (2)"], "it may have told of another ada"


@pytest.mark.parametrize(("failures", "media"), [(1, 2), (2, 1)])
def test_a_store_that_fails_is_asked_once_more_and_what_is_left_keeps_its_number(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int, media: int
) -> None:
    stored(core, 4, "original")
    film = stored(core, 5, "original")
    with anew(tmp_path) as fresh:
        open_range, left = fresh.store.open_range, [failures]

        def failing(key: str, *where: Any) -> Iterator[bytes]:
            if key == f"{film.folder}original.webm" and left[0]:
                left[0] -= 1
                raise Unavailable("the store does not answer")
            return open_range(key, *where)

        monkeypatch.setattr(fresh.store, "open_range", failing)
        done = rebuilt(fresh)
        assert done.media == media
        assert (about(film) in done.left) is (media == 1)
        with fresh.db.begin() as c:
            assert next_number(c) == 6, "in the folder of the fifth there is something"
        monkeypatch.undo()
        mend(fresh)
        assert [file.kind for file in files_of(fresh, 5)] == ["original"]
        assert quarantined(fresh) == []


def test_what_a_description_said_of_a_file_that_is_away_is_kept(core: Core, tmp_path: Path) -> None:
    film = stored(core, 1, "original", "playable")
    core.store.delete(f"{film.folder}original.webm")
    said = core.store.read(about(film))
    with anew(tmp_path) as fresh:
        assert rebuilt(fresh).media == 1
        keep_description(fresh, 1)
        assert fresh.store.read(about(film)) != said
        assert quarantined(fresh) == [said]


def test_what_comes_back_in_the_trash_is_there_for_as_long_as_ever(core: Core) -> None:
    """By an older copy of the index, which knows neither the medium nor the hold that it was kept by."""
    film = stored(core, 3, "original", state="trashed", before_trash="ready", trashed_us=NOW - 400 * 24 * HOUR)
    forgotten(core, "media_files", "media")
    assert mend(core)[about(film)].startswith("medium 3 is indexed anew")
    build_janitor(core).look(threading.Event())
    assert f"{film.folder}original.webm" in objects(core, "uploads/")


def test_files_whose_description_is_young_are_not_set_aside(core: Core) -> None:
    """A check beside a running Gatehouse leaves alone what is young, as a description that was just written."""
    film = stored(core, 3, "original", "playable")
    long_ago = time.time() - 7200
    for kind in ("original", "playable"):
        path = core.store.local_path(f"{film.folder}{kind}.webm")
        assert path is not None
        os.utime(path, (long_ago, long_ago))
    forgotten(core, "media_files", "media")
    core.clock.advance(round(time.time() * SECOND) - core.clock.now_us())
    check = Check(core, Care(15 * MINUTE, 0.0))
    report = check.all(lambda _: None)
    films = [f"{film.folder}{kind}.webm" for kind in ("original", "playable")]
    assert sorted(one.key for one in report.problems) == films
    Repair(core, check, lambda _: None).mend_all(report.problems)
    assert [file.kind for file in files_of(core, 3)] == ["original", "playable"]
    assert quarantined(core) == []


def test_files_beside_a_description_that_says_rubbish_stay_where_they_are(core: Core) -> None:
    film = stored(core, 3, "original", "playable")
    told = json.loads(core.store.read(about(film)))
    told["media"]["fps"] = "x"
    core.store.put_bytes(about(film), json.dumps(told).encode(), overwrite=True)
    forgotten(core, "media_files", "media")
    mend(core)
    names = ("about.json", "original.webm", "playable.webm")
    assert sorted(objects(core, "uploads/")) == [f"{film.folder}{name}" for name in names]
    assert quarantined(core) == []


def test_where_a_description_could_not_be_asked_for_nobody_is_given_a_name_as_it_is(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have told of another of that name."""
    stored(core, 1, "original")
    film = stored(core, 2, "original", owner_name="Bob")
    with anew(tmp_path) as fresh:
        read = fresh.store.read

        def refused(key: str, *where: Any) -> bytes:
            if key == about(film):
                raise Unavailable("it may not be read")
            return read(key, *where)

        monkeypatch.setattr(fresh.store, "read", refused)
        done = rebuilt(fresh)
        assert (done.media, about(film) in done.left) == (1, True)
        assert [(one.name, one.told, one.is_apart) for one in done.users] == [("ada (2)", "ada", True)]


def test_an_original_that_the_disk_does_not_give_back_is_still_its_mediums(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the size that is described; a check tells of what is wrong within it, and nobody moves it away."""
    film = stored(core, 1, "original")
    with anew(tmp_path) as fresh:
        open_range = fresh.store.open_range

        def damaged(key: str, *where: Any) -> Iterator[bytes]:
            if key == f"{film.folder}original.webm":
                raise DataLoss("reading it: Input/output error")
            return open_range(key, *where)

        monkeypatch.setattr(fresh.store, "open_range", damaged)
        done = rebuilt(fresh)
        assert (done.media, done.left) == (1, {})
        assert [file.kind for file in files_of(fresh, 1)] == ["original"]


def test_a_check_sets_aside_what_is_not_as_described_with_the_reason(core: Core) -> None:
    film = stored(core, 3, "original", "playable")
    said = core.store.read(about(film))
    core.store.put_bytes(f"{film.folder}original.webm", b"ORIGINAL of 3", overwrite=True)
    forgotten(core, "media_files", "media")
    done = mend(core)
    assert "without" in done[about(film)]
    assert "moved to quarantine" in done[f"{film.folder}original.webm"]
    assert [file.kind for file in files_of(core, 3)] == ["playable"]
    assert sorted(quarantined(core)) == sorted([said, b"ORIGINAL of 3"])
    why = sorted(reasons(core))
    assert len(why) == 2
    assert "SHA-256" in "".join(why)
    assert f"without files that it names, for they are not as it says: {film.folder}original.webm" in "".join(why)


def test_of_two_media_with_one_number_none_is_moved(core: Core) -> None:
    """As after an older copy of the index in which others have uploaded since: a person has to say which is which."""
    film = stored(core, 3, "original", "playable")
    forgotten(core, "media_files", "media")
    other = stored(core, 3, "original", owner_name="Bob", id=new_id())
    before = objects(core, "uploads/")
    done = mend(core)
    assert not any(key.startswith(film.folder) for key in done)
    assert objects(core, "uploads/") == before
    assert quarantined(core) == []
    assert MediaLibrary(core.db).get(3) == other


def test_a_number_that_somebody_has_made_up_is_not_counted(core: Core, tmp_path: Path) -> None:
    """Else after it there would be none left for whoever uploads next."""
    stored(core, 4, "original")
    core.store.put_bytes("uploads/x.1/2147483646/a.webm", b"made up")
    made_up = stored(core, 2147483645, "original")
    with anew(tmp_path) as fresh:
        done = rebuilt(fresh)
        assert (done.media, list(done.left)) == (2, ["uploads/x.1/2147483646/a.webm"])
        assert MediaLibrary(fresh.db).get(made_up.number) == made_up
        with fresh.db.begin() as c:
            assert next_number(c) == 5
        mend(fresh)
        with fresh.db.begin() as c:
            assert next_number(c) == 6


def test_a_folder_within_that_of_a_medium_is_told_alone(core: Core, tmp_path: Path) -> None:
    film = stored(core, 1, "original", "playable", "thumbnail")
    deep = f"{film.folder}p/deep.txt"
    core.store.put_bytes(deep, b"?")
    seen = list[int]()
    with anew(tmp_path) as fresh:
        done = rebuild(fresh, seen.append)
        assert (done.media, list(done.left)) == (1, [deep])
        assert sum(seen) == 5, "each file is counted once"

"""Uploads, recordings of browsers and exports after the index was lost: each is described beside its files (R5)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from described_media import about, anew, files_of, rebuilt, stored
from gatehouse_common.accounts import Role
from gatehouse_common.db import (
    HoldRepository,
    MediaJobs,
    MediaLibrary,
    MediaQuery,
    MediaTrash,
    Users,
)
from gatehouse_common.db.media_intake import next_number
from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.intake import keep_description
from gatehouse_common.retention import copy_holds, make_hold
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor.service import build as build_janitor
from janitor_kit import found, look, mend, objects, quarantined
from media_rows import T
from retention_kit import NOW, open_core


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    opened = open_core(tmp_path / "data", FakeClock(NOW))
    yield opened
    opened.close()


def test_media_are_in_the_library_again_with_all_files_and_nobody_gets_their_numbers(
    core: Core, tmp_path: Path
) -> None:
    film = stored(core, 3, "original", "playable", "thumbnail", name="Hof – Nacht.webm")
    trashed = stored(core, 5, "original", state="trashed", before_trash="ready", trashed_us=NOW)
    export = stored(core, 8, "original", kind="export", owner_name="Bob")
    before = {one.name: (one.number, one.id) for one in Users(core.db).list()}
    with anew(tmp_path) as fresh:
        done = rebuilt(fresh)
        assert (done.media, done.left) == (3, {})
        assert {one.name: (one.number, one.id) for one in Users(fresh.db).list()} == before
        assert {one.state for one in Users(fresh.db).list()} == {"disabled"}, "nobody comes in by it"
        assert [(one.name, one.told) for one in done.users] == [("ada", "ada"), ("Bob", "Bob")]
        library = MediaLibrary(fresh.db)
        assert [library.get(3), library.get(8)] == [film, export]
        assert files_of(fresh, 3) == files_of(core, 3)
        (found_there,) = library.find(MediaQuery(trashed=True), 9)
        assert replace(found_there, trashed_us=NOW) == trashed, "but it is in the trash since now"
        assert MediaLibrary(fresh.db, export.owner).find(MediaQuery(), 9) == [export]
        assert look(fresh).counts == {}
        assert not any(keep_description(fresh, number) for number in (3, 8)), "it is described as it was"
        with fresh.db.begin() as c:
            assert next_number(c) == 9, "numbers go on after those that are taken"
        with pytest.raises(Conflict, match="not empty"):
            rebuilt(fresh)
        assert library.get(3) == film
    with anew(tmp_path, "again") as again:
        assert rebuilt(again).media == 3
        assert MediaLibrary(again.db).get(3) == film


def test_of_two_people_with_one_name_each_gets_their_own(core: Core, tmp_path: Path) -> None:
    """Also where somebody of that name is there already: whoever has set the installation up again, perhaps."""
    first = stored(core, 1, "original")
    ada = Users(core.db).named("ada")
    assert ada is not None
    Users(core.db).remove(ada.id)
    second = stored(core, 2, "original")
    stored(core, 3, "original", owner_name="Bob")
    keep_description(core, 1)
    assert first.owner != second.owner
    with anew(tmp_path) as fresh:
        living = Users(fresh.db).add("ADA", Role.ADMIN, NOW)
        bob = Users(core.db).named("Bob")
        assert bob is not None
        done = rebuilt(fresh)
        assert done.media == 3
        library, users = MediaLibrary(fresh.db), {one.number: one for one in Users(fresh.db).list(removed=True)}
        assert MediaLibrary(fresh.db, living.number).find(MediaQuery(), 9) == []
        owners = [users[library.get(number).owner] for number in (1, 2, 3)]
        assert [(one.name, one.state) for one in owners] == [
            ("ada", "removed"),
            ("ada (2)", "disabled"),
            ("Bob", "disabled"),
        ]
        assert [owners[0].id, owners[2].id] == [ada.id, bob.id]
        assert [(one.name, one.told) for one in done.users if one.name != one.told] == [("ada (2)", "ada")]


def test_users_who_are_there_again_keep_theirs(core: Core, tmp_path: Path) -> None:
    """As with a copy of the index that is older than the medium."""
    film = stored(core, 3, "original")
    ada = Users(core.db).named("ada")
    assert ada is not None
    Users(core.db).change(ada.id, name="Ada L.")
    with core.db.begin() as c:
        for table in ("media_files", "media"):
            c.exec_driver_sql(f"DELETE FROM {table}")
    done = mend(core)
    assert done[about(film)] == "medium 3 is indexed anew from what describes it"
    assert MediaLibrary(core.db).get(3) == film
    assert [one.name for one in Users(core.db).list()] == ["Ada L."]
    assert found(core) == []


def test_what_was_being_made_has_failed_and_never_waits_for_ever(core: Core, tmp_path: Path) -> None:
    stored(core, 1, "original", state="processing", stage="compressing")
    stored(core, 2, "original", state="queued", kind="export")
    stored(core, 3, "original", state="processing", kind="recording", session=7, upload="u3")
    stored(core, 4, "original", state="trashed", before_trash="processing", trashed_us=NOW)
    with anew(tmp_path) as fresh:
        assert rebuilt(fresh).media == 4
        library, jobs = MediaLibrary(fresh.db), MediaJobs(fresh.db)
        for number in (1, 2, 3):
            one = library.get(number)
            assert (one.state, one.stage, "index was lost" in one.detail) == ("failed", "", True)
        restored = library.restore(4, NOW, "ada")
        assert (restored.state, "index was lost" in restored.detail) == ("failed", True)
        assert library.get(3).session is None, "no file says anything of it"
        for number in (1, 3, 4):
            assert jobs.retry(library.get(number), NOW, "ada").state == "queued"
        with pytest.raises(Conflict, match="ask for it again"):
            jobs.retry(library.get(2), NOW, "ada")


def test_files_that_are_not_what_was_described_are_told_and_left_out(core: Core, tmp_path: Path) -> None:
    gone, none, longer, other = [stored(core, number, "original", "playable") for number in (1, 2, 3, 4)]
    for media in (gone, none):
        core.store.delete(f"{media.folder}original.webm")
    core.store.delete(f"{none.folder}playable.webm")
    core.store.put_bytes(f"{longer.folder}original.webm", b"more than it had", overwrite=True)
    core.store.put_bytes(f"{other.folder}original.webm", b"ORIGINAL of 4", overwrite=True)
    core.store.put_bytes(f"{other.folder}playable-2.webm", b"of a worker that was killed")
    with anew(tmp_path) as fresh:
        done = rebuilt(fresh)
        assert done.media == 3
        assert "none of the files" in done.left[about(none)]
        assert "not in the store" in done.left[f"{gone.folder}original.webm"]
        assert "16 bytes, and is described with 13" in done.left[f"{longer.folder}original.webm"]
        assert "SHA-256" in done.left[f"{other.folder}original.webm"]
        assert "does not name it" in done.left[f"{other.folder}playable-2.webm"]
        assert len(done.left) == 5
        for media in (gone, longer, other):
            assert [file.kind for file in files_of(fresh, media.number)] == ["playable"]
        details = [MediaLibrary(fresh.db).get(number).detail for number in (1, 3, 4)]
        assert ["not in the store" in text for text in details] == [True, False, False]
        assert ["not what it was" in text for text in details] == [False, True, True]
        assert fresh.store.read(f"{other.folder}original.webm") == b"ORIGINAL of 4", "it stays where it is"


def test_every_file_of_which_nothing_is_known_is_told_and_stays(core: Core, tmp_path: Path) -> None:
    """As of versions that described nothing; what somebody else has written there is not believed, nor read whole."""
    film = stored(core, 6, "original")
    told = json.loads(core.store.read(about(film)))
    told["files"][0]["name"] = "../../../holds.json"
    core.store.put_bytes(about(film), json.dumps(told).encode(), overwrite=True)
    odd = {
        "uploads/ada.1/4/original.webm": b"film",
        "uploads/ada.1/5/about.json": b"{" * (1 << 20),
        "uploads/ada.1/5/original.webm": b"film",
        "uploads/ada.1/notes.txt": b"?",
        "uploads/ada.1/7/deep/about.json": b"{}",
        "incoming/0190/000000000000000-a": b"piece",
        "incoming/0190/000000000000005-b": b"piece",
    }
    for key, data in odd.items():
        core.store.put_bytes(key, data)
    with anew(tmp_path) as fresh:
        done = rebuilt(fresh)
        assert done.media == 0
        assert "nothing describes" in done.left["uploads/ada.1/4/original.webm"]
        assert "too large" in done.left["uploads/ada.1/5/about.json"]
        assert "files.0.name" in done.left[about(film)]
        assert "2 pieces, 10 bytes" in done.left["incoming/0190/"]
        of_pieces = {key for key in odd if key.startswith("incoming/")}
        assert done.left.keys() == {*odd, about(film), f"{film.folder}original.webm", "incoming/0190/"} - of_pieces
        assert [fresh.store.read(key) for key in odd] == list(odd.values())
        assert Users(fresh.db).list() == [], "and nobody is added by it"


def test_held_media_are_held_in_the_new_index(core: Core, tmp_path: Path) -> None:
    film = stored(core, 3, "original")
    HoldRepository(core.db).place(
        make_hold(core.db, core.zone, NOW, camera=None, clip=None, media=film.id, start=None, end=None, reason="x")
    )
    copy_holds(core.db, core.store, NOW)
    with anew(tmp_path) as fresh:
        assert rebuilt(fresh).holds == 1
        assert MediaTrash(fresh.db).is_held(film.id, T)
        with pytest.raises(Conflict, match="on hold"):
            MediaLibrary(fresh.db).trash(3, T)


def test_a_held_recording_of_a_browser_is_held_itself_and_not_all_of_its_time(core: Core, tmp_path: Path) -> None:
    """As long as it is not known whether it comes back its hold waits; before, it became one of a range."""
    film = stored(core, 3, "original", kind="recording", session=7)
    HoldRepository(core.db).place(
        make_hold(core.db, core.zone, NOW, camera=None, clip=None, media=film.id, start=None, end=None, reason="x")
    )
    copy_holds(core.db, core.store, NOW)
    with anew(tmp_path) as fresh:
        assert rebuilt(fresh).holds == 1
        (hold,) = HoldRepository(fresh.db).list(NOW)
        assert (hold.media, hold.camera) == (film.id, None)


def test_a_check_says_for_whom_it_has_made_an_account(core: Core) -> None:
    film = stored(core, 3, "original")
    with core.db.begin() as c:
        for table in ("media_files", "media", "users"):
            c.exec_driver_sql(f"DELETE FROM {table}")
    Users(core.db).add("ada", Role.ADMIN, NOW)
    told = mend(core)[about(film)]
    assert told == "medium 3 is indexed anew from what describes it, for ada (2), whom nobody lets in yet"


def test_what_was_deleted_stays_deleted(core: Core, tmp_path: Path) -> None:
    """Also where somebody was killed in the midst of it: a description goes before the files."""
    film, half = stored(core, 3, "original", "playable"), stored(core, 4, "original", "playable")
    for media in (film, half):
        MediaLibrary(core.db).trash(media.number, NOW)
    assert MediaTrash(core.db).mark([film.id], "asked", NOW)
    build_janitor(core).look(threading.Event())
    assert {key.rpartition("/")[0] + "/" for key in objects(core, keys.UPLOADS)} == {half.folder}
    assert MediaTrash(core.db).mark([half.id], "asked", NOW)
    janitor, died = build_janitor(core), Killed()

    def killed(_keys: list[str]) -> dict[str, str]:
        raise died

    real = core.store.delete_many
    calls = 0

    def once(some: list[str]) -> dict[str, str]:
        nonlocal calls
        calls += 1
        return real(some) if calls == 1 else killed(some)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.store, "delete_many", once)
        with pytest.raises(Killed):
            janitor.look(threading.Event())
    assert set(objects(core, keys.UPLOADS)) == {f"{half.folder}original.webm", f"{half.folder}playable.webm"}
    with anew(tmp_path) as fresh:
        done = rebuilt(fresh)
        assert (done.media, len(done.left)) == (0, 2)
        with pytest.raises(NotFound):
            MediaLibrary(fresh.db).get(4)


class Killed(BaseException):
    """What `kill -9` does."""


def test_a_check_restores_what_is_described_and_keeps_what_only_says_so(core: Core) -> None:
    """With the same care as a rebuild, in an index that knows the others."""
    film, others = stored(core, 3, "original", "playable"), stored(core, 4, "original")
    assert look(core).counts == {}
    with core.db.begin() as c:
        for table, column in (("media_files", "media"), ("media", "number")):
            c.exec_driver_sql(f"DELETE FROM {table} WHERE {column} = 3")
    copied = "uploads/ada.1/5/about.json"
    core.store.put_bytes(copied, core.store.read(about(others)))
    done = mend(core)
    assert "indexed anew" in done[about(film)]
    assert "moved to quarantine" in done[copied]
    assert MediaLibrary(core.db).get(3) == replace(film, upload=None)
    assert [file.kind for file in files_of(core, 3)] == ["original", "playable"]
    assert MediaLibrary(core.db).get(4) == others
    assert quarantined(core) == [core.store.read(about(others))]
    assert found(core) == []

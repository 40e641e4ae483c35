"""Uploads, recordings of browsers and exports after the index was lost: each is described beside its files (R5)."""

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
from gatehouse_common.db import (
    HoldRepository,
    Media,
    MediaDescriptions,
    MediaFile,
    MediaLibrary,
    MediaQuery,
    MediaTrash,
    Users,
)
from gatehouse_common.errors import DataLoss
from gatehouse_common.intake import keep_description, read_description
from gatehouse_common.retention import copy_holds, make_hold
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor.service import build as build_janitor
from janitor_kit import look
from media_rows import T, add_file, put
from pipeline_kit import core_at
from retention_kit import NOW, open_core


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    opened = open_core(tmp_path / "data", FakeClock(NOW))
    yield opened
    opened.close()


def stored(core: Core, number: int, *kinds: str, **more: Any) -> Media:
    """A medium with files in the store, described as the transcoder does when it is done."""
    name = str(more.pop("owner_name", "ada"))
    folder = keys.media_folder(int(more.get("owner", 1)), name, number)
    media = put(core.db, number, **{"owner_name": name, "folder": folder, "created_us": NOW, **more})
    for kind in kinds:
        data = f"{kind} of {number}".encode()
        file = add_file(core.db, media, kind, len(data), key=f"{folder}{kind}.webm", facts={"width": 640})
        core.store.put_bytes(file.key, data)
    keep_description(core, number)
    return media


def files_of(core: Core, number: int) -> list[MediaFile]:
    return MediaDescriptions(core.db).read(number)[1]


def anew(tmp_path: Path) -> Any:
    return core_at(tmp_path / "data", database_url=f"sqlite:///{tmp_path}/fresh.db", broker_url="memory:")


def test_media_are_in_the_library_again_with_all_files_and_nobody_gets_their_numbers(
    core: Core, tmp_path: Path
) -> None:
    film = stored(core, 3, "original", "playable", "thumbnail", name="Hof – Nacht.webm")
    trashed = stored(core, 5, "original", state="trashed", before_trash="ready", trashed_us=NOW)
    export = stored(core, 8, "original", kind="export", owner=2, owner_name="Bob")
    with anew(tmp_path) as fresh:
        done = rebuild(fresh, lambda _: None)
        assert (done.media, done.left) == (3, {})
        ada, bob = Users(fresh.db).named("ada"), Users(fresh.db).named("Bob")
        assert ada is not None
        assert bob is not None
        assert {ada.state, bob.state} == {"disabled"}, "nobody comes in by it"
        library = MediaLibrary(fresh.db)
        assert library.get(3) == replace(film, owner=ada.number)
        assert library.get(8) == replace(export, owner=bob.number)
        assert files_of(fresh, 3) == files_of(core, 3)
        assert [one.number for one in library.find(MediaQuery(trashed=True), 9)] == [trashed.number]
        assert MediaLibrary(fresh.db, bob.number).find(MediaQuery(), 9) == [library.get(8)]
        again = rebuild_into_nothing_new(fresh)
        assert again == 9, "numbers go on after those that are taken"
        assert look(fresh).counts == {}


def rebuild_into_nothing_new(core: Core) -> int:
    """Return the number that the next medium gets."""
    from gatehouse_common.db.media_intake import next_number

    with core.db.begin() as c:
        return next_number(c)


def test_what_was_being_made_can_be_tried_again_and_what_is_gone_says_so(core: Core, tmp_path: Path) -> None:
    stored(core, 1, "original", state="processing", stage="compressing")
    stored(core, 2, "original", "playable")
    core.store.delete(files_of(core, 2)[0].key)
    stored(core, 3, "original")
    core.store.delete(files_of(core, 3)[0].key)
    with anew(tmp_path) as fresh:
        done = rebuild(fresh, lambda _: None)
        assert done.media == 2
        assert "none of the files" in done.left[keys.media_description("uploads/ada.1/3/")]
        assert (MediaLibrary(fresh.db).get(1).state, MediaLibrary(fresh.db).get(1).stage) == ("failed", "")
        assert "index was lost" in MediaLibrary(fresh.db).get(1).detail
        assert "not in the store" in MediaLibrary(fresh.db).get(2).detail
        assert [file.kind for file in files_of(fresh, 2)] == ["playable"]


def test_files_that_nothing_describes_are_told_and_stay(core: Core, tmp_path: Path) -> None:
    """As of versions that described nothing; and what somebody else has written there is not believed."""
    old = "uploads/ada.1/4/original.webm"
    core.store.put_bytes(old, b"film")
    film = stored(core, 6, "original")
    told = json.loads(core.store.read(keys.media_description(film.folder)))
    told["files"][0]["key"] = "recordings/gate/secret.mp4"
    core.store.put_bytes(keys.media_description(film.folder), json.dumps(told).encode(), overwrite=True)
    with anew(tmp_path) as fresh:
        done = rebuild(fresh, lambda _: None)
        assert done.media == 0
        assert "nothing describes" in done.left[old]
        assert "another medium" in done.left[keys.media_description(film.folder)]
        assert fresh.store.read(old) == b"film"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 2}',
        b'{"version": 1}',
        b'{"version": 1, "media": {"number": "1"}, "files": []}',
        b'{"version": 1, "media": {}, "files": []}',
        b'{"version": 1, "media": null, "files": null}',
        b"[" * 100_000,
    ],
)
def test_what_describes_nothing_is_refused(data: bytes) -> None:
    with pytest.raises(DataLoss):
        read_description(data)


def test_held_media_are_held_in_the_new_index(core: Core, tmp_path: Path) -> None:
    film = stored(core, 3, "original")
    HoldRepository(core.db).place(
        make_hold(core.db, core.zone, NOW, camera=None, clip=None, media=film.id, start=None, end=None, reason="x")
    )
    copy_holds(core.db, core.store, NOW)
    with anew(tmp_path) as fresh:
        assert rebuild(fresh, lambda _: None).holds == 1
        assert MediaTrash(fresh.db).is_held(film.id, T)


def test_a_description_goes_with_its_medium_and_is_no_stray(core: Core) -> None:
    film = stored(core, 3, "original", created_us=1)  # before its files came, by the clock of the disk
    assert look(core).counts == {}
    assert MediaLibrary(core.db).rename(3, "other").name == "other"
    keep_description(core, 3)
    assert read_description(core.store.read(keys.media_description(film.folder)))[0].name == "other"
    MediaLibrary(core.db).trash(3, NOW)
    assert MediaTrash(core.db).mark([film.id], "asked", NOW)
    build_janitor(core).look(threading.Event())
    assert list(core.store.list(keys.UPLOADS)) == []
    keep_description(core, 3)
    assert list(core.store.list(keys.UPLOADS)) == [], "of what is deleted nothing is written down"


def test_users_who_are_there_again_keep_theirs(core: Core, tmp_path: Path) -> None:
    stored(core, 3, "original")
    with anew(tmp_path) as fresh:
        ada = Users(fresh.db).add("ada", Role.UPLOADER, NOW)
        assert rebuild(fresh, lambda _: None).media == 1
        assert MediaLibrary(fresh.db).get(3).owner == ada.number

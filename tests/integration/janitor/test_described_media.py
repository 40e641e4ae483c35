"""Media are described beside their files whatever happens meanwhile: changed, deleted, written by two, died over."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gatehouse_common.accounts import Role
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import Media, MediaLibrary, MediaTrash, Users
from gatehouse_common.db.media_intake import next_number
from gatehouse_common.errors import DataLoss, NotFound, Unavailable
from gatehouse_common.intake import keep_description, read_description
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor import media_numbers
from gatehouse_janitor.description_sweep import DescriptionSweep
from gatehouse_janitor.media_numbers import MediaNumbers
from gatehouse_janitor.service import build as build_janitor
from janitor_kit import found, mend, objects, quarantined, reasons
from media_rows import add_file, medium, put, put_many
from pipeline_kit import core_at
from retention_kit import NOW, files, open_core, record
from running import wait_for


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def core(tmp_path: Path, clock: FakeClock) -> Iterator[Core]:
    opened = open_core(tmp_path / "data", clock)
    yield opened
    opened.close()


def film(core: Core, number: int = 3, **more: Any) -> Media:
    """A medium with an original that nothing describes yet."""
    user = Users(core.db).named("ada") or Users(core.db).add("ada", Role.OPERATOR, NOW)
    media = put(core.db, number, **{"owner": user.number, "created_us": NOW, **more})
    core.store.put_bytes(add_file(core.db, media, "original", 4).key, b"film")
    return media


def about(media: Media) -> str:
    return keys.media_description(media.folder)


def told(core: Core, media: Media) -> Media:
    return read_description(about(media), core.store.read(about(media))).media


class Between:
    """The store, but something happens just before the next description is written."""

    def __init__(self, core: Core, happens: Callable[[], object]) -> None:
        self._core, self._happens = core, [happens]
        self._real = core.store.put_bytes

    def __enter__(self) -> None:
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(self._core.store, "put_bytes", self._put)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    def _put(self, key: str, data: bytes, **more: Any) -> object:
        if key.endswith(keys.DESCRIPTION) and self._happens:
            self._happens.pop()()
        return self._real(key, data, **more)


def test_what_is_deleted_while_it_is_described_does_not_come_back(core: Core) -> None:
    media = film(core)

    def delete() -> None:
        MediaLibrary(core.db).trash(3, NOW)
        assert MediaTrash(core.db).mark([media.id], "asked", NOW)
        build_janitor(core).look(threading.Event())
        assert objects(core, keys.UPLOADS) == {}

    with Between(core, delete):
        keep_description(core, 3)
    assert objects(core, keys.UPLOADS) == {}
    assert not keep_description(core, 3), "of what is deleted nothing is written"
    assert objects(core, keys.UPLOADS) == {}


def test_who_writes_late_writes_what_is_known_by_then(core: Core) -> None:
    """A newer name is not lost to one that was read before, whoever writes last."""
    media = film(core)

    def rename() -> None:
        MediaLibrary(core.db).rename(3, "newer")
        keep_description(core, 3)
        assert told(core, media).name == "newer"

    with Between(core, rename):
        assert keep_description(core, 3)
    assert told(core, media).name == "newer"


def test_many_who_change_and_describe_at_once_leave_what_is_so_in_the_end(core: Core) -> None:
    media = film(core)

    def change(n: int) -> None:
        for k in range(6):
            MediaLibrary(core.db).rename(3, f"{n} {k}")
            keep_description(core, 3)

    threads = [threading.Thread(target=change, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert told(core, media) == MediaLibrary(core.db).get(3)
    assert told(core, media).version == 19


def test_the_same_is_not_written_again(core: Core) -> None:
    media = film(core)
    assert keep_description(core, 3)
    before = core.store.stat(about(media)).modified_us
    assert not keep_description(core, 3)
    assert core.store.stat(about(media)).modified_us == before


def test_what_describes_a_medium_of_an_older_index_is_kept(core: Core) -> None:
    """A copy of the index that is older than the medium gives its number, and its folder, to another one."""
    old = film(core)
    keep_description(core, 3)
    text = core.store.read(about(old))
    with core.db.begin() as c:
        for table in ("media_files", "media"):
            c.exec_driver_sql(f"DELETE FROM {table}")
    core.store.delete(f"{old.folder}original.bin")
    new = film(core)
    assert new.folder == old.folder
    keep_description(core, 3)
    assert told(core, new).id == new.id
    assert quarantined(core) == [text]


def two_in_one_folder(core: Core) -> tuple[Media, Media, str]:
    """A medium of an index that was lost, and one of its number and owner of the next; the older film's key."""
    old = film(core)
    keep_description(core, 3)
    with core.db.begin() as c:
        for table in ("media_files", "media"):
            c.exec_driver_sql(f"DELETE FROM {table}")
    older = f"{old.folder}older.webm"
    core.store.put_bytes(older, b"of the older")
    core.store.delete(f"{old.folder}original.bin")
    return old, put(core.db, 3, owner=old.owner, created_us=NOW, state="queued"), older


def test_deleting_one_of_two_in_a_folder_touches_nothing_of_the_other(core: Core) -> None:
    """It was not described yet, so what is there describes the other."""
    old, new, older = two_in_one_folder(core)
    text = core.store.read(about(old))
    core.store.put_bytes(add_file(core.db, new, "original", 5, key=f"{old.folder}original.webm").key, b"later")
    MediaLibrary(core.db).trash(3, NOW)
    assert MediaTrash(core.db).mark([new.id], "asked", NOW)
    build_janitor(core).look(threading.Event())
    with pytest.raises(NotFound):
        MediaLibrary(core.db).get(3)
    assert objects(core, keys.UPLOADS) == {about(old): text, older: b"of the older"}


def test_nor_does_deleting_one_that_was_described(core: Core) -> None:
    """What described the other is in the quarantine by then, and only how old a file is tells whose it is."""
    old, new, older = two_in_one_folder(core)
    with core.db.begin() as c:  # by the clock of the disk; a moment is enough
        c.exec_driver_sql(f"UPDATE media SET created_us = {core.store.stat(older).modified_us + 1000}")
    time.sleep(0.01)
    core.store.put_bytes(add_file(core.db, new, "original", 5, key=f"{old.folder}original.webm").key, b"later")
    keep_description(core, 3)
    core.store.put_bytes(f"{old.folder}left-by-a-worker.webm", b"later")
    MediaLibrary(core.db).trash(3, NOW)
    assert MediaTrash(core.db).mark([new.id], "asked", NOW)
    build_janitor(core).look(threading.Event())
    assert objects(core, keys.UPLOADS) == {older: b"of the older"}


def test_one_whose_description_the_store_does_not_tell_costs_no_others(core: Core, clock: FakeClock) -> None:
    """It is tried again later, as whatever the store refuses to delete."""
    media = [film(core, number, created_us=1) for number in (3, 4)]
    for one in media:
        keep_description(core, one.number)
        MediaLibrary(core.db).trash(one.number, NOW)
    assert MediaTrash(core.db).mark([one.id for one in media], "asked", NOW)
    read, janitor = core.store.read, build_janitor(core)

    def refused(key: str, *where: Any) -> bytes:
        if key == about(media[0]):
            raise Unavailable("it may not be read")
        return read(key, *where)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.store, "read", refused)
        janitor.look(threading.Event())
        left = {info.key.rpartition("/")[0] + "/" for info in core.store.list(keys.UPLOADS)}
        assert left == {media[0].folder}
        assert f"{media[0].folder}original.bin cannot be deleted: it may not be read" in janitor.health()[0].detail
        old = record(core, "gate", NOW - 100 * HOUR)
        for _ in range(3):  # it alone is refused, again and again, and footage goes all the same
            clock.advance(2 * MINUTE)
            janitor.look(threading.Event())
        assert old not in files(core)
    clock.advance(HOUR)
    janitor.look(threading.Event())
    assert objects(core, keys.UPLOADS) == {}
    assert janitor.health()[0].ok


def test_a_check_moves_no_file_that_was_there_before_the_medium_of_its_folder(core: Core) -> None:
    """The one that came later is described, so nothing says any more what the older film is; it stays."""
    old, new, older = two_in_one_folder(core)
    with core.db.begin() as c:  # by the clock of the disk
        c.exec_driver_sql(f"UPDATE media SET created_us = {core.store.stat(older).modified_us + SECOND}")
    later = f"{old.folder}original.webm"
    core.store.put_bytes(add_file(core.db, new, "original", 5, key=later).key, b"later")
    keep_description(core, 3)
    assert told(core, new).id == new.id
    assert ("orphan", older) in found(core)
    assert older not in mend(core)
    assert core.store.read(older) == b"of the older"
    assert [json.loads(text)["media"]["id"] for text in quarantined(core)] == [old.id]


def test_a_file_that_is_put_back_is_its_mediums_again(core: Core) -> None:
    """As by an admin, out of a backup; what is not the very file goes to the quarantine, with the reason."""
    media = film(core, digest=hashlib.sha256(b"film").hexdigest())
    key = f"{media.folder}original.bin"
    core.store.delete(key)
    mend(core)
    assert "not in the store" in MediaLibrary(core.db).get(3).detail
    core.store.put_bytes(key, b"FILM")
    assert "moved to quarantine" in mend(core)[key]
    assert "SHA-256" in "".join(reasons(core))
    core.store.put_bytes(key, b"film")
    assert mend(core)[key] == "it is there again"
    assert found(core) == []
    assert MediaLibrary(core.db).get(3).detail == ""
    assert quarantined(core) == [b"FILM"]


def test_a_sweep_describes_what_is_not_and_what_is_not_any_more(core: Core, clock: FakeClock) -> None:
    """Of before this version, of who was killed, of who wrote late, of an owner who is called otherwise."""
    one, two, three, four = (film(core, number) for number in (1, 2, 3, 4))
    for media in (two, three, four):
        keep_description(core, media.number)
    MediaLibrary(core.db).rename(2, "another")  # and whoever did it was killed
    core.store.put_bytes(about(three), b"rubbish", overwrite=True)
    put(core.db, 9, state="queued")  # without a file
    janitor = build_janitor(core)
    janitor.look(threading.Event())
    assert [told(core, media) for media in (one, two, three)] == [MediaLibrary(core.db).get(n) for n in (1, 2, 3)]
    assert quarantined(core) == [b"rubbish"]
    assert about(medium(9)) not in objects(core, keys.UPLOADS)
    before = {key: core.store.stat(key).modified_us for key in objects(core, keys.UPLOADS)}
    clock.advance(11 * MINUTE)
    janitor.look(threading.Event())
    assert {key: core.store.stat(key).modified_us for key in objects(core, keys.UPLOADS)} == before, "nothing to do"
    ada = Users(core.db).named("ada")
    assert ada is not None
    Users(core.db).change(ada.id, name="Ada L.")
    clock.advance(11 * MINUTE)
    janitor.look(threading.Event())
    known = read_description(about(four), core.store.read(about(four)))
    assert (known.owner.name, known.owner.id, known.media.owner_name) == ("Ada L.", ada.id, "ada")


def test_a_sweep_looks_at_some_at_once_the_newest_first_and_gets_to_all(core: Core, clock: FakeClock) -> None:
    media = put_many(core.db, [{"number": number, "created_us": NOW} for number in range(1, 451)])
    for one in media:
        core.store.put_bytes(add_file(core.db, one, "original", 4).key, b"film")
    sweep, stop = DescriptionSweep(core), threading.Event()
    assert sweep.look(stop) == 200
    assert sweep.look(stop) == 0, "not again at once"
    described = [key for key in objects(core, keys.UPLOADS) if key.endswith(keys.DESCRIPTION)]
    assert sorted(int(key.split("/")[2]) for key in described) == list(range(251, 451))
    for more in (200, 50, 0):
        clock.advance(20 * SECOND)
        assert sweep.look(stop) == more
    stop.set()
    clock.advance(11 * MINUTE)
    assert sweep.look(stop) == 0


def test_numbers_go_on_after_those_that_only_the_store_knows(core: Core) -> None:
    """An index that is new, or an older copy, would give away folders of media that are still to come back."""
    core.store.put_bytes("uploads/bob.2/41/original.webm", b"film")
    core.store.put_bytes("uploads/bob.2/9/original.webm", b"film")
    core.store.put_bytes("uploads/notes/999/original.webm", b"no folder of ours")
    core.store.put_bytes("uploads/bob.2/2147483646/original.webm", b"after which there would be none left")
    stop = threading.Event()
    MediaNumbers(core, lambda: None).look(stop)
    with core.db.begin() as c:
        assert next_number(c) == 42
    core.store.put_bytes("uploads/bob.2/40/original.webm", b"film")
    MediaNumbers(core, lambda: None).look(stop)
    with core.db.begin() as c:
        assert next_number(c) == 43, "it never goes back"


def test_a_janitor_counts_beside_its_looks_until_it_has_seen_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that takes minutes to list keeps no room from being made."""
    monkeypatch.setattr(media_numbers, "_AGAIN_S", 0.2)
    with core_at(tmp_path / "other") as core:
        core.store.put_bytes("uploads/bob.2/41/original.webm", b"film")
        media = film(core)
        listed, go_on, failures = core.store.list, threading.Event(), [2, 1, 0]

        def slow(prefix: str) -> Iterator[ObjectInfo]:
            if prefix == keys.UPLOADS and threading.current_thread().name == "media-numbers":
                assert go_on.wait(30)
                if failures.pop(0):
                    raise DataLoss("listing: Input/output error")
            return listed(prefix)

        def told_of() -> str:
            return "".join(one.detail for one in janitor.health() if one.name == "descriptions")

        monkeypatch.setattr(core.store, "list", slow)
        janitor, stop = build_janitor(core), threading.Event()
        running = threading.Thread(target=janitor.run, args=(stop,))
        running.start()
        try:
            wait_for("a look beside it", lambda: about(media) in objects(core, keys.UPLOADS), 30)
            go_on.set()
            wait_for("the trouble", lambda: told_of() == "listing: Input/output error")
            wait_for("all of them", lambda: not failures and told_of() == "")
        finally:
            stop.set()
            running.join(20)
        with core.db.begin() as c:
            assert next_number(c) == 42


def test_a_store_that_is_away_hinders_nothing_else_and_is_told(core: Core, clock: FakeClock) -> None:
    media = film(core)
    sweep = DescriptionSweep(core)

    def away(*_: object, **__: object) -> None:
        raise Unavailable("the store does not answer")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.store, "put_bytes", away)
        with pytest.raises(Unavailable):
            sweep.look(threading.Event())
        clock.advance(20 * SECOND)
        janitor = build_janitor(core)
        janitor.look(threading.Event())
        clock.advance(5 * SECOND)
        janitor.look(threading.Event())  # which has nothing to do yet, and so nothing new to tell
        assert [one.detail for one in janitor.health() if one.name == "descriptions"] == ["the store does not answer"]
    clock.advance(20 * SECOND)
    assert sweep.look(threading.Event()) == 1
    assert told(core, media) == media
    janitor.look(threading.Event())
    assert [one.detail for one in janitor.health() if one.name == "descriptions"] == [""]


def test_what_cannot_be_read_is_described_anew(core: Core, clock: FakeClock) -> None:
    """A disk that does not give back an object takes another in its place."""
    media = film(core)
    keep_description(core, 3)
    read, written = core.store.read, core.store.put_bytes
    rotten = True

    def damaged(key: str, *where: Any) -> bytes:
        if key == about(media) and rotten:
            raise DataLoss("reading it: Input/output error")
        return read(key, *where)

    def anew(*args: Any, **more: Any) -> None:
        nonlocal rotten
        written(*args, **more)
        rotten = False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.store, "read", damaged)
        patch.setattr(core.store, "put_bytes", anew)
        assert DescriptionSweep(core).look(threading.Event()) == 1
    assert told(core, media) == media
    assert quarantined(core) == []


def test_one_that_the_store_never_answers_for_holds_up_no_others(core: Core, clock: FakeClock) -> None:
    """A single object that may not be looked at, of sixty: in the end the other fifty-nine are described."""
    media = [film(core, number) for number in range(1, 61)]
    stat, bad = core.store.stat, about(media[49])

    def refused(key: str) -> ObjectInfo:
        if key == bad:
            raise Unavailable("it may not be looked at")
        return stat(key)

    sweep = DescriptionSweep(core)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.store, "stat", refused)
        for _ in range(8):
            with suppress(Unavailable):
                sweep.look(threading.Event())
            clock.advance(20 * SECOND)
    assert sum(key.endswith(keys.DESCRIPTION) for key in objects(core, keys.UPLOADS)) == 59


def test_a_look_ends_within_its_time_however_slow_the_store_is(core: Core, clock: FakeClock) -> None:
    """Room on the disk is made between."""
    for number in range(1, 31):
        film(core, number)
    stat, looks, stop = core.store.stat, list[str](), threading.Event()

    def slow(key: str) -> ObjectInfo:
        looks.append(key)
        clock.advance(SECOND)
        return stat(key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.store, "stat", slow)
        sweep = DescriptionSweep(core)
        sweep.look(stop)
        first = len(looks)
        assert 1 <= first <= 4
        clock.advance(20 * SECOND)
        sweep.look(stop)
        assert len(looks) > first, "the next goes on"
        stop.set()
        clock.advance(20 * SECOND)
        before = len(looks)
        sweep.look(stop)
        assert 1 <= len(looks) - before <= 4, "whoever is to end does so after the medium at hand"


def test_a_description_goes_with_its_medium_and_is_no_stray(core: Core) -> None:
    media = film(core, created_us=1)  # before its files came, by the clock of the disk
    keep_description(core, 3)
    assert found(core) == []
    MediaLibrary(core.db).trash(3, NOW)
    assert keep_description(core, 3)
    assert (told(core, media).state, told(core, media).before_trash) == ("trashed", "ready")
    assert found(core) == []
    assert MediaTrash(core.db).mark([media.id], "asked", NOW)
    build_janitor(core).look(threading.Event())
    assert list(core.store.list(keys.UPLOADS)) == []


def test_what_describes_a_deleted_medium_is_a_stray_and_goes_to_the_quarantine(core: Core) -> None:
    """Whoever wrote it was killed before it saw that the medium was deleted."""
    media = film(core, created_us=1)  # before its files came, by the clock of the disk
    keep_description(core, 3)
    text = core.store.read(about(media))
    MediaLibrary(core.db).trash(3, NOW)
    assert MediaTrash(core.db).mark([media.id], "asked", NOW)
    build_janitor(core).look(threading.Event())
    core.store.put_bytes(about(media), text)
    assert found(core) == [("orphan", about(media))]
    mend(core)
    assert quarantined(core) == [text]
    assert objects(core, keys.UPLOADS) == {}

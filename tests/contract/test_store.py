"""What every store must do, whatever it is made of: a directory, or a bucket of a real S3 server."""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, InvalidInput, NotFound
from gatehouse_common.storage import FileSource, LocalStore, ObjectStore, is_meant
from s3_server import Bucket, bucket

KEY = "recordings/cam/2024-05-17/recording_20240517_102300.mp4"

ADAPTERS = ["local", "s3"]

CLIMBING = [
    "",
    "/etc/passwd",
    "..",
    "../outside",
    "recordings/../../outside",
    "recordings/./x",
    "recordings//x",
    "recordings/",
    "recordings/a\0b",
    "recordings\\..\\..\\outside",
    "C:\\outside",
    "x" * 256,
    "recordings/" + "é" * 130,
    "recordings/T\udcfcr.mp4",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with bucket(tmp_path_factory.mktemp("s3") / "server") as made:
        yield made


@pytest.fixture(params=ADAPTERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    made: ObjectStore
    if request.param == "local":
        made = LocalStore(tmp_path / "store")
    else:
        made = request.getfixturevalue("server").below(uuid.uuid4().hex).open()
    made.probe()
    yield made
    made.close()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(range(256)) * 10_000)
    return path


def test_a_file_becomes_an_object_and_stays_where_it_is(store: ObjectStore, film: Path) -> None:
    info = store.put_file(film, KEY)
    assert (info.key, info.size) == (KEY, 2_560_000)
    assert store.read(KEY) == film.read_bytes()
    assert store.stat(KEY) == info
    assert info.modified_us > 1_600_000_000_000_000


def test_a_moved_file_is_gone_afterwards(store: ObjectStore, film: Path) -> None:
    data = film.read_bytes()
    store.put_file(film, KEY, move=True)
    assert not film.exists()
    assert store.read(KEY) == data


def test_a_taken_key_is_refused_and_costs_nothing(store: ObjectStore, film: Path) -> None:
    store.put_bytes(KEY, b"first")
    with pytest.raises(Conflict, match="already there"):
        store.put_file(film, KEY, move=True)
    with pytest.raises(Conflict):
        store.put_bytes(KEY, b"second")
    assert store.read(KEY) == b"first"
    assert film.stat().st_size == 2_560_000


def test_only_one_of_many_takes_a_key(store: ObjectStore) -> None:
    won: list[bytes] = []
    lost: list[Conflict] = []

    def put(data: bytes) -> None:
        try:
            store.put_bytes(KEY, data)
            won.append(data)
        except Conflict as error:
            lost.append(error)

    threads = [threading.Thread(target=put, args=(b"%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(lost) == 7
    assert store.read(KEY) == won[0]


def test_the_same_file_again_is_no_conflict(store: ObjectStore, film: Path) -> None:
    """A crash may have come between storing a chunk and telling so."""
    first = store.put_file(film, KEY)
    assert store.put_file(film, KEY) == first


def test_what_is_sent_while_it_grows_is_whole_in_the_end(store: ObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "growing.mp4"
    data = random.Random(1).randbytes(20_000_000)
    growing, source = store.grow(KEY), FileSource(path, KEY)
    if growing is None:  # nothing has to be sent: the file gets a second name
        assert store.local_path(KEY) is not None
        return
    path.write_bytes(data[:1000])
    assert growing.feed(source, 1000) == 0
    path.write_bytes(data[:17_000_000])
    assert 5_000_000 < growing.feed(source, 17_000_000) <= 17_000_000
    with pytest.raises(NotFound):
        store.stat(KEY)
    path.write_bytes(data)
    elsewhere = path.rename(tmp_path / "the same on a worker that was started again.mp4")
    growing.finish(FileSource(elsewhere, KEY))
    assert store.read(KEY) == data
    assert store.tidy(1 << 62) == 0


def test_what_grew_for_nothing_leaves_nothing(store: ObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "growing.mp4"
    path.write_bytes(bytes(17_000_000))
    growing, source = store.grow(KEY), FileSource(path, KEY)
    if growing is not None:
        growing.feed(source, 17_000_000)
        growing.abort()
        assert growing.feed(source, 17_000_000) <= 17_000_000
        growing = store.grow(KEY)
        assert growing is not None
        growing.feed(source, 17_000_000)
        store.put_bytes(KEY, b"somebody was faster")
        with pytest.raises(Conflict, match="already there"):
            growing.finish(source)
        assert path.stat().st_size == 17_000_000
        assert store.read(KEY) == b"somebody was faster"
    assert store.tidy(1 << 62) == 0


def test_overwriting_is_possible_when_asked_for(store: ObjectStore) -> None:
    store.put_bytes("recordings/recording_index.json", b"{}")
    store.put_bytes("recordings/recording_index.json", b"{ }", overwrite=True)
    assert store.read("recordings/recording_index.json") == b"{ }"


def test_a_missing_file_is_told(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        store.put_file(tmp_path / "nothing.mp4", KEY)
    with pytest.raises(NotFound):
        store.stat(KEY)


def test_ranges(store: ObjectStore, film: Path) -> None:
    store.put_file(film, KEY)
    data = film.read_bytes()
    for offset, length in [(0, 1), (255, 2), (1_048_575, 1_500_000), (2_559_999, 1), (100, 0), (2_560_000, 0)]:
        assert store.read(KEY, offset, length) == data[offset : offset + length]
    assert store.read(KEY, 2_000_000) == data[2_000_000:]
    pieces = list(store.open_range(KEY))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 1 << 20


def test_a_range_beyond_the_end_is_data_loss(store: ObjectStore) -> None:
    store.put_bytes(KEY, b"12345")
    with pytest.raises(DataLoss, match="ends"):
        store.read(KEY, 3, 10)


def test_a_range_that_is_none_is_refused(store: ObjectStore) -> None:
    store.put_bytes(KEY, b"12345")
    for offset, length in [(-1, 2), (0, -1)]:
        with pytest.raises(InvalidInput):
            store.open_range(KEY, offset, length)


def test_an_object_deleted_while_it_is_read_is_read_to_its_end(store: ObjectStore, film: Path) -> None:
    data = film.read_bytes()
    store.put_file(film, KEY, move=True)
    pieces = store.open_range(KEY)
    first = next(pieces)
    store.delete(KEY)
    assert first + b"".join(pieces) == data


def test_what_is_not_there(store: ObjectStore) -> None:
    store.put_bytes(KEY, b"x")
    for key in ["recordings/none.mp4", "recordings/cam", KEY + "/below", "none/at/all"]:
        with pytest.raises(NotFound):
            store.stat(key)
        with pytest.raises(NotFound):  # at once, not at the first piece: an answer has no headers by then
            store.open_range(key)
    store.delete("recordings/none.mp4")
    store.delete(KEY + "/below")
    assert store.read(KEY) == b"x"


def test_listing_is_by_prefix_and_sorted(store: ObjectStore) -> None:
    names = ["recordings/b/2.mp4", "recordings/a/1.mp4", "recordings/a/10.mp4", "clips/aa/x.mp4"]
    for name in names:
        store.put_bytes(name, name.encode())
    assert [i.key for i in store.list("recordings/")] == sorted(names[:3])
    assert [i.key for i in store.list("recordings/a/1")] == ["recordings/a/1.mp4", "recordings/a/10.mp4"]
    assert [i.key for i in store.list("")] == sorted(names)
    assert list(store.list("nothing/here/")) == []
    assert next(store.list("clips/")).size == len(names[3])


FOREIGN = ["recordings/a/b\\c.mp4", "recordings/a/" + "x" * 240 + ".mp4"]


def test_what_has_a_name_that_no_key_can_have_is_passed_over(store: ObjectStore, tmp_path: Path) -> None:
    """S2-44: one such file, copied in by somebody, must not end each check, and each search for a chunk, for ever."""
    store.put_bytes("recordings/a/1.mp4", b"1")
    store.put_bytes("recordings/a/z.mp4", b"2")
    if isinstance(store, LocalStore):
        for name in FOREIGN:
            (store.root / name).write_bytes(b"?")
        (tmp_path / "store" / "recordings" / "a" / os.fsdecode(b"T\xfcr.mp4")).write_bytes(b"?")  # of Latin-1
    else:
        for name in FOREIGN:
            store._client.put_object(Bucket=store.place.bucket, Key=store.place.start(name), Body=b"?")  # type: ignore[attr-defined]
    assert [i.key for i in store.list("recordings/")] == ["recordings/a/1.mp4", "recordings/a/z.mp4"]
    assert [i.key for i in store.list("recordings/a/")] == ["recordings/a/1.mp4", "recordings/a/z.mp4"]


def test_deleting_twice_is_no_error(store: ObjectStore) -> None:
    store.put_bytes(KEY, b"x")
    store.delete(KEY)
    store.delete(KEY)
    assert list(store.list("")) == []


def test_many_are_deleted_at_once_and_others_stay(store: ObjectStore) -> None:
    names = [f"recordings/cam/2024-05-17/{n}.mp4" for n in range(1203)]
    for name in names[:5] + names[-5:]:
        store.put_bytes(name, b"x")
    store.put_bytes(KEY, b"stays")
    assert store.delete_many(names) == {}  # those that are not there are no error
    assert [i.key for i in store.list("")] == [KEY]
    assert store.delete_many([]) == {}
    assert store.read(KEY) == b"stays"


def test_a_folder_that_is_emptied_while_something_is_put_into_it_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk that takes its time to be durable, as a busy one does."""
    store = LocalStore(tmp_path)
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (time.sleep(0.005), fsync(fd)))
    ended, failed = threading.Event(), list[str]()

    def empty() -> None:
        while not ended.is_set():
            store.delete_many([KEY])

    thread = threading.Thread(target=empty)
    thread.start()
    source = tmp_path / "film"
    source.write_bytes(b"film")
    for n in range(40):
        key = KEY.replace(".mp4", f"_{n}.mp4")
        try:
            store.put_file(source, key) if n % 2 else store.put_bytes(key, b"x")
        except GatehouseError as error:
            failed.append(error.message)
        store.delete(key)
    ended.set()
    thread.join()
    assert failed == []


@pytest.mark.parametrize("key", CLIMBING)
def test_no_key_leads_out_of_the_store(store: ObjectStore, film: Path, key: str) -> None:
    """S0-39: only names that the server made are ever opened."""
    for refused in [
        lambda: store.put_file(film, key),
        lambda: store.put_bytes(key, b"x"),
        lambda: store.open_range(key),
        lambda: store.stat(key),
        lambda: store.delete(key),
        lambda: store.local_path(key),
    ]:
        with pytest.raises(InvalidInput):
            refused()


def test_the_probe_leaves_nothing_behind(store: ObjectStore) -> None:
    store.probe()
    assert list(store.list("")) == []


def test_probes_may_overlap(store: ObjectStore) -> None:
    failed: list[Exception] = []

    def probe() -> None:
        try:
            for _ in range(10):
                store.probe()
        except GatehouseError as error:
            failed.append(error)

    threads = [threading.Thread(target=probe) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_capacity_is_of_the_place_that_fills_up(store: ObjectStore) -> None:
    room = store.capacity()
    if room is None:  # a bucket grows as it is filled
        assert store.local_path(KEY) is None
        return
    assert 0 < room.free <= room.total
    assert room.free_inodes is None or room.free_inodes >= 0


def test_a_draft_becomes_an_object_or_nothing(store: ObjectStore, film: Path) -> None:
    """Where the store is a directory: written piece by piece, an object at once, and not listed before."""
    draft = store.draft(KEY)
    if draft is None:
        assert store.local_path(KEY) is None
        return
    data = film.read_bytes()
    draft.copy(film, 100, len(data) - 100, 100)
    draft.write(0, data[:100])
    assert list(store.list("")) == []
    assert draft.publish(KEY).size == len(data)
    draft.discard()
    assert store.read(KEY) == data
    second = store.draft(KEY)
    assert second is not None
    second.write(0, b"other")
    with pytest.raises(Conflict):
        second.publish(KEY)
    with pytest.raises(DataLoss):
        second.copy(film, len(data) - 1, 2, 0)
    with pytest.raises(NotFound):
        second.copy(film.with_name("gone"), 0, 1, 0)
    second.discard()
    assert [info.key for info in store.list("")] == [KEY]
    assert store.tidy(1 << 60) == 0
    assert store.read(KEY) == data


def test_what_has_another_size_is_not_what_was_meant(store: ObjectStore) -> None:
    store.put_bytes(KEY, b"footage")
    assert [is_meant(store, KEY, size) for size in (7, 8, 0)] == [True, False, True]
    store.delete(KEY)
    assert is_meant(store, KEY, 8)

"""What is particular to a store in a directory: links, symbolic links, crashes, full disks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from gatehouse_common.errors import Conflict, InvalidInput, NotFound, ResourceExhausted, Unavailable
from gatehouse_common.storage import LocalStore, MediaReader, Spools

KEY = "recordings/cam/2024-05-17/a.mp4"


def failing(code: int):
    def fail(*_args: object, **_more: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "spool.mp4"
    path.write_bytes(b"media")
    return path


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "root")


def test_publishing_copies_no_byte(store: LocalStore, film: Path) -> None:
    store.put_file(film, KEY)
    assert store.local_path(KEY).samefile(film)


@pytest.mark.parametrize("way", ["file", "bytes"])
def test_file_and_folders_are_on_the_disk_before_it_returns(
    store: LocalStore, film: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """What a power cut must not undo: the bytes, their name, and the names of the folders made for them."""
    store.root.mkdir()
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_ino), real(fd)))
    if way == "file":
        store.put_file(film, KEY)
    else:
        store.put_bytes(KEY, b"media")
    day = store.local_path(KEY).parent
    order = [store.local_path(KEY), day, day.parent, day.parent.parent, store.root]
    assert {path.stat().st_ino for path in order} <= set(synced)
    assert synced[-1] == day.stat().st_ino  # the name last


def test_names_of_many_are_on_the_disk_when_they_are_settled(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4-5: bytes are durable at once, names by one sync of each folder; of each it is told by itself."""
    keys = [f"incoming/a/{n}" for n in range(3)] + ["incoming/b/0"]
    for key in keys[1:]:
        store.put_bytes(key, b"there before", settled=False)
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_ino), real(fd)))
    store.put_bytes(keys[0], b"media", settled=False)
    folder = store.root / "incoming/a"
    assert synced == [store.local_path(keys[0]).stat().st_ino]
    (store.root / "incoming/b").rename(store.root / "gone")
    told = store.settle(keys)
    assert synced[1:] == [folder.stat().st_ino]
    assert told[:3] == [None, None, None]
    assert isinstance(told[3], NotFound)


def test_publishing_again_after_a_crash_is_no_conflict(store: LocalStore, film: Path) -> None:
    store.put_file(film, KEY)
    assert store.put_file(film, KEY, move=True).size == 5
    assert not film.exists()
    assert store.read(KEY) == b"media"


def test_where_links_are_impossible_the_file_is_copied(
    store: LocalStore, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EXDEV))
    store.put_file(film, KEY)
    assert store.read(KEY) == film.read_bytes()
    assert not store.local_path(KEY).samefile(film)
    with pytest.raises(Conflict):
        store.put_file(film, KEY)
    assert [p.name for p in store.local_path(KEY).parent.iterdir()] == ["a.mp4"]


def test_a_copy_that_fails_leaves_nothing(store: LocalStore, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EXDEV))
    monkeypatch.setattr("shutil.copyfileobj", failing(errno.ENOSPC))
    with pytest.raises(ResourceExhausted, match="No space left"):
        store.put_file(film, KEY, move=True)
    assert film.read_bytes() == b"media"
    assert list(store.local_path(KEY).parent.iterdir()) == []


def test_leftovers_of_a_crash_are_not_listed(store: LocalStore) -> None:
    store.put_bytes(KEY, b"x")
    (store.root / "recordings/cam/2024-05-17/.put-abcd").write_bytes(b"half")
    assert [i.key for i in store.list("recordings/")] == [KEY]


@pytest.mark.parametrize("at", ["file", "folder"])
def test_a_symbolic_link_is_refused(store: LocalStore, tmp_path: Path, at: str) -> None:
    """S0-39: a link planted below the root opens nothing outside."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.mp4").write_bytes(b"secret")
    place = store.root / "recordings"
    place.mkdir(parents=True)
    if at == "file":
        (place / "a.mp4").symlink_to(outside / "a.mp4")
        key = "recordings/a.mp4"
    else:
        (place / "cam").symlink_to(outside)
        key = "recordings/cam/a.mp4"
    for refused in (store.read, store.stat, store.delete, store.local_path):
        with pytest.raises(InvalidInput, match="symbolic link"):
            refused(key)
    with pytest.raises(InvalidInput):
        store.put_bytes(key, b"x", overwrite=True)
    assert list(store.list("recordings/")) == []
    assert (outside / "a.mp4").read_bytes() == b"secret"


def test_a_reader_dropped_early_closes_its_file(store: LocalStore) -> None:
    store.put_bytes(KEY, b"x" * 3_000_000)
    before = set(Path("/proc/self/fd").iterdir()) if Path("/proc/self/fd").exists() else set()
    for _ in range(20):
        store.open_range(KEY)
        next(store.open_range(KEY))
    after = set(Path("/proc/self/fd").iterdir()) if before else set()
    assert len(after) <= len(before) + 1


def test_deleting_takes_empty_folders_along_but_not_the_top(store: LocalStore) -> None:
    store.put_bytes(KEY, b"x")
    store.put_bytes("recordings/cam/2024-05-18/b.mp4", b"x")
    store.delete(KEY)
    assert sorted(p.name for p in (store.root / "recordings/cam").iterdir()) == ["2024-05-18"]
    store.delete("recordings/cam/2024-05-18/b.mp4")
    assert sorted(p.name for p in store.root.rglob("*")) == ["recordings"]


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.EACCES, Unavailable, "Permission denied"),
        (errno.EROFS, Unavailable, "Read-only file system"),
        (errno.ENOSPC, ResourceExhausted, "it is full"),
    ],
)
def test_the_probe_says_why(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception], words: str
) -> None:
    monkeypatch.setattr("tempfile.mkstemp", failing(code))
    with pytest.raises(kind, match=words):
        store.probe()


def test_the_probe_tells_inodes_from_bytes(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.root.mkdir()
    real = os.statvfs(store.root)
    monkeypatch.setattr("tempfile.mkstemp", failing(errno.ENOSPC))
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result([*real[:5], 1000, 0, 0, *real[8:]]))
    with pytest.raises(ResourceExhausted, match="inodes are used up"):
        store.probe()


def test_a_root_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "root").write_bytes(b"")
    with pytest.raises(Conflict, match="root"):
        LocalStore(tmp_path / "root").probe()


def test_one_reader_for_spool_and_store(tmp_path: Path) -> None:
    spool, store = LocalStore(tmp_path / "data"), LocalStore(tmp_path / "disk")
    reader = MediaReader(Spools(spool), store)
    spooled = "spool/cam/0190163d-8694-739b-aea5-966c26f8ad91/1.mp4"
    spool.put_bytes(spooled, b"open")
    store.put_bytes(KEY, b"stored")
    assert reader.read(spooled) == b"open"
    assert reader.read(KEY, 1, 2) == b"to"
    assert reader.local_path(spooled) == spool.local_path(spooled)
    assert reader.stat(KEY).size == 6
    spool.delete(spooled)
    with pytest.raises(NotFound):
        reader.open_range(spooled)

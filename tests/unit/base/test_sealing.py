"""What holds a password is kept unreadable, and comes back as it was; with another key nothing is lost but that."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from gatehouse_common.errors import InvalidInput
from gatehouse_common.sealing import KEY_FILE, Sealer, is_sealed, sealer_of

URL = "rtsp://user:hunter22%40x@10.0.0.7:554/stream?channel=1#transport=tcp"
SECRET = "0123456789abcdef0123456789abcdef"


def test_what_is_sealed_comes_back_and_is_never_twice_the_same() -> None:
    sealer = Sealer(SECRET)
    first, second = sealer.seal(URL), sealer.seal(URL)
    assert first != second
    assert "hunter22" not in first
    assert sealer.open(first) == sealer.open(second) == URL
    assert sealer.seal(first) == first
    assert Sealer(SECRET).open(first) == URL
    assert "hunter22" not in sealer.seal(URL.replace("rtsp", "RTSP"))


@pytest.mark.parametrize("url", ["synthetic:?size=64x64", "file:///film.mp4", "v4l2:///dev/video0", ""])
def test_what_holds_no_password_stays_readable(url: str) -> None:
    assert Sealer(SECRET).seal(url) == url
    assert Sealer(SECRET).open(url) == url


def test_without_a_key_or_with_another_it_stays_as_it_is() -> None:
    sealed = Sealer(SECRET).seal(URL)
    assert Sealer().seal(URL) == URL
    assert Sealer().open(sealed) == sealed
    assert Sealer(SECRET[::-1]).open(sealed) == sealed
    assert Sealer(SECRET).open(sealed[:-3]) == sealed[:-3]


def test_the_key_of_a_data_directory_is_made_when_it_is_needed_and_stays(tmp_path: Path) -> None:
    sealer = sealer_of("", tmp_path / "data", shared=False)
    assert sealer.seal("file:///x") == "file:///x"
    assert not (tmp_path / "data").exists(), "looking makes nothing"
    sealed = sealer.seal(URL)
    assert is_sealed(sealed)
    key = tmp_path / "data" / KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert sealer_of("", tmp_path / "data", shared=False).open(sealed) == URL
    assert [path.name for path in (tmp_path / "data").iterdir()] == [KEY_FILE]


def test_a_shared_index_needs_the_setting(tmp_path: Path) -> None:
    assert sealer_of("", tmp_path, shared=True).seals is False
    assert sealer_of(SECRET, tmp_path, shared=True).seals is True
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidInput, match="32 characters"):
        sealer_of("too short", tmp_path, shared=True)


def test_a_disk_without_links_has_a_key_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """exFAT, and some network disks."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    sealed = sealer_of("", tmp_path, shared=False).seal(URL)
    assert sealer_of("", tmp_path, shared=False).open(sealed) == URL
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]

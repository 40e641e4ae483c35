"""A file system of some megabytes for tests: a real one where it can be mounted, else one that is only counted."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from gatehouse_common.storage import Capacity, LocalStore

_BALLAST = "ballast"


@dataclass(frozen=True)
class SmallDisk:
    """A small file system.

    Attributes:
        root: where it is mounted, or the folder that stands for it.
        total: its size in bytes.
        real: whether the kernel says so, and not this file.
    """

    root: Path
    total: int
    real: bool

    def free(self) -> int:
        if self.real:
            found = os.statvfs(self.root)
            return found.f_bavail * found.f_frsize
        return max(0, self.total - sum(_size(p) for p in _files(self.root)))

    def fill(self, leave: int = 0) -> None:
        """Fill it from outside, but for so many bytes."""
        path = self.root / _BALLAST
        with path.open("ab") as file:
            while (room := self.free() - leave) > 0:
                size = os.fstat(file.fileno()).st_size + room
                try:
                    os.posix_fallocate(file.fileno(), 0, size) if self.real else os.truncate(path, size)
                except OSError as error:  # somebody else was quicker
                    if error.errno != errno.ENOSPC:
                        raise

    def clear(self) -> None:
        """Take away what `fill` has put there."""
        (self.root / _BALLAST).unlink(missing_ok=True)


@contextmanager
def small_disk(root: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Make a file system of so many megabytes at ``root``, until the end of the block."""
    root.mkdir(parents=True, exist_ok=True)
    total = megabytes << 20
    if _mounted(root, total):
        try:
            yield SmallDisk(root, total, real=True)
        finally:
            _libc().umount2(os.fsencode(root), 2)  # MNT_DETACH: whatever is still open does not keep it
        return
    disk = SmallDisk(root, total, real=False)
    with _counted(disk):
        yield disk


def _mounted(root: Path, total: int) -> bool:
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    return bool(_libc().mount(b"tmpfs", os.fsencode(root), b"tmpfs", 0, f"size={total}".encode()) == 0)


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


@contextmanager
def _counted(disk: SmallDisk) -> Iterator[None]:
    """Let the port of the store tell of a small disk, and writes of footage end where it does."""
    writev = os.writev

    def limited(fd: int, buffers: Any) -> int:
        if sum(map(len, buffers)) > disk.free():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return writev(fd, buffers)

    capacity = LocalStore.capacity

    def told(store: LocalStore) -> Capacity:
        return Capacity(disk.total, disk.free(), None) if store.root == disk.root else capacity(store)

    with mock.patch.object(LocalStore, "capacity", told), mock.patch.object(os, "writev", limited):
        yield


def _files(root: Path) -> list[Path]:
    seen: dict[int, Path] = {}
    for path in root.rglob("*"):
        try:
            if path.is_file():
                seen[path.stat().st_ino] = path  # a second name takes no room
        except FileNotFoundError:
            continue
    return list(seen.values())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0

"""Files of which some bytes cannot be read any more, as a disk with bad sectors gives them back."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

SECTOR = 4096


class BadSectors:
    """Makes reads of sectors of some files fail; what lies in front of one in the same read is given back, as by Linux.

    Args:
        monkeypatch: undoes it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._bad: dict[tuple[int, int], set[int]] = {}
        self.met = 0
        self._read = os.pread
        monkeypatch.setattr(os, "pread", self._pread)

    def put(self, path: Path, offsets: Iterable[int]) -> None:
        """Make the sectors unreadable in which some bytes of a file lie."""
        found = path.stat()
        self._bad.setdefault((found.st_dev, found.st_ino), set()).update(at // SECTOR for at in offsets)

    def _pread(self, fd: int, length: int, offset: int) -> bytes:
        found = os.fstat(fd)
        bad = self._bad.get((found.st_dev, found.st_ino), set())
        inside = [n * SECTOR for n in bad if n * SECTOR < offset + length and offset < (n + 1) * SECTOR]
        if not inside:
            return self._read(fd, length, offset)
        if min(inside) <= offset:
            self.met += 1
            raise OSError(errno.EIO, "Input/output error")
        return self._read(fd, min(inside) - offset, offset)

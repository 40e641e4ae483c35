"""A file of this machine, read as an object of a store is, whatever its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gatehouse_common.errors import from_os_error

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Size:
    size: int


class OneFile:
    """A file of this machine as if it were an object of a store, whatever its name.

    Raises:
        NotFound: from every method, if there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def stat(self, key: str) -> _Size:
        """Return its size."""
        try:
            return _Size(self._path.stat().st_size)
        except OSError as error:
            raise from_os_error(error, f"reading {key}") from error

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces, shorter where the file ends."""
        try:
            with self._path.open("rb", buffering=0) as file:
                left = self.stat(key).size if length is None else length
                while left > 0 and (piece := os.pread(file.fileno(), min(left, _PIECE), offset)):
                    left, offset = left - len(piece), offset + len(piece)
                    yield piece
        except OSError as error:
            raise from_os_error(error, f"reading {key}") from error

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a range in one piece."""
        return b"".join(self.open_range(key, offset, length))

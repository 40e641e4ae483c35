"""Files that become objects, read by position: on this machine's disk, or wherever a :class:`Source` says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from gatehouse_common.errors import from_os_error


class Source(Protocol):
    """A file that may still be growing at its end. Safe for use by many threads."""

    @property
    def key(self) -> str:
        """Its key, for messages."""
        ...

    def size(self) -> int:
        """Return how many bytes there are now.

        Raises:
            NotFound: there is no such file.
            Unavailable: whoever has it does not answer.
        """
        ...

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; fewer only where the file ends.

        Raises:
            NotFound: there is no such file.
            Unavailable: whoever has it does not answer.
        """
        ...


class FileSource:
    """A file of this machine."""

    def __init__(self, path: Path, key: str) -> None:
        self.path, self._key = path, key

    @property
    def key(self) -> str:
        """Its key, for messages."""
        return self._key

    def size(self) -> int:
        """Return how many bytes there are now."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise from_os_error(error, f"reading {self._key}") from error

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; fewer only where the file ends."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = os.pread(fd, length, offset)
                # In front of a page that cannot be read the system stops short, and says why when it is asked again.
                while len(data) < length and (more := os.pread(fd, length - len(data), offset + len(data))):
                    data += more
                return data
            finally:
                os.close(fd)
        except OSError as error:
            raise from_os_error(error, f"reading {self._key}") from error

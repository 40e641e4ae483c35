"""A slice as a file to read and to seek in: in this process, or across a pipe from the one that has its bytes."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from typing import BinaryIO

_REQUEST = struct.Struct(">QQ")
REQUEST_BYTES = _REQUEST.size


class SliceFile(io.RawIOBase):
    """A file of bytes that somebody else has.

    Args:
        size: its length in bytes.
        read_at: returns the bytes ``[start, end)``, all of them.
    """

    def __init__(self, size: int, read_at: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size, self._read_at, self._at = size, read_at, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read from."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = min(max(base + offset, 0), self._size)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, fewer only at the end."""
        end = self._size if size < 0 else min(self._at + size, self._size)
        data = self._read_at(self._at, end) if end > self._at else b""
        self._at += len(data)
        return data


def remote_file(size: int, ask: int, answers: BinaryIO) -> SliceFile:
    """Return the file whose bytes another process has.

    Args:
        size: its length in bytes.
        ask: file descriptor that requests are written to.
        answers: where the bytes come from.
    """

    def read_at(start: int, end: int) -> bytes:
        os.write(ask, _REQUEST.pack(start, end))
        data = answers.read(end - start)
        if len(data) < end - start:
            raise OSError("the footage ends too early")
        return data

    return SliceFile(size, read_at)


def parse_request(data: bytes) -> tuple[int, int]:
    """Return the ``[start, end)`` that a request asks for."""
    start, end = _REQUEST.unpack(data)
    return start, end

"""A file of which the disk does not give back all bytes any more: what it gives can be had all the same."""

from __future__ import annotations

import threading

from gatehouse_common.errors import DataLoss

from .scan import SizedReader

PAGE = 4096
"""What a disk gives back, or does not: sectors are so large, or less, and the system reads pages."""
_PATIENCE = 16


class Patched:
    """A range of a file in which zeros stand for what cannot be read; a source of objects. Safe for many threads.

    Where many pages in a row cannot be read, after each failure twice as much is passed over: a disk that gives nothing
    back costs a few tries, not days. What was passed over is read from its end back to where it cannot be read.

    Args:
        reader: the file; raises ``DataLoss`` where it cannot be read.
        key: its key, for messages.
        start: where the range begins.
        end: where it ends; None: where the file does.
    """

    def __init__(self, reader: SizedReader, key: str, start: int = 0, end: int | None = None) -> None:
        self._reader, self._key = reader, key
        self._start = start
        self._end = reader.size() if end is None else end
        self._lock = threading.Lock()
        self._unread: set[tuple[int, int]] = set()
        self._failures = 0

    @property
    def key(self) -> str:
        """Its key, for messages."""
        return self._key

    @property
    def unread(self) -> list[tuple[int, int]]:
        """Spans ``[start, end)`` of the range that were asked for and could not be read; offsets in the file."""
        spans: list[tuple[int, int]] = []
        for start, end in sorted(self._unread):
            if spans and start <= spans[-1][1]:
                spans[-1] = spans[-1][0], max(end, spans[-1][1])
            else:
                spans.append((start, end))
        return spans

    @property
    def unread_bytes(self) -> int:
        """How many bytes were asked for and could not be read."""
        return sum(end - start for start, end in self.unread)

    def size(self) -> int:
        """Return how many bytes the range has."""
        return self._end - self._start

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset`` in the range, zeros for what cannot be read.

        Raises:
            GatehouseError: another error of the file system.
        """
        at, end = self._start + offset, min(self._start + offset + length, self._end)
        if at >= end:
            return b""
        try:
            return self._reader.pread(at, end - at)
        except DataLoss:
            with self._lock:
                return self._by_pages(at, end)

    def _by_pages(self, at: int, end: int) -> bytes:
        found = bytearray()
        while at < end:
            beyond = min(end, at - at % PAGE + PAGE)
            try:
                found += self._reader.pread(at, beyond - at)
                self._failures = 0
            except DataLoss:
                self._failures += 1
                beyond = min(end, at - at % PAGE + (PAGE << max(0, self._failures - _PATIENCE)))
                tail = self._tail(at - at % PAGE + PAGE, beyond)
                self._unread.add((at, beyond - len(tail)))
                found += bytes(beyond - len(tail) - at) + tail
            at = beyond
        return bytes(found)

    def _tail(self, at: int, end: int) -> bytes:
        """Return what can be read of pages in front of ``end`` that follow on each other, none from before ``at``."""
        pages: list[bytes] = []
        while at < end:
            begin = max(at, (end - 1) // PAGE * PAGE)
            try:
                pages.append(self._reader.pread(begin, end - begin))
            except DataLoss:
                break
            self._failures, end = 0, begin
        return b"".join(reversed(pages))

"""Memory for bodies of a mebibyte, which is used again: to get it costs half as much as to hash what is in it.

A new buffer of that size is filled with zeros, page by page, while no other thread gets on; its pages are given back to
the system when it is let go of, for which other cores are interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_MOST_KEPT: Final = 8
_LEAST_BYTES: Final = 256 << 10
"""What is smaller the allocator keeps by itself (``gatehouse_common.runtime.footprint``)."""
_MOST_BYTES: Final = 2 << 20
"""A blob of a mebibyte is not larger, in Base64 either; what is needed once does not stay."""


class BodyBuffers:
    """Lends buffers, and keeps a few of those that come back. Safe for use by many threads."""

    def __init__(self) -> None:
        self._free = list[bytearray]()

    @contextmanager
    def lend(self, size: int) -> Iterator[bytearray]:
        """Yield a buffer of ``size`` bytes, whatever is in it; what is yielded, and views of it, end with the block."""
        if not _LEAST_BYTES <= size <= _MOST_BYTES:
            yield bytearray(size)
            return
        lent = self._kept()
        del lent[size:]
        lent.extend(bytes(size - len(lent)))
        try:
            yield lent
        finally:
            self._take_back(lent)

    def _kept(self) -> bytearray:
        try:
            return self._free.pop()
        except IndexError:
            return bytearray()

    def _take_back(self, lent: bytearray) -> None:
        """Keep a buffer for others, unless somebody still has a view of it: then Python lets nobody change its size."""
        with suppress(BufferError):
            del lent[-1:]
            if len(self._free) < _MOST_KEPT:
                self._free.append(lent)

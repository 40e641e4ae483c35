"""A described file as a source, so that it can be made an object of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gatehouse_common.media.virtual_file import VirtualFile

Reads = Callable[[VirtualFile, int, int], Iterable[bytes]]
"""Yields the bytes of a virtual file between two offsets: ``ChunkReader.read``, or its own over a store."""


class VirtualSource:
    """The bytes of a virtual file, as its reader finds them: of chunks, wherever those are by then, or of objects.

    Safe for use by many threads.

    Args:
        key: the object's key, for messages.
        file: what is in it.
        read: reads what its ranges name.
    """

    def __init__(self, key: str, file: VirtualFile, read: Reads) -> None:
        self._key, self.file, self._read = key, file, read
        self._size = file.size

    @property
    def key(self) -> str:
        """Its key, for messages."""
        return self._key

    def size(self) -> int:
        """Return how many bytes there are; always the same."""
        return self._size

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; fewer only where the file ends.

        Raises:
            NotFound: a chunk of it is gone.
            Unavailable: whoever has one does not answer.
            DataLoss: a chunk is shorter than its index says.
        """
        end = min(offset + length, self._size)
        return b"".join(self._read(self.file, offset, end)) if offset < end else b""

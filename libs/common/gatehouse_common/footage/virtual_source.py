"""A described file as a source, so that it can be made an object of a store."""

from __future__ import annotations

from gatehouse_common.media.virtual_file import VirtualFile

from .chunk_reader import ChunkReader


class VirtualSource:
    """The bytes of a virtual file whose ranges carry the ids of chunks, wherever those are by then.

    Safe for use by many threads.

    Args:
        key: the object's key, for messages.
        file: what is in it.
        reader: reads chunks.
    """

    def __init__(self, key: str, file: VirtualFile, reader: ChunkReader) -> None:
        self._key, self.file, self._reader = key, file, reader
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
        return b"".join(self._reader.read(self.file, offset, end)) if offset < end else b""

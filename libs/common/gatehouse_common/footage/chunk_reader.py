"""Reading virtual files made of chunks, wherever a chunk is by the time that its bytes are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile
from gatehouse_common.storage import MediaReader, ObjectInfo


class ChunkReader:
    """Gives the bytes of virtual files whose ranges carry the ids of chunks.

    A client may take hours over a file. Meanwhile the chunk that was open when the file was described is stored, and
    its name in the spool goes; its bytes are the same, so they are read from where they are now.

    Args:
        media: reads any key.
        locate: gives the present key of a chunk, by its id; raises ``NotFound``.
    """

    def __init__(self, media: MediaReader, locate: Callable[[str], str]) -> None:
        self._media, self._locate = media, locate

    def check(self, file: VirtualFile, start: int, end: int) -> None:
        """See that the bytes ``[start, end)`` are there, before anything of them is promised.

        Of a distant store only the first object is looked at: each costs a request, and this one tells whether the
        store is there.

        Raises:
            DataLoss: an object is gone or too short; the sentence names it.
            Unavailable: the store does not answer.
        """
        at, asked = 0, False
        for piece in file.pieces:
            length = piece.length if isinstance(piece, ObjectRange) else len(piece)
            low, high = max(start - at, 0), min(end - at, length)
            at += length
            if low >= high or not isinstance(piece, ObjectRange):
                continue
            distant = self._media.local_path(piece.key) is None
            if distant and asked:
                continue
            asked = asked or distant
            found = self._present(piece)
            if found.size < piece.offset + high:
                raise DataLoss(f"{found.key} is shorter than its index says; `gatehouse check` tells more")

    def read(self, file: VirtualFile, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes ``[start, end)`` of ``file``."""
        ids = {piece.key: piece.identity for piece in file.pieces if isinstance(piece, ObjectRange)}
        return file.read(_Following(self._media, lambda key: self._locate(ids[key])), start, end)

    def _present(self, piece: ObjectRange) -> ObjectInfo:
        try:
            return self._media.stat(piece.key)
        except NotFound as error:
            moved = self._locate(piece.identity)
            if moved == piece.key:
                raise DataLoss(f"the file of {piece.key} is gone; `gatehouse check` tells more") from error
            return self._media.stat(moved)


class _Following:
    """Reads a key; if it is gone, the one that its chunk has now."""

    def __init__(self, media: MediaReader, moved: Callable[[str], str]) -> None:
        self._media, self._moved = media, moved

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range of an object in pieces.

        Raises:
            NotFound: it is gone for good.
        """
        try:
            pieces = self._media.open_range(key, offset, length)
            first = next(pieces, b"")
        except NotFound:
            pieces = self._media.open_range(self._moved(key), offset, length)
            first = next(pieces, b"")
        yield first
        yield from pieces

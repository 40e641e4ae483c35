"""A file that is described, not made: literal bytes and byte ranges of stored objects, in order.

Its length, its ETag and every byte of any range of it are known before the first byte is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

READ_BYTES = 1 << 20


class RangeReader(Protocol):
    """Where the bytes of stored objects come from."""

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield ``length`` bytes of the object from ``offset``, in pieces.

        Raises:
            NotFound: there is no such object.
        """
        ...


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """``length`` bytes from ``offset`` of the stored object ``key``.

    ``identity`` names the content (the chunk's id) and stays the same when the object moves from the spool
    into the store, so that a file's ETag does not change with the place its bytes are at.
    """

    key: str
    offset: int
    length: int
    identity: str


Piece = bytes | ObjectRange


@dataclass(frozen=True, slots=True)
class VirtualFile:
    """Pieces that together are one file.

    Attributes:
        pieces: literal bytes and object ranges, in file order.
        media_type: the MIME type of the whole.
    """

    pieces: tuple[Piece, ...]
    media_type: str = "video/mp4"

    @property
    def size(self) -> int:
        """Length in bytes."""
        return sum(_length(piece) for piece in self.pieces)

    def etag(self) -> str:
        """Return a strong entity tag (RFC 9110 section 8.8.3), without quotes.

        It hashes the literal bytes and the identities of the ranges: recorded objects are never rewritten, so
        equal descriptions are equal bytes.
        """
        digest = hashlib.sha256()
        for piece in self.pieces:
            if isinstance(piece, bytes):
                digest.update(b"b%d:" % len(piece))
                digest.update(piece)
            else:
                digest.update(f"r{piece.identity}:{piece.offset}:{piece.length};".encode())
        return digest.hexdigest()[:40]

    def read(self, reader: RangeReader, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes ``[start, end)`` of the file, fetching only what they cover."""
        stop = self.size if end is None else end
        at = 0
        for piece in self.pieces:
            length = _length(piece)
            low, high = max(start - at, 0), min(stop - at, length)
            at += length
            if low >= high:
                continue
            if isinstance(piece, bytes):
                yield piece[low:high]
            else:
                yield from reader.open_range(piece.key, piece.offset + low, high - low)


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.length

"""What a stored chunk file says of itself, read by ranges: its run box and its sample index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gatehouse_common.errors import DataLoss

from .gops import seal_scanned
from .index_blob import decode_index, encode_index
from .run_box import (
    FOOTER_BYTES,
    INDEX_FRONT_BYTES,
    RunInfo,
    begins_index_box,
    build_index_box,
    index_box_size,
    index_of_box,
)
from .scan import ChunkScanner, SizedReader

_HEAD_BYTES = 256 << 10
_TAIL_BYTES = 128 << 10
"""Has the whole index of ten minutes at 30 frames a second, and of twice as much."""


class Measured(Protocol):
    """Something with a size in bytes."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...


class RangeStore(Protocol):
    """Where objects are read from."""

    def stat(self, key: str) -> Measured:
        """Return the object's size; ``NotFound`` if there is none."""
        ...

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a range."""
        ...


class ObjectReader:
    """Positioned reads of one finished object.

    Args:
        store: where it is.
        key: which.
        limit: see only this many bytes from the beginning.

    Raises:
        NotFound: there is no such object.
    """

    def __init__(self, store: RangeStore, key: str, limit: int | None = None) -> None:
        self._store = store
        self._key = key
        size = store.stat(key).size
        self._size = size if limit is None else min(size, limit)

    def size(self) -> int:
        """Return how many bytes there are."""
        return self._size

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        length = min(length, self._size - offset)
        return self._store.read(self._key, offset, length) if length > 0 else b""


class _FromEnd:
    """Reads the last bytes of an object at once, and what is asked of them out of these: each read is a request."""

    def __init__(self, reader: ObjectReader) -> None:
        self._reader, self._tail = reader, b""
        self._from = reader.size()

    def size(self) -> int:
        """Return how many bytes there are."""
        return self._reader.size()

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        if not self._tail:
            self._from = max(0, self._reader.size() - _TAIL_BYTES)
            try:
                self._tail = self._reader.pread(self._from, _TAIL_BYTES)
            except DataLoss:  # somewhere in it: what is asked for may be beside that
                return self._reader.pread(offset, length)
        if offset < self._from:
            return self._reader.pread(offset, length)
        return self._tail[offset - self._from :][:length]


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """A chunk's compact sample index, and whether it had to be made anew from the file's own parts."""

    blob: bytes
    rescanned: bool


def read_head(store: RangeStore, key: str) -> tuple[RunInfo | None, bytes]:
    """Return what the run box of a chunk file says (None if it has none), and its init segment.

    Raises:
        NotFound: there is no such object.
        DataLoss: its header boxes are damaged.
    """
    scanner = ChunkScanner(ObjectReader(store, key, _HEAD_BYTES), key)
    try:
        scanner.update()
    except DataLoss:
        if scanner.info is None:
            raise  # else it is what follows that cannot be read
    return scanner.info, scanner.init


def load_index(store: RangeStore, key: str) -> StoredIndex:
    """Return the sample index of a chunk file: from its trailing box, else from its parts.

    Raises:
        NotFound: there is no such object.
        DataLoss: there is no whole part in it.
    """
    blob = trailing_index(store, key)
    if blob is not None:
        return StoredIndex(blob, rescanned=False)
    reader = ObjectReader(store, key)
    scanner = ChunkScanner(reader, key)
    scanner.update()
    return StoredIndex(encode_index(scanner.media(), seal_scanned(reader, scanner)), rescanned=True)


def index_at_end(reader: SizedReader) -> bytes | None:
    """Return the compact sample index in the box that a file ends in, None if it ends in none.

    Of a file that only says so in its last bytes, no more is read than where such a box would begin.

    Raises:
        DataLoss: the medium cannot read it.
    """
    size = reader.size()
    length = index_box_size(reader.pread(max(0, size - FOOTER_BYTES), FOOTER_BYTES))
    if length is None or length > size:
        return None
    if not begins_index_box(reader.pread(size - length, INDEX_FRONT_BYTES)):
        return None
    return index_of_box(reader.pread(size - length, length))


def trailing_index(store: RangeStore, key: str) -> bytes | None:
    """Return the sample index in a chunk file's trailing box, None if there is none, or it is damaged or unreadable.

    Raises:
        NotFound: there is no such object.
    """
    reader = _FromEnd(ObjectReader(store, key))
    try:
        blob = index_at_end(reader)
        media = None if blob is None else decode_index(blob, key)
    except DataLoss:
        return None
    if blob is None or media is None or media.indexed_bytes + len(build_index_box(blob)) != reader.size():
        return None
    return blob

"""What a chunk file says of itself, whatever has happened to it: its head, its parts, and the index at its end."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from gatehouse_common.errors import DataLoss
from gatehouse_common.integrity.evidence import own_index
from gatehouse_common.media.gops import seal_scanned
from gatehouse_common.media.index_blob import decode_index, decode_seal
from gatehouse_common.media.run_box import RunInfo, build_index_box
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.scan import ChunkScanner
from gatehouse_common.media.seal import Seal
from gatehouse_common.storage import ObjectStore

BLOCK_BYTES = 4 << 20
_UNREADABLE = (struct.error, ValueError, IndexError, KeyError, OverflowError)
"""What a parser of boxes may trip over where somebody else's bytes, or a flipped bit, are in their place."""
_COLUMNS = ("dts", "dur", "cts", "size", "off", "sync")


class BlockReader:
    """Positioned reads of an object, fetched in blocks: a file is looked through in a few requests.

    Args:
        store: where it is.
        key: which.
        size: its size in bytes.
        block: how much is fetched at once; of a local file no more than is asked for.
    """

    def __init__(self, store: ObjectStore, key: str, size: int, block: int | None = None) -> None:
        self._store, self._key, self._size = store, key, size
        self._block = block or (0 if store.local_path(key) is not None else BLOCK_BYTES)
        self._at, self._held = 0, b""

    def size(self) -> int:
        """Return its size in bytes."""
        return self._size

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        length = min(length, self._size - offset)
        if length <= 0:
            return b""
        if not self._at <= offset <= offset + length <= self._at + len(self._held):
            wanted = min(max(length, self._block), self._size - offset)
            self._at, self._held = offset, self._store.read(self._key, offset, wanted)
        start = offset - self._at
        return self._held[start : start + length]


@dataclass(frozen=True, slots=True)
class Content:
    """What a chunk file says.

    Attributes:
        size: bytes of the file.
        info: its run box; None: there is none, or it is damaged.
        init: its init segment; empty: there is none that can be read.
        boxes: its samples by its own boxes, up to the first that is damaged; None: not one part is whole.
        box: the compact sample index at its end; None: there is none.
        own: the same, read; None: it cannot be.
        seal: the digests of a file that has no such index: those between its GOPs.
    """

    size: int
    info: RunInfo | None
    init: bytes
    boxes: ChunkMedia | None
    box: bytes | None
    own: ChunkMedia | None
    seal: Seal | None = None

    @property
    def is_consistent(self) -> bool:
        """Whether the whole of the file is as its index at its end says."""
        return (
            self.info is not None
            and self.boxes is not None
            and self.own is not None
            and same(self.own, self.boxes)
            and self.own.origin_us == self.boxes.origin_us
            and self.info.chunk == self.own.chunk_id
        )


def read_content(store: ObjectStore, key: str, size: int) -> Content:
    """Return what a chunk file says of itself; damage is no error here.

    Raises:
        NotFound: it is gone.
        Unavailable: the store does not answer.
    """
    reader = BlockReader(store, key, size)
    scanner = ChunkScanner(reader, key)
    boxes = None
    # What was scanned before a box that is damaged, or cannot be read, stays; nothing behind it is had by the boxes.
    with suppress(DataLoss, *_UNREADABLE):
        scanner.update()
    with suppress(DataLoss, *_UNREADABLE):
        boxes = scanner.media()
    box = own_index(reader)
    own = None if box is None else _read_box(box, key, size)
    if own is not None and box is not None and _lost_digests(scanner, box, key):
        box = own = None
    seal = None
    if own is None and boxes is not None:
        with suppress(DataLoss):  # without digests it is told by its boxes what is good of it
            seal = seal_scanned(reader, scanner)
    return Content(size, scanner.info, scanner.init, boxes, box, own, seal)


def _lost_digests(scanner: ChunkScanner, box: bytes, key: str) -> bool:
    """Return whether a file that was recorded with digests ends in an index without: it is not the one it had."""
    chained = scanner.info is not None and bool(scanner.info.previous)
    return decode_seal(box, key) is None and (chained or any(scanner.digests))


def _read_box(box: bytes, key: str, size: int) -> ChunkMedia | None:
    try:
        decode_seal(box, key)
        media = decode_index(box, key)
    except DataLoss:
        return None
    is_at_end = media.indexed_bytes + len(build_index_box(box)) == size
    return media if is_at_end and len(media.parts) else None


def same(a: ChunkMedia, b: ChunkMedia) -> bool:
    """Return whether two descriptions of a chunk are of the same samples at the same places."""
    if (a.chunk_id, a.run_id, a.indexed_bytes, len(a.tracks)) != (b.chunk_id, b.run_id, b.indexed_bytes, len(b.tracks)):
        return False
    return all(
        np.array_equal(getattr(mine, column), getattr(theirs, column))
        for mine, theirs in zip(a.tracks, b.tracks, strict=True)
        for column in _COLUMNS
    )

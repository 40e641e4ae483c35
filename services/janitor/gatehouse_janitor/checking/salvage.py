"""A damaged chunk is made whole: as it was, where all that is damaged is known; else what is good of it.

Objects are made once: nothing is written into the damaged one. The new ones get keys of their own, and only when the
index has them does the old one go to the quarantine, whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gatehouse_common.db import Inventory
from gatehouse_common.errors import Conflict, DataLoss, NotFound
from gatehouse_common.footage.virtual_source import VirtualSource
from gatehouse_common.media.gops import gop_table, seal_scanned
from gatehouse_common.media.index_blob import encode_index
from gatehouse_common.media.run_box import RunInfo, build_digest_box, build_index_box, build_run_box
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.scan import ChunkScanner
from gatehouse_common.media.stored import read_head
from gatehouse_common.media.virtual_file import ObjectRange, Piece, VirtualFile
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectStore, keys

from .known_chunk import KnownChunk

_MOST_NAMES = 99


@dataclass(frozen=True, slots=True)
class Whole:
    """A chunk that was made of what is good of another, or that is whole as it is."""

    key: str
    info: RunInfo
    media: ChunkMedia
    size: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """GOPs ``[first, beyond)`` of a chunk that are good, the last of them up to the byte ``end``."""

    first: int
    beyond: int
    end: int


class Salvage:
    """What is good of one damaged object, and what is made of it.

    Args:
        core: the store.
        key: the damaged object.
        known: what it should be.
    """

    def __init__(self, core: Core, key: str, known: KnownChunk) -> None:
        self._core, self._key, self._known = core, key, known
        self._gops = gop_table(known.media.parts)
        self._size = core.store.stat(key).size

    def _source(self, key: str, file: VirtualFile) -> VirtualSource:
        """Return pieces of objects of the store as one file."""
        return VirtualSource(key, file, lambda whole, start, end: whole.read(self._core.store, start, end))

    def make(self) -> list[Whole]:
        """Make chunks of all that is good; doing so again makes the same ones, and none twice.

        The first keeps the id of the chunk, the others get ids that follow from it and from where they begin.

        Raises:
            GatehouseError: the store does not take them.
        """
        known = self._known
        good = self.stretches()
        if known.blob is not None and good == [Stretch(0, len(self._gops), int(self._gops.end[-1]))]:
            box = build_index_box(known.blob)  # as it was recorded, byte for byte
            return [self._put(known.info, VirtualFile((*self._pieces(known.info, good[0]), box)), known.media)]
        return [self._part(n, stretch) for n, stretch in enumerate(good)]

    def stretches(self) -> list[Stretch]:
        """Return the GOPs that are as they were written, neighbours together.

        Raises:
            DataLoss: none is, and some cannot be read: a disk that gives nothing back may do so tomorrow.
        """
        found: list[Stretch] = []
        unread = ""
        for n in range(len(self._gops)):
            try:
                end = self._good_until(n)
            except DataLoss as error:
                end, unread = None, error.message
            if end is None:
                continue
            last = found[-1] if found else None
            if last is not None and last.beyond == n and last.end == int(self._gops.end[n - 1]):
                found[-1] = Stretch(last.first, n + 1, end)
            else:
                found.append(Stretch(n, n + 1, end))
        if unread and not found:
            raise DataLoss(f"nothing of {self._key} can be had now: {unread}")
        return found

    def _good_until(self, n: int) -> int | None:
        """Return up to which byte a GOP is good from its keyframe on; None if it is not."""
        start, end = int(self._gops.off[n]), int(self._gops.end[n])
        if end <= self._size:
            seal = self._known.seal
            is_good = self._hash(start, end) == seal.gops[n] if seal is not None else self._is_as_known(start, end)
            return end if is_good else None
        # The file ends in the middle of it: as many parts as are there whole can be decoded.
        parts = self._known.media.parts
        ends = (parts.off + parts.size)[(parts.off >= start) & (parts.off + parts.size <= min(end, self._size))]
        return next((int(e) for e in ends[::-1] if self._is_as_known(start, int(e))), None)

    def _hash(self, start: int, end: int) -> bytes:
        digest = hashlib.sha256()
        for piece in self._core.store.open_range(self._key, start, end - start):
            digest.update(piece)
        return digest.digest()

    def _part(self, n: int, stretch: Stretch) -> Whole:
        info = self._known.info
        if n:
            info = replace(info, chunk=part_id(info.chunk, int(self._gops.off[stretch.first])), previous=b"")
        elif stretch.first:
            info = replace(info, previous=b"")  # what it is chained to is not what stands before it now
        pieces = self._pieces(info, stretch)
        body = self._source(self._key, VirtualFile(pieces))
        scanner = ChunkScanner(body, self._key)
        scanner.update()
        media = scanner.media()
        box = build_index_box(encode_index(media, seal_scanned(body, scanner)))
        return self._put(info, VirtualFile((*pieces, box)), media)

    def _pieces(self, info: RunInfo, stretch: Stretch) -> tuple[Piece, ...]:
        pieces: list[Piece] = [self._known.init + build_run_box(info)]
        for n in range(stretch.first, stretch.beyond):
            start, end = int(self._gops.off[n]), int(self._gops.end[n])
            if n > stretch.first and self._known.seal is not None and start > int(self._gops.end[n - 1]):
                pieces.append(build_digest_box(self._known.seal.gops[n - 1]))
            length = (stretch.end if n == stretch.beyond - 1 else end) - start
            pieces.append(ObjectRange(self._key, start, length, self._known.info.chunk))
        return tuple(pieces)

    def _put(self, info: RunInfo, file: VirtualFile, media: ChunkMedia) -> Whole:
        store = self._core.store
        for target in self._names(info.camera, media.start_us):
            try:
                store.put(self._source(target, file), target)
            except Conflict:
                if not _is_it(store, target, info.chunk, file.size):
                    continue
            return Whole(target, info, replace(media, key=target), file.size)
        raise Conflict(f"{_MOST_NAMES} chunks of camera {info.camera} begin in the second of {self._key}")

    def _names(self, camera: str, start_us: int) -> Iterator[str]:
        """Yield the keys that a chunk may get, but for those whose objects are going to be deleted."""
        inventory = Inventory(self._core.db)
        names = (keys.recording(camera, start_us, self._core.zone, n) for n in range(1, _MOST_NAMES + 1))
        return (name for name in names if name != self._key and not inventory.to_be_deleted([name]))

    def _is_as_known(self, start: int, end: int) -> bool:
        """Return whether the boxes of some parts are those that are known."""
        known, head = self._known.media, self._known.head
        pieces: Sequence[Piece] = (head, ObjectRange(self._key, start, end - start, known.chunk_id))
        scanner = ChunkScanner(self._source(self._key, VirtualFile(tuple(pieces))), self._key)
        try:
            scanner.update()
            found = scanner.media()
        except DataLoss:
            return False
        if found.indexed_bytes != len(head) + end - start or len(found.tracks) != len(known.tracks):
            return False
        moved = start - len(head)
        for mine, theirs in zip(found.tracks, known.tracks, strict=True):
            inside = (theirs.off >= start) & (theirs.off < end)
            columns = ("dts", "dur", "cts", "size", "sync")
            if not all(np.array_equal(getattr(mine, c), getattr(theirs, c)[inside]) for c in columns):
                return False
            if not np.array_equal(mine.off + moved, theirs.off[inside]):
                return False
        return True


def part_id(chunk: str, start: int) -> str:
    """Return the id of the chunk that begins at a byte of another: a UUIDv7 of the same time, always the same one."""
    digest = hashlib.sha256(f"{chunk}:{start}".encode()).hexdigest()
    # RFC 9562 section 5.7: 48 bits of time, version, 12 bits, variant, 62 bits.
    return f"{chunk[:14]}7{digest[:3]}-{'89ab'[int(digest[3], 16) % 4]}{digest[4:7]}-{digest[7:19]}"


def _is_it(store: ObjectStore, key: str, chunk: str, size: int) -> bool:
    """Return whether an object is what was made of this chunk before a crash."""
    try:
        info, _ = read_head(store, key)
        return info is not None and info.chunk == chunk and store.stat(key).size == size
    except (DataLoss, NotFound):
        return False

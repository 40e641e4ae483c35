"""Clips and their files, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from gatehouse_common.db import Clip, ClipRepository
from gatehouse_common.db.inventory import Inventory
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.media.boxes import U32, U64
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .batches import batches
from .care import Care
from .content import BlockReader
from .key_set import KeySet
from .problem import Area, Kind, Problem

_BATCH = 500
_NAME = re.compile(r"videos/\d{4}-\d\d-\d\d/(?P<event>[0-9a-f-]{36})_(?P<epoch>\d{1,12})(?:_\d+)?\.mp4")


class ClipCheck:
    """Finds what differs among clips.

    Args:
        core: where to look.
        care: what is on its way into the index.
        quick: read no file.
    """

    def __init__(self, core: Core, care: Care, *, quick: bool) -> None:
        self._core, self._care, self._quick = core, care, quick
        self._inventory, self._clips = Inventory(core.db), ClipRepository(core.db)
        self.files = self.rows = 0

    def all(self, advance: Callable[[int], None]) -> Iterator[Problem]:
        """Yield what is wrong with any clip or file."""
        there = KeySet()
        for some in batches(self._core.store.list(keys.VIDEOS), _BATCH):
            self.files += len(some)
            for info in some:
                there.add(info.key)
            yield from self._unknown(some)
            advance(len(some))
        for some_clips in batches(self._inventory.clips(), _BATCH):
            self.rows += len(some_clips)
            lacking = set(there.lacks([clip.key for clip in some_clips]))
            for clip in some_clips:
                found = self.look(clip) if clip.key in lacking or not self._quick else None
                if found is not None:
                    yield found
            advance(len(some_clips))

    def look(self, clip: Clip) -> Problem | None:
        """Compare a clip with its file."""
        if clip.state not in {"stored", "archived"} or not clip.key or self._inventory.to_be_deleted([clip.key]):
            return None
        try:
            size = self._core.store.stat(clip.key).size
        except NotFound:
            return _problem(Kind.MISSING, clip, "the file of the clip is not there")
        if size != clip.bytes:
            kind = Kind.EMPTY if size == 0 else Kind.TRUNCATED if size < clip.bytes else Kind.SIZE
            return _problem(kind, clip, f"{size} bytes, the index says {clip.bytes}")
        return None if self._quick else self._content(clip, size)

    def _content(self, clip: Clip, size: int) -> Problem | None:
        try:
            well = is_whole(BlockReader(self._core.store, clip.key, size))
        except NotFound:  # gone since
            return _problem(Kind.MISSING, clip, "the file of the clip is not there")
        except DataLoss as error:  # it costs itself only: the others are looked at all the same
            return _problem(Kind.DAMAGED, clip, f"it cannot be read: {error.message}")
        return None if well else _problem(Kind.DAMAGED, clip, "its boxes do not fill the file")

    def again(self, problem: Problem) -> Problem | None:
        """Look once more at what was found; None if it is well by now."""
        if problem.subject:
            try:
                clip = self._clips.get(problem.subject)
            except NotFound:
                return None
            return self.look(clip) if clip.key == problem.key else None
        try:
            return next(self._unknown((self._core.store.stat(problem.key),)), None)
        except NotFound:
            return None

    def _unknown(self, files: tuple[ObjectInfo, ...]) -> Iterator[Problem]:
        """Yield the files that no clip speaks of."""
        named = {info.key: event_of(info.key) for info in files}
        known = self._inventory.clips_of({event for event in named.values() if event})
        leaving = self._inventory.to_be_deleted(list(named))
        now_us = self._core.clock.now_us()
        for info in files:
            event = named[info.key]
            clips = known.get(event, []) if event else []
            if any(clip.key == info.key for clip in clips):
                continue
            if self._care.is_young(info.modified_us, now_us) or info.key in leaving:
                continue
            if info.size == 0:
                yield _unknown(Kind.EMPTY, info, "there is nothing in it, and the index does not know it")
            elif event is None:
                yield _unknown(Kind.FOREIGN, info, "its name is not that of a clip")
            elif any(clip.state in {"stored", "archived"} for clip in clips):
                yield _unknown(Kind.DUPLICATE, info, "the clips of its plate event have other files")
            else:
                yield _unknown(Kind.ORPHAN, info, f"{info.size} bytes of a clip that the index misses")


def event_of(key: str) -> str | None:
    """Return the plate event that the key of a clip names, None if it is no such key."""
    match = _NAME.fullmatch(key)
    return match["event"] if match else None


def start_of(key: str) -> int | None:
    """Return the second since 1970 that the key of a clip names, None if it is no such key."""
    match = _NAME.fullmatch(key)
    return int(match["epoch"]) if match else None


def is_whole(reader: BlockReader) -> bool:
    """Return whether boxes fill a file from its beginning to its end, a movie among them (14496-12 clause 4.2)."""
    at, size, kinds = 0, reader.size(), set[bytes]()
    while at + 8 <= size:
        head = reader.pread(at, 16)
        length = U32.unpack_from(head)[0]
        if length == 1 and len(head) == 16:
            length = U64.unpack_from(head, 8)[0]
        if length < 8:
            return False
        kinds.add(head[4:8])
        at += length
    return at == size and {b"moov", b"mdat"} <= kinds


def _problem(kind: Kind, clip: Clip, detail: str) -> Problem:
    return Problem(kind, Area.CLIP, clip.camera, clip.key, detail, clip.id)


def _unknown(kind: Kind, info: ObjectInfo, detail: str) -> Problem:
    return Problem(kind, Area.CLIP, "", info.key, detail)

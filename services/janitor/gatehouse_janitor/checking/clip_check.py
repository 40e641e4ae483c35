"""Clips and their files, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gatehouse_common.db import Clip, ClipRepository
from gatehouse_common.media.boxes import U32, U64
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .care import Care
from .content import BlockReader
from .film_check import NOTHING_IN_IT, FilmCheck
from .problem import Area, Kind, Problem

_NAME = re.compile(r"videos/\d{4}-\d\d-\d\d/(?P<event>[0-9a-f-]{36})_(?P<epoch>\d{1,12})(?:_\d+)?\.mp4")


class ClipCheck(FilmCheck[Clip]):
    """Finds what differs among clips.

    Args:
        core: where to look.
        care: what is on its way into the index.
        quick: read no file.
    """

    def __init__(self, core: Core, care: Care, *, quick: bool) -> None:
        super().__init__(core, care, quick=quick, prefix=keys.VIDEOS, area=Area.CLIP, what="the file of the clip")
        self._clips = ClipRepository(core.db)

    def _known(self) -> Iterator[Clip]:
        return self._inventory.clips()

    def _row(self, subject: str) -> Clip:
        return self._clips.get(subject)

    def _has_file(self, row: Clip) -> bool:
        return row.state in {"stored", "archived"} and bool(row.key)

    def _content(self, row: Clip, reader: BlockReader) -> Problem | None:
        return None if is_whole(reader) else self._problem(Kind.DAMAGED, row, "its boxes do not fill the file")

    def _strays(self, files: Sequence[ObjectInfo]) -> dict[str, tuple[Kind, str]]:
        named = {info.key: event_of(info.key) for info in files}
        known = self._inventory.clips_of({event for event in named.values() if event})
        strays = {}
        for info in files:
            event = named[info.key]
            clips = known.get(event, []) if event else []
            if all(clip.key != info.key for clip in clips):
                strays[info.key] = _stray(info, event, clips)
        return strays

    def _problem(self, kind: Kind, row: Clip, detail: str) -> Problem:
        return Problem(kind, Area.CLIP, row.camera, row.key, detail, row.id)


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


def _stray(info: ObjectInfo, event: str | None, clips: Sequence[Clip]) -> tuple[Kind, str]:
    if info.size == 0:
        return Kind.EMPTY, NOTHING_IN_IT
    if event is None:
        return Kind.FOREIGN, "its name is not that of a clip"
    if any(clip.state in {"stored", "archived"} for clip in clips):
        return Kind.DUPLICATE, "the clips of its plate event have other files"
    return Kind.ORPHAN, f"{info.size} bytes of a clip that the index misses"

"""Recordings: what the index says is stored, beside what the store lists; both in the order of keys, read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Chunk, FootageReader
from gatehouse_common.db.inventory import Inventory
from gatehouse_common.errors import InvalidInput, NotFound, WorkerUnavailable
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys
from gatehouse_common.timefmt import to_datetime

from .chunk_check import APART_US, ChunkCheck
from .object_check import ObjectCheck
from .problem import Area, Kind, Problem

Advance = Callable[[int], None]
_LATE = timedelta(days=1)


class Recordings:
    """Finds what differs among recordings.

    Args:
        core: where to look.
        chunks: compares a chunk with its file.
        objects: says what a file is that no row speaks of.
        quick: read no file.
    """

    def __init__(self, core: Core, chunks: ChunkCheck, objects: ObjectCheck, *, quick: bool) -> None:
        self._core, self._chunks, self._objects, self._quick = core, chunks, objects, quick
        self._footage, self._inventory = FootageReader(core.db), Inventory(core.db)
        self.files = self.rows = 0
        self.of_cameras = Counter[str]()

    def all(self, advance: Advance) -> Iterator[Problem]:
        """Yield what is wrong with any of them."""
        yield from self._below(keys.RECORDINGS, advance)
        yield from self._open(advance)
        yield from self._beside_one_another(advance)

    def since(self, since_us: int, advance: Advance) -> Iterator[Problem]:
        """Yield what is wrong with those stored since an instant: their content; and names and sizes of their days."""
        for folder in self._folders(since_us):
            yield from self._below(folder, advance)
        for chunk in self._inventory.stored_since(since_us):
            found = None if self._quick else self._chunks.full(chunk, self._size(chunk))
            if found is not None:
                yield found
            advance(1)

    def _below(self, prefix: str, advance: Advance) -> Iterator[Problem]:
        look = self._chunks.quick if self._quick or prefix != keys.RECORDINGS else self._chunks.full
        for chunk, info in _matched(self._inventory.stored_by_key(prefix), self._core.store.list(prefix)):
            found: Problem | None = None
            if chunk is not None:
                self._count(chunk)
                found = look(chunk, None if info is None else info.size)
            elif info is not None:
                found = self._objects.look(info)
            self.files += info is not None and info.key != keys.RECORDING_INDEX
            if found is not None:
                yield found
            advance((chunk is not None) + (info is not None))

    def _count(self, chunk: Chunk) -> None:
        self.rows += 1
        self.of_cameras[chunk.camera] += 1

    def _open(self, advance: Advance) -> Iterator[Problem]:
        """Yield the chunks that are said to be in a spool and are not."""
        for chunk in self._footage.open_chunks():
            self._count(chunk)
            try:
                self._core.media.stat(chunk.key)
            except NotFound:
                found = self._chunks.quick(chunk, None)
                if found is not None:
                    yield found
            except (WorkerUnavailable, InvalidInput):  # it is where its worker is, which cannot be asked from here
                pass
            advance(1)

    def _beside_one_another(self, advance: Advance) -> Iterator[Problem]:
        before: Chunk | None = None
        for chunk in self._footage.all_chunks():
            found = None if before is None else beside(before, chunk)
            if found is not None:
                yield found
            if before is None or before.camera != chunk.camera or chunk.end_us >= before.end_us:
                before = chunk  # what reaches farthest is what others may lie in
            advance(1)

    def _folders(self, since_us: int) -> Sequence[str]:
        """Return the folders in which there is what was stored since an instant: those of its days."""
        zone, now_us = self._core.zone, self._core.clock.now_us()
        day, last = to_datetime(since_us, zone).date() - _LATE, to_datetime(now_us, zone).date() + _LATE
        days = []
        while day <= last:
            days.append(day.isoformat())
            day += _LATE
        return [f"{keys.RECORDINGS}{camera}/{day}/" for camera in self._footage.cameras() for day in days]

    def _size(self, chunk: Chunk) -> int | None:
        try:
            return self._core.media.stat(chunk.key).size
        except (NotFound, InvalidInput):  # where a symbolic link is, no listing has it either
            return None


def beside(before: Chunk, chunk: Chunk) -> Problem | None:
    """Return what is wrong with two chunks, the later of which begins at or after the other."""
    if before.camera != chunk.camera:
        return None
    # Of one run, at one place: only a row that should not be there can say so.
    alike = before.run == chunk.run and abs(before.start_us - chunk.start_us) <= APART_US
    if alike and before.end_us > before.start_us and chunk.end_us > chunk.start_us:
        detail = f"the same footage of run {chunk.run} as {before.key}"
        return Problem(Kind.TWIN_ROWS, Area.RECORDING, chunk.camera, chunk.key, detail, chunk.id, before.id)
    if chunk.start_us < before.end_us - APART_US:
        seconds = (before.end_us - chunk.start_us) / SECOND
        detail = f"begins {seconds:.3f} s before {before.key} ends; both are kept"
        return Problem(Kind.OVERLAP, Area.RECORDING, chunk.camera, chunk.key, detail, chunk.id, before.id)
    return None


def _matched(rows: Iterator[Chunk], files: Iterator[ObjectInfo]) -> Iterator[tuple[Chunk | None, ObjectInfo | None]]:
    """Yield rows and files of one key together, and those alone that have no other; both come sorted by key."""
    row, file = next(rows, None), next(files, None)
    while row is not None or file is not None:
        if file is None or (row is not None and row.key < file.key):
            yield row, None
            row = next(rows, None)
        elif row is None or file.key < row.key:
            yield None, file
            file = next(files, None)
        else:
            yield row, file
            row, file = next(rows, None), next(files, None)

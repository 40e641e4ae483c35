"""Files against index, both ways: what is missing, what nobody knows, and what does not match."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gatehouse_common.db import Chunk, FootageReader
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.media.index_blob import decode_index
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.scan import ChunkScanner
from gatehouse_common.media.stored import ObjectReader, trailing_index
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

OVERLAP_US = 50_000
"""Chunks of a camera may share so much: the last frame of a run is as long as the one before it."""


class Kind(StrEnum):
    """What can be wrong."""

    MISSING = "missing"  # the index knows a file that is not there
    ORPHAN = "orphan"  # a file in the store that the index does not know
    SIZE = "size"  # the file has another size than the index says
    INDEX = "index"  # the sample index does not say what the file's own boxes say
    BOX = "box"  # the file has no sample index at its end
    DAMAGED = "damaged"  # there is no whole part in the file
    OVERLAP = "overlap"  # two chunks of a camera cover the same time: two workers recorded it, or a clock was set back


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; ``chunk`` is its row, if there is one."""

    kind: Kind
    camera: str
    key: str
    detail: str
    chunk: Chunk | None = None


def find_problems(core: Core, advance: Callable[[int], None], *, quick: bool = False) -> Iterator[Problem]:
    """Yield what is wrong.

    Args:
        core: where to look.
        advance: called with 1 after each row and file.
        quick: compare names and sizes only, and read no file.
    """
    reader = FootageReader(core.db)
    known: set[str] = set()
    before: Chunk | None = None
    for chunk in reader.all_chunks():
        known.add(chunk.key)
        yield from _check_row(core, reader, chunk, quick=quick)
        if before is not None and before.camera == chunk.camera and chunk.start_us < before.end_us - OVERLAP_US:
            seconds = (before.end_us - chunk.start_us) / 1_000_000
            detail = f"begins {seconds:.3f} s before {before.key} ends; both are kept"
            yield Problem(Kind.OVERLAP, chunk.camera, chunk.key, detail)
        before = chunk
        advance(1)
    for info in core.store.list(keys.RECORDINGS):
        if info.key.endswith(".mp4") and info.key not in known and reader.chunk_of_key(info.key) is None:
            yield Problem(Kind.ORPHAN, info.key.split("/")[1], info.key, f"{info.size} bytes that the index misses")
        advance(1)


def count(core: Core) -> int:
    """Return about how many steps ``find_problems`` takes."""
    rows = sum(1 for _ in FootageReader(core.db).all_chunks())
    return 2 * rows


def _check_row(core: Core, reader: FootageReader, chunk: Chunk, *, quick: bool) -> Iterator[Problem]:
    try:
        size = core.media.stat(chunk.key).size
    except NotFound:
        if not _moved(reader, chunk):
            yield Problem(Kind.MISSING, chunk.camera, chunk.key, "the file is not there", chunk)
        return
    if chunk.state == "open":
        return
    if size != chunk.bytes:
        yield Problem(Kind.SIZE, chunk.camera, chunk.key, f"{size} bytes, the index says {chunk.bytes}", chunk)
        return
    if not quick:
        yield from _check_samples(core, reader, chunk)


def _check_samples(core: Core, reader: FootageReader, chunk: Chunk) -> Iterator[Problem]:
    scanner = ChunkScanner(ObjectReader(core.store, chunk.key), chunk.key)
    try:
        scanner.update()
        actual = scanner.media(chunk.origin_us)
    except DataLoss as error:
        yield Problem(Kind.DAMAGED, chunk.camera, chunk.key, error.message, chunk)
        return
    blob = reader.sample_indexes([chunk.id]).get(chunk.id)
    try:
        indexed = None if blob is None else decode_index(blob, chunk.key, chunk.origin_us)
    except DataLoss:
        indexed = None
    if indexed is None or not _same(indexed, actual):
        yield Problem(Kind.INDEX, chunk.camera, chunk.key, "the sample index is not that of the file", chunk)
    elif trailing_index(core.store, chunk.key) is None:
        yield Problem(Kind.BOX, chunk.camera, chunk.key, "the file has no sample index at its end", chunk)


def _same(a: ChunkMedia, b: ChunkMedia) -> bool:
    if (a.chunk_id, a.run_id, a.indexed_bytes, len(a.tracks)) != (b.chunk_id, b.run_id, b.indexed_bytes, len(b.tracks)):
        return False
    return all(
        np.array_equal(getattr(mine, column), getattr(theirs, column))
        for mine, theirs in zip(a.tracks, b.tracks, strict=True)
        for column in ("dts", "dur", "cts", "size", "off", "sync")
    )


def _moved(reader: FootageReader, chunk: Chunk) -> bool:
    """Whether the chunk was published, or forgotten, since its row was read."""
    try:
        return reader.chunk(chunk.id).key != chunk.key
    except NotFound:
        return True

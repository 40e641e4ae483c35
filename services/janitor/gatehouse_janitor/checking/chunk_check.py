"""One chunk of the index beside its file."""

from __future__ import annotations

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Chunk, FootageReader
from gatehouse_common.errors import DataLoss, NotFound, Unavailable, WorkerUnavailable
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.runtime import Core
from gatehouse_common.storage.alone import is_alone

from .content import Content, read_content, same
from .known_chunk import decoded, is_sealed
from .pace import Pace
from .payload import payload_problems
from .problem import Area, Kind, Problem

APART_US = 50_000
"""So far may the ends of a chunk be from where its samples say; frames around a change of runs jitter as much."""


class ChunkCheck:
    """Compares chunks with their files. Every answer is of this moment.

    Args:
        core: where to look.
        pace: how fast files are read.
    """

    def __init__(self, core: Core, pace: Pace) -> None:
        self._core, self._pace = core, pace
        self._footage = FootageReader(core.db)
        self._begins: tuple[str, bytes] | None = None

    def quick(self, chunk: Chunk, size: int | None) -> Problem | None:
        """Compare what can be told without reading the file; ``size`` is its size, None if it is not there."""
        if size is None:
            return _problem(Kind.MISSING, chunk, "the file is not there")
        if chunk.state == "open":
            return None
        if size == 0:
            return _problem(Kind.EMPTY, chunk, f"there is nothing in it, the index says {chunk.bytes} bytes")
        if size < chunk.bytes:
            return _problem(Kind.TRUNCATED, chunk, f"{size} bytes, the index says {chunk.bytes}")
        if size > chunk.bytes:
            return _problem(Kind.SIZE, chunk, f"{size} bytes, the index says {chunk.bytes}")
        return None

    def full(self, chunk: Chunk, size: int | None) -> Problem | None:
        """Compare all that can be: sizes, times, the index with the boxes of the file, and what is in them."""
        found = self.quick(chunk, size)
        if size is None or chunk.state == "open" or (found is not None and found.kind is Kind.EMPTY):
            return found
        try:
            content = read_content(self._core.store, chunk.key, size)
            if found is not None and found.kind is Kind.TRUNCATED:
                return _of_another(chunk, content) or self._replaced(chunk, content) or found
            return self._content(chunk, content) or found
        except NotFound:  # gone since it was listed
            return _problem(Kind.MISSING, chunk, "the file is not there")
        except (DataLoss, Unavailable) as error:  # it costs itself only: the others are looked at all the same
            if isinstance(error, Unavailable) and not is_alone(self._core.store, chunk.key):
                raise
            return _problem(Kind.FLIPPED, chunk, f"it cannot be read: {error.message}")

    def again(self, chunk_id: str, key: str, *, quick: bool) -> Problem | None:
        """Look at a chunk once more; None if it is well by now, gone, or under another key."""
        try:
            chunk = self._footage.chunk(chunk_id)
        except NotFound:
            return None
        if chunk.key != key:
            return None
        try:
            size: int | None = self._core.media.stat(key).size
        except NotFound:
            size = None
        except WorkerUnavailable:  # whoever has it does not answer: nobody knows
            return None
        return self.quick(chunk, size) if quick else self.full(chunk, size)

    def blob(self, chunk_id: str) -> bytes | None:
        """Return the compact sample index that the index has of a chunk."""
        return self._footage.sample_indexes([chunk_id]).get(chunk_id)

    def _is_of_run(self, chunk: Chunk, content: Content) -> bool:
        """Return whether a file begins as its run does; where the run is not known nobody can tell."""
        if self._begins is None or self._begins[0] != chunk.run:
            try:
                self._begins = chunk.run, self._footage.run(chunk.run).init
            except NotFound:
                self._begins = chunk.run, b""
        return content.init == self._begins[1] or not self._begins[1]

    def _content(self, chunk: Chunk, content: Content) -> Problem | None:
        blob = self.blob(chunk.id)
        indexed = decoded(blob, chunk)
        if (other := _of_another(chunk, content)) is not None:
            # With the very index and digests of this chunk it is this one: a bit of the name that it gives has flipped.
            is_this = content.box is not None and content.box == blob and is_sealed(blob, chunk)
            return _problem(Kind.FLIPPED, chunk, "its beginning is not that of its run") if is_this else other
        if content.info is None or content.boxes is None:
            return _problem(Kind.DAMAGED, chunk, "its beginning is not that of a chunk file")
        if indexed is None or blob is None or not same(indexed, content.boxes):
            return self._replaced(chunk, content) or _apart(chunk, content, indexed)
        return self._bytes(chunk, content, indexed, blob) or _times(chunk, indexed)

    def _replaced(self, chunk: Chunk, content: Content) -> Problem | None:
        """Return that a file is another film: its index and that of SQL are both intact, which damage does not do."""
        blob = self.blob(chunk.id)
        if content.own is None or content.box == blob or not is_sealed(blob, chunk):
            return None
        return _problem(Kind.REPLACED, chunk, "it is whole by its own index, which is not the one that was recorded")

    def _bytes(self, chunk: Chunk, content: Content, indexed: ChunkMedia, blob: bytes) -> Problem | None:
        """Hold a file whose boxes are as the index says to its digests."""
        if content.info is None or content.info.camera != chunk.camera or not self._is_of_run(chunk, content):
            return _problem(Kind.FLIPPED, chunk, "its beginning is not that of its run")
        has_box = content.own is not None and content.is_consistent
        bad = payload_problems(self._core.store, chunk.key, indexed, blob, has_box=has_box, read=self._pace.read)
        footage = [b for b in bad if not b.at_end]
        if footage:
            more = f", and {len(footage) - 1} more spans" if len(footage) > 1 else ""
            detail = f"bytes {footage[0].start} to {footage[0].end}: {footage[0].why}{more}"
            return _problem(Kind.FLIPPED, chunk, detail)
        if bad or not has_box:
            return _problem(Kind.BOX, chunk, "the file does not end in its sample index")
        return None


def _of_another(chunk: Chunk, content: Content) -> Problem | None:
    info = content.info
    if info is None or info.chunk == chunk.id or content.boxes is None:
        return None
    return _problem(Kind.FOREIGN, chunk, f"the file says that it is chunk {info.chunk} of camera {info.camera}")


def _apart(chunk: Chunk, content: Content, indexed: ChunkMedia | None) -> Problem:
    """Say whose fault it is that the index and the boxes of a file differ."""
    boxes = content.boxes
    if boxes is not None and (content.is_consistent or indexed is None):
        # The file has its own word for what it is; so it is the index that is of something else.
        kind = Kind.INDEX if indexed is None or _times(chunk, _at(boxes, chunk)) is None else Kind.DURATION
        return _problem(kind, chunk, "the sample index is not that of the file")
    at = boxes.indexed_bytes if boxes is not None else 0
    return _problem(Kind.FLIPPED, chunk, f"its boxes are not those that were written, at byte {at} or before")


def _times(chunk: Chunk, media: ChunkMedia) -> Problem | None:
    apart = max(abs(media.start_us - chunk.start_us), abs(media.end_us - chunk.end_us))
    if apart <= APART_US:
        return None
    says, has = (chunk.end_us - chunk.start_us) / SECOND, (media.end_us - media.start_us) / SECOND
    detail = f"it lasts {has:.3f} s, the index says {says:.3f} s; its ends are up to {apart / SECOND:.3f} s elsewhere"
    return _problem(Kind.DURATION, chunk, detail)


def _at(media: ChunkMedia, chunk: Chunk) -> ChunkMedia:
    """Return the same samples at the place in time that the row gives them."""
    fields = (media.tracks, media.parts, media.indexed_bytes, media.init_bytes)
    return ChunkMedia(media.chunk_id, media.key, media.run_id, chunk.origin_us, *fields)


def _problem(kind: Kind, chunk: Chunk, detail: str) -> Problem:
    return Problem(kind, Area.RECORDING, chunk.camera, chunk.key, detail, chunk.id)

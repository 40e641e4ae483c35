"""Recorded media for whoever asks: look-ups, decoded sample indexes, and the open chunk up to the live edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from gatehouse_common.db import Chunk, FootageReader
from gatehouse_common.errors import DataLoss, NotFound, WorkerUnavailable
from gatehouse_common.media.index_blob import decode_index
from gatehouse_common.media.open_chunks import OpenChunks
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.slicing import LOOKBACK_US
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

from .index_cache import IndexCache

log = structlog.get_logger(__name__)

_KEPT_INDEX_BYTES = 128 << 20
_HELD_OPEN = 128
_RECENT_US = 10_000_000
_FUTURE_US = 1_000_000
_SILENT_US = 30_000_000
_ASK_AGAIN_US = 10_000_000
_AWAY = (WorkerUnavailable, DataLoss)


@dataclass(frozen=True, slots=True)
class Found:
    """The media of a range; ``sealed`` when nothing of it can change any more.

    ``away`` is why some of it was left out, if it was asked for in part: a sentence for each worker, and for each open
    chunk that cannot be read.
    """

    media: tuple[ChunkMedia, ...]
    sealed: bool
    away: tuple[str, ...] = ()


class Library:
    """Finds the media of a range. Safe for many threads.

    Args:
        core: what services are built from.
        kept_bytes: how much of decoded sample indexes to keep.
    """

    def __init__(self, core: Core, kept_bytes: int = _KEPT_INDEX_BYTES) -> None:
        self._core = core
        self._footage = FootageReader(core.db)
        self._indexes = IndexCache(kept_bytes)
        self._open = OpenChunks(core.spool.root, _HELD_OPEN)
        self._away: dict[str, int] = {}
        """Workers that did not answer, keys of chunks that could not be read, and when to ask again; monotonic us."""

    def find(self, camera: str, start_us: int, end_us: int, *, partial: bool = False) -> Found:
        """Return the chunks that a slice of ``[start_us, end_us)`` needs, by start.

        Args:
            camera: whose.
            start_us: where the slice begins, microseconds UTC.
            end_us: where it ends.
            partial: leave out those of a worker that does not answer, and open ones that the disk does not give back.

        Raises:
            Unavailable: the index does not answer.
            WorkerUnavailable: a worker that has some of it does not, and it was not asked for in part.
            DataLoss: a chunk cannot be read that by the index is in the range, and it was not asked for in part.
        """
        rows = self._footage.find_chunks(camera, start_us - LOOKBACK_US, end_us)
        # An open chunk's row lags behind its file, which is the truth.
        known = {r.id for r in rows}
        newest = [r for r in self._footage.open_chunks(camera) if r.start_us < end_us and r.id not in known]
        away: dict[str, None] = {}
        media = self._present(rows, away) if partial else self._load(rows)
        for row in newest:
            try:
                media += self._grown(row, start_us - LOOKBACK_US, [*rows, *newest])
            except _AWAY as error:
                if not partial:
                    raise
                away[error.message] = None
        rows += newest
        wanted = [m for m in media if m.end_us > start_us - LOOKBACK_US and m.start_us < end_us]
        wanted.sort(key=lambda m: (m.start_us, m.chunk_id))
        return Found(tuple(wanted), all(r.state == "stored" for r in rows), tuple(away))

    def newest(self, camera: str) -> ChunkMedia:
        """Return the newest chunk of a camera, open or not: of the run that goes on, whatever is dated later.

        Raises:
            NotFound: nothing is recorded.
        """
        opened = self._opened(camera)
        before_us = self._newest_before(camera, opened)
        # A chunk that has just been opened has nothing in it yet: then the one before is the newest.
        end = self._footage.last_end_us(camera, before_us) or 1
        stored = [r for r in self._footage.find_chunks(camera, end - _RECENT_US, end) if r.state == "stored"]
        for row in [*(r for r in opened if before_us is None or r.start_us < before_us), *stored[::-1]]:
            try:
                media = self._load([row])
            except DataLoss as error:
                log.warning("a chunk cannot be read; what is older is the newest", key=row.key, reason=error.message)
                continue
            if media:
                return media[0]
        raise NotFound("nothing is recorded yet")

    def latest(self, media: ChunkMedia) -> ChunkMedia:
        """Return what an open chunk holds by now; of one that is stored, what was known of it.

        The cheapest way to see footage grow: on the machine that records, the index is not asked.

        Raises:
            NotFound: it is not in its spool any more.
            WorkerUnavailable: the worker that has it does not answer.
        """
        return self._in_spool(media.key, media.origin_us) or media if media.key.startswith(keys.SPOOL) else media

    def chunk(self, chunk_id: str) -> tuple[Chunk, ChunkMedia]:
        """Return a chunk's row and media.

        Raises:
            NotFound: there is no such chunk, or nothing in it yet.
        """
        row = self._footage.chunk(chunk_id)
        media = self._load([row])
        if not media:
            raise NotFound("there is nothing in that chunk yet")
        return row, media[0]

    def locate(self, chunk_id: str) -> str:
        """Return the key that a chunk's bytes are at now.

        Raises:
            NotFound: there is no such chunk.
        """
        return self._footage.chunk(chunk_id).key

    def close(self) -> None:
        """Close the files of open chunks."""
        self._open.close()

    def _opened(self, camera: str) -> list[Chunk]:
        """Return the open chunks of a camera, the newest first.

        After the clock was set back, what is recorded now is dated before what was. That is in the future, its run is
        over, and its chunks are open until they are stored or let go of.
        """
        rows, now_us = self._footage.open_chunks(camera), self._core.clock.now_us()
        future = {row.run for row in rows if row.end_us > now_us + _FUTURE_US}
        others = {row.run for row in rows if row.end_us > now_us - _SILENT_US} - future
        if future and others:
            over = self._footage.over(future, others)
            rows.sort(key=lambda row: (row.run not in over, row.start_us))
        return rows[::-1]

    def _newest_before(self, camera: str, opened: Sequence[Chunk]) -> int | None:
        """Return before when the newest chunk begins, where those after it were dated before the clock was set back.

        None: none were.
        """
        if any(row.start_us > opened[0].start_us for row in opened):
            return opened[0].start_us + 1
        limit_us = self._core.clock.now_us() + _FUTURE_US
        end = self._footage.last_end_us(camera)
        if end is None or end <= limit_us:
            return None
        rows = [row for row in self._footage.find_chunks(camera, limit_us, end) if row.start_us >= limit_us]
        future = {row.run for row in rows}
        if not rows or (opened and opened[0].start_us >= rows[0].start_us):
            return None
        return limit_us if self._footage.over(future, {row.run for row in opened} - future) == future else None

    def _grown(self, row: Chunk, since_us: int, others: Sequence[Chunk]) -> list[ChunkMedia]:
        """Return an open chunk that ends before ``since_us`` by its row, as it may have grown since.

        One of a worker that is away, or that cannot be read, is left out when nothing has been heard of it for long, or
        when another run of the camera had begun by ``since_us``: it was left open when its worker died, and what is
        recorded now must not wait for that.
        """
        silent = row.end_us < since_us - _SILENT_US or any(
            one.run != row.run and row.start_us < one.start_us <= since_us for one in others
        )
        url = self._core.media.address(row.key) if silent else ""
        now = self._core.clock.monotonic_us()
        if silent and now < max(self._away.get(url, 0), self._away.get(row.key, 0)):
            return []
        try:
            return self._load([row])
        except WorkerUnavailable:
            if not silent:
                raise
            self._away[url] = now + _ASK_AGAIN_US
        except DataLoss as error:
            if not silent:
                raise
            self._away[row.key] = now + _ASK_AGAIN_US  # a disk takes its time to say that it cannot
            log.warning("an open chunk cannot be read; it is left out", key=row.key, reason=error.message)
        return []

    def _present(self, rows: Sequence[Chunk], away: dict[str, None]) -> list[ChunkMedia]:
        """Return those chunks that can be had, and note in ``away`` why others cannot."""
        found: list[ChunkMedia] = []
        for row in rows:
            try:
                found += self._load([row])
            except WorkerUnavailable as error:
                away[error.message] = None
            except DataLoss as error:
                if row.state == "stored":
                    raise
                away[error.message] = None
        return found

    def _load(self, rows: Sequence[Chunk]) -> list[ChunkMedia]:
        found: dict[str, ChunkMedia] = {}
        for row in rows:
            if row.state == "stored" and (kept := self._indexes.get(row.id, row.key, row.origin_us)) is not None:
                found[row.id] = kept
        missing = [r for r in rows if r.id not in found]
        stored = [r.id for r in missing if r.state == "stored"]
        blobs = self._footage.sample_indexes(stored) if stored else {}
        for row in missing:
            media = self._decoded(row, blobs.get(row.id)) if row.state == "stored" else self._scanned(row)
            if media is not None:
                found[row.id] = media
        return [found[r.id] for r in rows if r.id in found]

    def _decoded(self, row: Chunk, blob: bytes | None) -> ChunkMedia:
        if blob is None:
            raise DataLoss(f"chunk {row.id} has no sample index; `gatehouse check --repair` makes it anew")
        media = decode_index(blob, row.key, row.origin_us)
        self._indexes.put(media)
        return media

    def _scanned(self, row: Chunk) -> ChunkMedia | None:
        """Return what an open chunk holds by now; None if it holds nothing yet."""
        try:
            return self._in_spool(row.key, row.origin_us)
        except NotFound:
            return self._published(row)

    def _in_spool(self, key: str, origin_us: int) -> ChunkMedia | None:
        """Return what a file in a spool holds by now; None if it holds nothing yet.

        Raises:
            NotFound: its name has gone.
        """
        try:
            url = self._core.media.address(key)
            if self._core.spools.is_local(url):
                return self._open.media(key, origin_us)
            blob = self._core.spools.at(url).index(key)
        except NotFound:
            self._open.forget(key)
            raise
        return None if blob is None else decode_index(blob, key, origin_us)

    def _published(self, row: Chunk) -> ChunkMedia | None:
        """The spool's name went between the look-up and now: the index knows the new one."""
        try:
            fresh = self._footage.chunk(row.id)
        except NotFound:
            return None
        if fresh.state != "stored":
            return None
        return self._decoded(fresh, self._footage.sample_indexes([fresh.id]).get(fresh.id))

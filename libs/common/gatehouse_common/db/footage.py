"""Where footage is: chunks by range, their sample indexes, and the runs they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Select, and_, func, select

from gatehouse_common.errors import NotFound
from gatehouse_common.intervals import Interval

from .engine import Database
from .models import MAX_CHUNK_US, ChunkIndexRow, ChunkRow, GapRow, RunRow
from .records import Chunk, Gap, Run

_CHUNK = [getattr(ChunkRow, f.name) for f in fields(Chunk)]
_RUN = [getattr(RunRow, f.name) for f in fields(Run)]
_GAP = [getattr(GapRow, f.name) for f in fields(Gap)]


def range_query(camera: str, start_us: int, end_us: int) -> Select[Any]:
    """Return the query of every range look-up.

    The lower bound on ``start_us`` follows from the longest chunk there can be; with it the index is read from
    the range alone, however many chunks there are.
    """
    return (
        select(*_CHUNK)
        .where(
            ChunkRow.camera == camera,
            ChunkRow.start_us > start_us - MAX_CHUNK_US,
            ChunkRow.start_us < end_us,
            ChunkRow.end_us > start_us,
        )
        .order_by(ChunkRow.start_us)
    )


class FootageReader:
    """Look-ups for whoever serves footage; never writes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find_chunks(self, camera: str, start_us: int, end_us: int) -> list[Chunk]:
        """Return the chunks that share an instant with ``[start_us, end_us)``, by start."""
        with self._db.read() as c:
            return [Chunk(*row) for row in c.execute(range_query(camera, start_us, end_us))]

    def chunk(self, chunk_id: str) -> Chunk:
        """Return a chunk.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.read() as c:
            row = c.execute(select(*_CHUNK).where(ChunkRow.id == chunk_id)).first()
        if row is None:
            raise NotFound(f"there is no chunk {chunk_id[:40]!r}")
        return Chunk(*row)

    def sample_indexes(self, chunk_ids: Collection[str]) -> dict[str, bytes]:
        """Return the compact sample indexes of stored chunks, by chunk id; those without one are left out."""
        with self._db.read() as c:
            rows = c.execute(
                select(ChunkIndexRow.chunk, ChunkIndexRow.data).where(ChunkIndexRow.chunk.in_(list(chunk_ids)))
            )
            return {row.chunk: row.data for row in rows}

    def run(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.read() as c:
            row = c.execute(select(*_RUN).where(RunRow.id == run_id)).first()
        if row is None:
            raise NotFound(f"there is no run {run_id[:40]!r}")
        return Run(*row)

    def spans(self, camera: str, start_us: int, end_us: int) -> list[Interval]:
        """Return when chunks of a camera begin and end in a range, by start, neither clipped nor merged."""
        query = range_query(camera, start_us, end_us).with_only_columns(ChunkRow.start_us, ChunkRow.end_us)
        with self._db.read() as c:
            return [Interval(start, end) for start, end in c.execute(query)]

    def gaps(self, camera: str, start_us: int, end_us: int) -> list[Gap]:
        """Return the gaps that share an instant with a range, by start."""
        query = (
            select(*_GAP)
            .where(GapRow.camera == camera, GapRow.end_us > start_us, GapRow.start_us < end_us)
            .order_by(GapRow.start_us)
        )
        with self._db.read() as c:
            return [Gap(*row) for row in c.execute(query)]

    def last_end_us(self, camera: str, before_us: int | None = None) -> int | None:
        """Return where the footage of a camera ends (that of chunks that begin before ``before_us``)."""
        query = select(ChunkRow.end_us).where(ChunkRow.camera == camera)
        if before_us is not None:
            query = query.where(ChunkRow.start_us < before_us)
        with self._db.read() as c:
            return c.execute(query.order_by(ChunkRow.start_us.desc()).limit(1)).scalar()

    def nearest(self, camera: str, at_us: int) -> tuple[int | None, int | None]:
        """Return the end of the footage before an instant, and the start of the footage after it."""
        after = select(func.min(ChunkRow.start_us)).where(ChunkRow.camera == camera, ChunkRow.start_us > at_us)
        with self._db.read() as c:
            return self.last_end_us(camera, at_us), c.execute(after).scalar()

    def newest(self, cameras: Collection[str] | None, limit: int, offset: int = 0) -> list[Chunk]:
        """Return stored chunks, newest first."""
        query = select(*_CHUNK).where(ChunkRow.state == "stored")
        if cameras is not None:
            query = query.where(ChunkRow.camera.in_(list(cameras)))
        with self._db.read() as c:
            rows = c.execute(query.order_by(ChunkRow.start_us.desc(), ChunkRow.id).limit(limit).offset(offset))
            return [Chunk(*row) for row in rows]

    def open_chunks(self, camera: str | None = None) -> list[Chunk]:
        """Return the chunks that are not stored yet, by start."""
        query = select(*_CHUNK).where(ChunkRow.state == "open")
        if camera is not None:
            query = query.where(ChunkRow.camera == camera)
        with self._db.read() as c:
            return [Chunk(*row) for row in c.execute(query.order_by(ChunkRow.start_us))]

    def all_chunks(self, batch: int = 1000) -> Iterator[Chunk]:
        """Yield every chunk, by camera and start."""
        last: Sequence[object] | None = None
        while True:
            query = select(*_CHUNK).order_by(ChunkRow.camera, ChunkRow.start_us, ChunkRow.id).limit(batch)
            if last is not None:
                camera, start, chunk = last
                query = query.where(
                    (ChunkRow.camera > camera)
                    | and_(ChunkRow.camera == camera, ChunkRow.start_us > start)
                    | and_(ChunkRow.camera == camera, ChunkRow.start_us == start, ChunkRow.id > chunk)
                )
            with self._db.read() as c:
                found = [Chunk(*row) for row in c.execute(query)]
            yield from found
            if len(found) < batch:
                return
            last = (found[-1].camera, found[-1].start_us, found[-1].id)

"""Where footage is: chunks by range, their sample indexes, and the runs they belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, or_, select

from gatehouse_common.errors import NotFound
from gatehouse_common.intervals import Interval
from gatehouse_common.messages import GapCause

from .engine import Database
from .models import MAX_CHUNK_US, ChunkIndexRow, ChunkRow, GapRow, RunRow
from .records import Chunk, Gap, Run
from .visible import Visible, among, seen

_CHUNK = [getattr(ChunkRow, f.name) for f in fields(Chunk)]
_RUN = [getattr(RunRow, f.name) for f in fields(Run)]
_GAP = [getattr(GapRow, f.name) for f in fields(Gap)]
_IDS_AT_ONCE = 500


def in_range() -> ColumnElement[bool]:
    """Return the condition of every range look-up; it takes what ``bounds`` returns.

    The lower bound on ``start_us`` follows from the longest chunk there can be; with it the index is read from
    the range alone, however many chunks there are.
    """
    return (
        (ChunkRow.camera == bindparam("of_camera"))
        & (ChunkRow.start_us > bindparam("lower_us"))
        & (ChunkRow.start_us < bindparam("to_us"))
        & (ChunkRow.end_us > bindparam("from_us"))
    )


def bounds(camera: str, start_us: int, end_us: int) -> dict[str, object]:
    """Return the parameters of ``in_range``."""
    return {"of_camera": camera, "lower_us": start_us - MAX_CHUNK_US, "to_us": end_us, "from_us": start_us}


# Made once: building a statement costs more than running it.
CHUNKS_IN_RANGE: Select[Any] = (
    select(*_CHUNK).where(in_range()).order_by(ChunkRow.start_us, ChunkRow.end_us, ChunkRow.id)
)
_BY_ID: Select[Any] = select(*_CHUNK).where(ChunkRow.id == bindparam("of_id"))
_OPEN: Select[Any] = select(*_CHUNK).where(ChunkRow.state == "open").order_by(ChunkRow.start_us, ChunkRow.id)
_OPEN_OF_CAMERA: Select[Any] = _OPEN.where(ChunkRow.camera == bindparam("of_camera"))
_INDEXES = select(ChunkIndexRow.chunk, ChunkIndexRow.data).where(
    ChunkIndexRow.chunk.in_(bindparam("of_chunks", expanding=True))
)
_SPOOL_URL = select(RunRow.spool_url).where(RunRow.id == bindparam("of_run"))
_LIVE_URL = (
    select(RunRow.spool_url).where(RunRow.camera == bindparam("of_camera")).order_by(RunRow.started_us.desc()).limit(1)
)
_SPOOL_URLS = (
    select(RunRow.spool_url).join(ChunkRow, ChunkRow.run == RunRow.id).where(ChunkRow.state == "open").distinct()
)
SPANS_IN_RANGE: Select[int, int] = CHUNKS_IN_RANGE.with_only_columns(ChunkRow.start_us, ChunkRow.end_us)


def find_gaps(c: Connection, camera: str, start_us: int, end_us: int) -> list[Gap]:
    """Return the gaps that share an instant with a range, by start."""
    # A gap may have any length, so only one end can be sought: the addition leaves the later end, for ranges are
    # mostly recent ones.
    before = GapRow.start_us + 0 < end_us
    query = select(*_GAP).where(GapRow.camera == camera, GapRow.end_us > start_us, before)
    return [Gap(*row) for row in c.execute(query.order_by(GapRow.start_us))]


class FootageReader:
    """Look-ups for whoever serves footage; never writes.

    Args:
        db: the index.
        visible: whose chunks, and from when on, can be found where no camera is named; None: all.
    """

    def __init__(self, db: Database, visible: Visible | None = None) -> None:
        self._db, self._visible = db, visible

    def find_chunks(self, camera: str, start_us: int, end_us: int) -> list[Chunk]:
        """Return the chunks that share an instant with ``[start_us, end_us)``, by start."""
        with self._db.look() as c:
            return [Chunk(*row) for row in c.execute(CHUNKS_IN_RANGE, bounds(camera, start_us, end_us)).all()]

    def chunk(self, chunk_id: str) -> Chunk:
        """Return a chunk.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.look() as c:
            own = seen(self._visible, ChunkRow.camera, ChunkRow.end_us)  # of one that goes on, what is new is there
            row = c.execute(_BY_ID.where(*own) if own else _BY_ID, {"of_id": chunk_id}).first()
        if row is None:
            raise NotFound(f"there is no chunk {chunk_id[:40]!r}")
        return Chunk(*row)

    def chunk_of_key(self, key: str) -> Chunk | None:
        """Return the chunk whose object is ``key``, None if the index does not know it."""
        with self._db.look() as c:
            row = c.execute(select(*_CHUNK).where(ChunkRow.key == key)).first()
        return None if row is None else Chunk(*row)

    def sample_indexes(self, chunk_ids: Collection[str]) -> dict[str, bytes]:
        """Return the compact sample indexes of stored chunks, by chunk id; those without one are left out."""
        wanted, found = list(chunk_ids), dict[str, bytes]()
        with self._db.read() as c:
            for at in range(0, len(wanted), _IDS_AT_ONCE):
                some = wanted[at : at + _IDS_AT_ONCE]
                rows = c.execute(_INDEXES, {"of_chunks": some})
                found |= {row.chunk: row.data for row in rows}
        return found

    def run(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.look() as c:
            row = c.execute(select(*_RUN).where(RunRow.id == run_id)).first()
        if row is None:
            raise NotFound(f"there is no run {run_id[:40]!r}")
        return Run(*row)

    def over(self, runs: Collection[str], others: Collection[str]) -> set[str]:
        """Return those of a few runs of a camera that have ended.

        So has one of which nobody told so, as after a crash, if one of the others goes on at the same worker, which
        records a camera once.
        """
        query = select(RunRow.id, RunRow.ended_us, RunRow.spool_url).where(RunRow.id.in_(sorted({*runs, *others})))
        with self._db.look() as c:
            known = {row.id: row for row in c.execute(query)}
        busy = {known[run].spool_url for run in others if run in known and known[run].ended_us is None}
        return {run for run in runs if run in known and (known[run].ended_us or known[run].spool_url in busy)}

    def spool_url(self, run_id: str) -> str:
        """Return the inner address of the worker whose spool has a run's open chunk; empty: this machine's."""
        with self._db.look() as c:
            return c.execute(_SPOOL_URL, {"of_run": run_id}).scalar() or ""

    def live_url(self, camera: str) -> str:
        """Return the inner address of the worker that recorded a camera last; empty: this process."""
        with self._db.look() as c:
            return c.execute(_LIVE_URL, {"of_camera": camera}).scalar() or ""

    def spool_urls(self) -> list[str]:
        """Return the inner addresses of all workers that have open chunks, without the empty one."""
        with self._db.look() as c:
            return [url for (url,) in c.execute(_SPOOL_URLS) if url]

    def spans(self, camera: str, start_us: int, end_us: int) -> list[Interval]:
        """Return when chunks of a camera begin and end in a range, by start, neither clipped nor merged."""
        with self._db.look() as c:
            found = c.execute(SPANS_IN_RANGE, bounds(camera, start_us, end_us)).all()
        return [Interval(start, end) for start, end in found]

    def gaps(self, camera: str, start_us: int, end_us: int) -> list[Gap]:
        """Return the gaps that share an instant with a range, by start."""
        with self._db.read() as c:
            return find_gaps(c, camera, start_us, end_us)

    def last_end_us(self, camera: str, before_us: int | None = None) -> int | None:
        """Return where the footage of a camera ends (that of chunks that begin before ``before_us``)."""
        with self._db.read() as c:
            return last_end(c, camera, before_us)

    def purged_until_us(self, camera: str, before_us: int) -> int | None:
        """Return until when footage of a camera that began before an instant was let go of; None: none was."""
        query = select(GapRow.end_us).where(
            GapRow.camera == camera, GapRow.cause == GapCause.PURGED, GapRow.start_us < before_us
        )
        with self._db.read() as c:
            return c.execute(query.order_by(GapRow.end_us.desc()).limit(1)).scalar()

    def nearest(self, camera: str, at_us: int) -> tuple[int | None, int | None]:
        """Return the end of the footage that begins before an instant, and the start of the footage after it.

        When there is footage at the instant itself, the first of the two is later than it.
        """
        after = select(func.min(ChunkRow.start_us)).where(ChunkRow.camera == camera, ChunkRow.start_us > at_us)
        with self._db.read() as c:
            return last_end(c, camera, at_us), c.execute(after).scalar()

    def newest(self, cameras: Collection[str] | None, limit: int, offset: int = 0) -> list[Chunk]:
        """Return stored chunks of some cameras or, for None, of all, newest first."""
        cameras = among(self._visible, cameras)
        query = select(*_CHUNK).where(ChunkRow.state == "stored").limit(limit).offset(offset)
        if self._visible is not None:
            query = query.where(*self._visible.since(ChunkRow.camera, ChunkRow.start_us))
        if cameras is not None and len(cameras) == 1:
            query = query.where(ChunkRow.camera == next(iter(cameras)))
            query = query.order_by(ChunkRow.start_us.desc(), ChunkRow.end_us.desc(), ChunkRow.id.desc())
        else:
            if cameras is not None:
                query = query.where(ChunkRow.camera.in_(list(cameras)))
            query = query.order_by(ChunkRow.start_us.desc(), ChunkRow.id.desc())
        with self._db.look() as c:
            return [Chunk(*row) for row in c.execute(query)]

    def open_chunks(self, camera: str | None = None) -> list[Chunk]:
        """Return the chunks that are not stored yet, by start."""
        with self._db.look() as c:
            rows = c.execute(_OPEN) if camera is None else c.execute(_OPEN_OF_CAMERA, {"of_camera": camera})
            return [Chunk(*row) for row in rows]

    def cameras(self) -> list[str]:
        """Return the ids of all cameras with footage, also of those that were removed; by id."""
        found: list[str] = []
        with self._db.read() as c:
            # One index seek per camera, where DISTINCT would read every row.
            camera = c.execute(select(func.min(ChunkRow.camera))).scalar()
            while camera is not None:
                found.append(camera)
                camera = c.execute(select(func.min(ChunkRow.camera)).where(ChunkRow.camera > camera)).scalar()
        return found

    def all_chunks(self, batch: int = 1000) -> Iterator[Chunk]:
        """Yield every chunk, by camera and start; no transaction is held open between two batches."""
        for camera in self.cameras():
            last: Chunk | None = None
            while True:
                with self._db.read() as c:
                    found = [Chunk(*row) for row in c.execute(_next_of(camera, last, batch))]
                yield from found
                if len(found) < batch:
                    break
                last = found[-1]


def last_end(c: Connection, camera: str, before_us: int | None) -> int | None:
    """Return where the footage of a camera ends (that of chunks that begin before ``before_us``)."""
    query = select(ChunkRow.end_us).where(ChunkRow.camera == camera)
    if before_us is not None:
        query = query.where(ChunkRow.start_us < before_us)
    return c.execute(query.order_by(ChunkRow.start_us.desc(), ChunkRow.end_us.desc()).limit(1)).scalar()


def _next_of(camera: str, last: Chunk | None, batch: int) -> Select[Any]:
    query = select(*_CHUNK).where(ChunkRow.camera == camera).limit(batch)
    if last is not None:
        query = query.where(
            ChunkRow.start_us >= last.start_us,  # what the index can seek to; the rest tells equal starts apart
            or_(
                ChunkRow.start_us > last.start_us,
                ChunkRow.end_us > last.end_us,
                (ChunkRow.end_us == last.end_us) & (ChunkRow.id > last.id),
            ),
        )
    return query.order_by(ChunkRow.start_us, ChunkRow.end_us, ChunkRow.id)

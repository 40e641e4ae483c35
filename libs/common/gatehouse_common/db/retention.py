"""What may be deleted next: look-ups that read as many rows as they return, however many there are; none is held."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update

from .contention import retried
from .engine import Database
from .holds import chunk_is_held, clip_is_held
from .models import MAX_CHUNK_US, ChunkRow
from .plate_models import MAX_CLIP_US, ClipRow

_CHUNK = (ChunkRow.id, ChunkRow.camera, ChunkRow.key, ChunkRow.start_us, ChunkRow.end_us, ChunkRow.bytes)
_CLIP = (ClipRow.id, ClipRow.camera, ClipRow.key, ClipRow.start_us, ClipRow.end_us, ClipRow.bytes)
_Query = Select[str, str, str, int, int, int]
_RATE_CHUNKS = 6
_LONG_US = MAX_CHUNK_US + MAX_CLIP_US


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored chunk or clip that could be deleted; times are microseconds UTC."""

    id: str
    camera: str
    key: str
    start_us: int
    end_us: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ClipTotals:
    """How many clips have files, and how large these are in all."""

    clips: int
    bytes: int


class RetentionReader:
    """Finds what could go, the oldest first."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def chunks_before(self, camera: str, before_us: int, now_us: int, limit: int) -> list[Kept]:
        """Return stored chunks of a camera that ended before an instant and that no clip waits for."""
        query = select(*_CHUNK).where(
            ChunkRow.camera == camera,
            ChunkRow.start_us < before_us,
            ChunkRow.end_us <= before_us,
            ChunkRow.state == "stored",
            ~chunk_is_held(now_us),
            ~_is_waited_for(),
        )
        return self._kept(query.order_by(ChunkRow.start_us, ChunkRow.end_us, ChunkRow.id).limit(limit))

    def oldest_chunks(
        self, before_us: int, now_us: int, limit: int, *, without_events: bool, besides: Collection[str] = ()
    ) -> list[Kept]:
        """Return the oldest stored chunks over all cameras that ended before an instant.

        Args:
            before_us: the instant.
            now_us: the time, for holds.
            limit: so many at most.
            without_events: only those of which nothing is in a clip, or waits to be.
            besides: cameras of which none are wanted.
        """
        query = select(*_CHUNK).where(
            ChunkRow.state == "stored",
            ChunkRow.start_us < before_us,
            ChunkRow.end_us <= before_us,
            ~chunk_is_held(now_us),
        )
        if without_events:
            query = query.where(~_has_events())
        if besides:
            query = query.where(ChunkRow.camera.not_in(sorted(besides)))
        # Without statistics, SQLite would rather sort them all.
        hinted = query.with_hint(ChunkRow, "INDEXED BY ix_chunks_state", "sqlite")
        hinted = hinted.with_hint(ChunkRow, "FORCE INDEX (ix_chunks_state)", "mysql")
        return self._kept(hinted.order_by(ChunkRow.start_us).limit(limit))

    def clips_before(self, state: str, camera: str, before_us: int, now_us: int, limit: int) -> list[Kept]:
        """Return the clips of a camera in a state (``stored``, ``archived``) that ended before an instant."""
        query = select(*_CLIP).where(
            ClipRow.state == state, ClipRow.camera == camera, ClipRow.end_us < before_us, ~clip_is_held(now_us)
        )
        return self._kept(query.order_by(ClipRow.end_us).limit(limit))

    def oldest_clips(self, before_us: int, now_us: int, limit: int) -> list[Kept]:
        """Return the oldest clips with a file over all cameras that ended before an instant."""
        query = select(*_CLIP).where(
            ClipRow.state.in_(("stored", "archived")), ClipRow.end_us < before_us, ~clip_is_held(now_us)
        )
        return self._kept(query.order_by(ClipRow.start_us, ClipRow.id).limit(limit))

    def cameras_with_clips(self) -> list[str]:
        """Return the cameras that have clips with files, by id."""
        with self._db.read() as c:
            found = set[str]()
            for state in ("stored", "archived"):
                camera = c.execute(select(func.min(ClipRow.camera)).where(ClipRow.state == state)).scalar()
                while camera is not None:
                    found.add(camera)
                    after = select(func.min(ClipRow.camera)).where(ClipRow.state == state, ClipRow.camera > camera)
                    camera = c.execute(after).scalar()
        return sorted(found)

    def clip_totals(self, camera: str | None = None, before_us: int | None = None) -> ClipTotals:
        """Return how many clips have files: of a camera, or that ended before an instant, or all."""
        query = select(func.count(), func.coalesce(func.sum(ClipRow.bytes), 0)).where(
            ClipRow.state.in_(("stored", "archived"))
        )
        if camera is not None:
            query = query.where(ClipRow.camera == camera)
        if before_us is not None:
            query = query.where(ClipRow.end_us < before_us)
        with self._db.look() as c:
            count, size = c.execute(query).one()
        return ClipTotals(count, int(size))

    def rate(self, camera: str) -> float:
        """Return the bytes a second that a camera's last stored chunks took, 0 if there are none."""
        newest = (
            select(ChunkRow.bytes, ChunkRow.start_us, ChunkRow.end_us)
            .where(ChunkRow.camera == camera, ChunkRow.state == "stored")
            .order_by(ChunkRow.start_us.desc(), ChunkRow.end_us.desc(), ChunkRow.id.desc())
            .limit(_RATE_CHUNKS)
        )
        with self._db.look() as c:
            rows = c.execute(newest).all()
        lasted = sum(end - start for _, start, end in rows)
        return sum(size for size, _, _ in rows) * 1e6 / lasted if lasted > 0 else 0.0

    def sum_before(self, camera: str, from_us: int, to_us: int, before_us: int) -> tuple[int, int]:
        """Return how many stored chunks begin in ``[from_us, to_us)`` and end before an instant, and their bytes."""
        query = select(func.count(), func.coalesce(func.sum(ChunkRow.bytes), 0)).where(
            ChunkRow.camera == camera,
            ChunkRow.start_us >= from_us,
            ChunkRow.start_us < to_us,
            ChunkRow.end_us <= before_us,
            ChunkRow.state == "stored",
        )
        with self._db.look() as c:
            count, size = c.execute(query).one()
        return count, int(size)

    def oldest_start(self, camera: str) -> int | None:
        """Return where a camera's footage begins, None if there is none."""
        with self._db.look() as c:
            return c.execute(select(func.min(ChunkRow.start_us)).where(ChunkRow.camera == camera)).scalar()

    @retried
    def archive_clips(self, camera: str, before_us: int, now_us: int) -> int:
        """Mark clips of a camera that ended before an instant as archived, unless they are held; return how many."""
        old = (
            ClipRow.state == "stored",
            ClipRow.camera == camera,
            ClipRow.end_us < before_us,
            ~clip_is_held(now_us),
        )
        with self._db.begin() as c:
            return c.execute(update(ClipRow).where(*old).values(state="archived")).rowcount

    def _kept(self, query: _Query) -> list[Kept]:
        with self._db.read() as c:
            rows: Sequence[Any] = c.execute(query).all()
        return [Kept(*row) for row in rows]


def _near() -> ColumnElement[bool]:
    """Clips that share an instant with a chunk; the first two bounds are what the index can seek to."""
    return and_(
        ClipRow.camera == ChunkRow.camera,
        ClipRow.wanted_start_us < ChunkRow.end_us,
        ClipRow.wanted_start_us > ChunkRow.start_us - _LONG_US,
        or_(ClipRow.wanted_end_us > ChunkRow.start_us, ClipRow.end_us > ChunkRow.start_us),
    )


def _is_waited_for() -> ColumnElement[bool]:
    return exists().where(_near(), ClipRow.state == "planned")


def _has_events() -> ColumnElement[bool]:
    return exists().where(_near())

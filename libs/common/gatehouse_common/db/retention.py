"""What may be deleted next: look-ups that read as many rows as they return, however many there are; none is held."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select, update

from .chunk_days import DAY_US
from .contention import retried
from .engine import Database
from .hints import by_camera, by_state
from .holds import Hold, chunk_is_held, clip_is_held
from .models import MAX_CHUNK_US, ChunkRow
from .plate_models import MAX_CLIP_US, ClipRow
from .session_waits import chunk_is_waited_for
from .visible import Visible, seen

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


def _near() -> ColumnElement[bool]:
    """Clips that share an instant with a chunk; the first two bounds are what the index can seek to."""
    return and_(
        ClipRow.camera == ChunkRow.camera,
        ClipRow.wanted_start_us < ChunkRow.end_us,
        ClipRow.wanted_start_us > ChunkRow.start_us - _LONG_US,
        or_(ClipRow.wanted_end_us > ChunkRow.start_us, ClipRow.end_us > ChunkRow.start_us),
    )


def _is_waited_for() -> ColumnElement[bool]:
    of_session = chunk_is_waited_for(ChunkRow.camera, ChunkRow.start_us, ChunkRow.end_us)
    return or_(exists().where(_near(), ClipRow.state == "planned"), of_session)


def _has_events() -> ColumnElement[bool]:
    return exists().where(_near())


# Made once: building a statement costs more than running it, and these are run for each camera.
_OLD = by_camera(
    select(*_CHUNK)
    .where(
        ChunkRow.camera == bindparam("of_camera"),
        ChunkRow.start_us < bindparam("before_us"),
        ChunkRow.end_us <= bindparam("before_us"),
        ChunkRow.state == "stored",
        ~chunk_is_held(),
        ~_is_waited_for(),
    )
    .order_by(ChunkRow.start_us, ChunkRow.end_us, ChunkRow.id)
    .limit(bindparam("most"))
)
_OLD_CLIPS = (
    select(*_CLIP)
    .where(
        ClipRow.state == bindparam("in_state"),
        ClipRow.camera == bindparam("of_camera"),
        ClipRow.end_us < bindparam("before_us"),
        ~clip_is_held(),
    )
    .order_by(ClipRow.end_us)
    .limit(bindparam("most"))
)
_NEWEST = by_camera(
    select(ChunkRow.bytes, ChunkRow.start_us, ChunkRow.end_us)
    .where(ChunkRow.camera == bindparam("of_camera"), ChunkRow.state == "stored")
    .order_by(ChunkRow.start_us.desc(), ChunkRow.end_us.desc(), ChunkRow.id.desc())
    .limit(_RATE_CHUNKS)
)
_OLDEST = by_camera(
    select(ChunkRow.start_us, ChunkRow.end_us)
    .where(ChunkRow.camera == bindparam("of_camera"), ChunkRow.start_us >= bindparam("from_us"))
    .order_by(ChunkRow.start_us)
    .limit(1)
)
_SUM = by_camera(
    select(func.count(), func.coalesce(func.sum(ChunkRow.bytes), 0)).where(
        ChunkRow.camera == bindparam("of_camera"),
        ChunkRow.start_us >= bindparam("from_us"),
        ChunkRow.start_us < bindparam("to_us"),
        ChunkRow.end_us <= bindparam("before_us"),
        ChunkRow.state == "stored",
    )
)


class RetentionReader:
    """Finds what could go, the oldest first.

    Args:
        db: the index.
        visible: the cameras whose clips are found and counted where no camera is named; None: all.
    """

    def __init__(self, db: Database, visible: Visible | None = None) -> None:
        self._db, self._visible = db, visible

    def chunks_before(self, camera: str, before_us: int, now_us: int, limit: int) -> list[Kept]:
        """Return stored chunks of a camera that ended before an instant and that no file waits for."""
        return self.chunks_of({camera: before_us}, now_us, limit)

    def chunks_of(self, before_us: Mapping[str, int], now_us: int, limit: int) -> list[Kept]:
        """Return so many stored chunks of cameras that ended before an instant of each; one camera after the other."""
        found: list[Kept] = []
        with self._db.read() as c:
            for camera, before in before_us.items():
                if len(found) >= limit:
                    break
                wanted = {"of_camera": camera, "before_us": before, "now_us": now_us, "most": limit - len(found)}
                found += [Kept(*row) for row in c.execute(_OLD, wanted)]
        return found

    def oldest_of(self, before_us: Mapping[str, int], now_us: int, each: int) -> list[Kept]:
        """Return so many stored chunks of each camera that ended before an instant of each."""
        found: list[Kept] = []
        with self._db.read() as c:
            for camera, before in before_us.items():
                wanted = {"of_camera": camera, "before_us": before, "now_us": now_us, "most": each}
                found += [Kept(*row) for row in c.execute(_OLD, wanted)]
        return found

    def oldest_chunks(
        self, before_us: int, now_us: int, limit: int, *, without_events: bool, besides: Collection[str] = ()
    ) -> list[Kept]:
        """Return the oldest stored chunks over all cameras that ended before an instant.

        Args:
            before_us: the instant.
            now_us: the time, for holds.
            limit: so many at most.
            without_events: only those of which nothing is in a clip, and no clip or file of a session is to be made.
            besides: cameras of which none are wanted.
        """
        query = select(*_CHUNK).where(
            ChunkRow.state == "stored",
            ChunkRow.start_us < before_us,
            ChunkRow.end_us <= before_us,
            ~chunk_is_held(),
        )
        if without_events:
            waited = chunk_is_waited_for(ChunkRow.camera, ChunkRow.start_us, ChunkRow.end_us)
            query = query.where(~_has_events(), ~waited)
        if besides:
            query = query.where(ChunkRow.camera.not_in(sorted(besides)))
        return self._kept(by_state(query).order_by(ChunkRow.start_us).limit(limit), now_us)

    def clips_before(self, state: str, camera: str, before_us: int, now_us: int, limit: int) -> list[Kept]:
        """Return the clips of a camera in a state (``stored``, ``archived``) that ended before an instant."""
        wanted = {"in_state": state, "of_camera": camera, "before_us": before_us, "now_us": now_us, "most": limit}
        with self._db.read() as c:
            return [Kept(*row) for row in c.execute(_OLD_CLIPS, wanted)]

    def oldest_clips(
        self, before_us: int, now_us: int, limit: int, *, state: str = "stored", besides: Collection[str] = ()
    ) -> list[Kept]:
        """Return the clips in a state that ended before an instant, the oldest first.

        Args:
            before_us: the instant.
            now_us: the time, for holds.
            limit: so many at most.
            state: ``stored`` or ``archived``.
            besides: cameras of which none are wanted.
        """
        query = select(*_CLIP).where(ClipRow.state == state, ClipRow.end_us < before_us, ~clip_is_held())
        if besides:
            query = query.where(ClipRow.camera.not_in(sorted(besides)))
        hinted = query.with_hint(ClipRow, "INDEXED BY ix_clips_end", "sqlite")
        hinted = hinted.with_hint(ClipRow, "FORCE INDEX (ix_clips_end)", "mysql")
        return self._kept(hinted.order_by(ClipRow.end_us, ClipRow.id).limit(limit), now_us)

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
        return sorted(camera for camera in found if self._visible is None or self._visible.has(camera))

    def clip_totals(self, camera: str | None = None, before_us: int | None = None, state: str = "") -> ClipTotals:
        """Return how many clips have files: of a camera, or that ended before an instant, or in a state, or all."""
        query = select(func.count(), func.coalesce(func.sum(ClipRow.bytes), 0)).where(
            ClipRow.state.in_((state,) if state else ("stored", "archived")), *seen(self._visible, ClipRow.camera)
        )
        if camera is not None:
            query = query.where(ClipRow.camera == camera)
        if before_us is not None:
            query = query.where(ClipRow.end_us < before_us)
        with self._db.look() as c:
            count, size = c.execute(query).one()
        return ClipTotals(count, int(size))

    def clip_days(self, camera: str, from_us: int) -> list[tuple[int, int, int]]:
        """Return ``(start_us, clips, bytes)`` of days of UTC, of clips with files that ended at or after an instant."""
        start_us = (ClipRow.end_us - ClipRow.end_us % DAY_US).label("day_us")
        query = (
            select(start_us, func.count(), func.sum(ClipRow.bytes))
            .where(ClipRow.state.in_(("stored", "archived")), ClipRow.camera == camera, ClipRow.end_us >= from_us)
            .group_by("day_us")
        )
        with self._db.look() as c:
            return [(at, clips, int(size)) for at, clips, size in c.execute(query)]

    def rates(self, cameras: Collection[str]) -> dict[str, float]:
        """Return the bytes a second that the last stored chunks of cameras took, 0 where there are none."""
        found: dict[str, float] = {}
        with self._db.read() as c:
            for camera in cameras:
                rows = c.execute(_NEWEST, {"of_camera": camera}).all()
                lasted = sum(end - start for _, start, end in rows)
                found[camera] = sum(size for size, _, _ in rows) * 1e6 / lasted if lasted > 0 else 0.0
        return found

    def sums(self, spans: Iterable[tuple[str, int, int, int]]) -> tuple[int, int]:
        """Return how many stored chunks there are in spans, and their bytes.

        Args:
            spans: ``(camera, from_us, to_us, before_us)``: those that begin in ``[from_us, to_us)`` and end before an
                instant.
        """
        count = size = 0
        with self._db.read() as c:
            for camera, from_us, to_us, before_us in spans:
                span = {"of_camera": camera, "from_us": from_us, "to_us": to_us, "before_us": before_us}
                some, their_bytes = c.execute(_SUM, span).one()
                count, size = count + some, size + int(their_bytes)
        return count, size

    def oldest_starts(self, cameras: Collection[str], holds: Collection[Hold]) -> dict[str, int]:
        """Return where the footage of cameras begins that no hold keeps; where all is kept, where it begins.

        Args:
            cameras: slugs; those without any footage are left out.
            holds: that are active.
        """
        found: dict[str, int] = {}
        with self._db.read() as c:
            for camera in cameras:
                mine = [one for one in holds if one.is_of_footage and one.camera in {None, camera}]
                first = row = c.execute(_OLDEST, {"of_camera": camera, "from_us": 0}).first()
                while row is not None and (past := _past(mine, row.start_us, row.end_us)) is not None:
                    row = c.execute(_OLDEST, {"of_camera": camera, "from_us": past}).first()
                if first is not None:
                    found[camera] = int((row or first).start_us)
        return found

    @retried
    def archive_clips(self, camera: str, before_us: int, now_us: int) -> int:
        """Mark clips of a camera that ended before an instant as archived, unless they are held; return how many."""
        old = (
            ClipRow.state == "stored",
            ClipRow.camera == camera,
            ClipRow.end_us < before_us,
            ~clip_is_held(),
        )
        with self._db.begin() as c:
            return c.execute(update(ClipRow).where(*old).values(state="archived"), {"now_us": now_us}).rowcount

    def _kept(self, query: _Query, now_us: int) -> list[Kept]:
        with self._db.read() as c:
            return [Kept(*row) for row in c.execute(query, {"now_us": now_us})]


def _past(holds: Collection[Hold], start_us: int, end_us: int) -> int | None:
    """Return until when holds keep what comes after a chunk that they keep; None: they do not keep it."""
    ends = [one.end_us for one in holds if one.start_us < end_us and one.end_us > start_us]
    return max(*ends, start_us + 1) if ends else None

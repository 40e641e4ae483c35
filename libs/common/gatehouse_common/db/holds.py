"""Holds: footage and clips that nothing deletes, whatever the settings say and however full the disk is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, insert, or_, select, update

from gatehouse_common.errors import InvalidInput, NotFound
from gatehouse_common.intervals import Interval, merge

from .chunk_days import DAY_US
from .contention import retried
from .engine import Database
from .hints import by_camera
from .models import MAX_CHUNK_US, ChunkRow
from .plate_models import ClipRow
from .upkeep_models import ChunkDayRow, HoldRow


@dataclass(frozen=True, slots=True)
class Hold:
    """Footage that is not to be deleted; times are microseconds UTC.

    Attributes:
        id: UUIDv7.
        camera: whose footage; None: of all cameras, or ``clip`` says.
        clip: the one clip that is held; None: all that there is of the range.
        start_us: the first instant that is held.
        end_us: the first that is not; ``FOREVER_US``: the hold goes on.
        reason: why, for people.
        case_name: what it belongs to.
        until_us: when it runs out by itself; None: never.
        created_us: when it was placed.
        created_by: by whom; empty: not known.
        released_us: when it was released; None: it was not.
        released_by: by whom.
    """

    id: str
    camera: str | None
    clip: str | None
    start_us: int
    end_us: int
    reason: str
    case_name: str
    until_us: int | None
    created_us: int
    created_by: str = ""
    released_us: int | None = None
    released_by: str | None = None

    def is_active(self, now_us: int) -> bool:
        """Return whether it holds anything."""
        return self.released_us is None and (self.until_us is None or self.until_us > now_us)


_HOLD = [getattr(HoldRow, f.name) for f in fields(Hold)]


_ACTIVE = HoldRow.released_us.is_(None) & or_(HoldRow.until_us.is_(None), HoldRow.until_us > bindparam("now_us"))


def chunk_is_held() -> ColumnElement[bool]:
    """Return the condition that a row of chunks is held; it takes the time as ``now_us``."""
    whose = HoldRow.camera.is_(None) | (HoldRow.camera == ChunkRow.camera)
    shares = (HoldRow.start_us < ChunkRow.end_us) & (HoldRow.end_us > ChunkRow.start_us)
    return exists().where(HoldRow.clip.is_(None), whose, shares, _ACTIVE)


def clip_is_held() -> ColumnElement[bool]:
    """Return the condition that a row of clips is held: itself, or what it shows; it takes the time as ``now_us``."""
    whose = HoldRow.camera.is_(None) | (HoldRow.camera == ClipRow.camera)
    shares = (HoldRow.start_us < ClipRow.end_us) & (HoldRow.end_us > ClipRow.start_us)
    of_range = HoldRow.clip.is_(None) & whose & shares
    return exists().where(or_(HoldRow.clip == ClipRow.id, of_range), _ACTIVE)


class HoldRepository:
    """Places, lists and releases holds."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def place(self, hold: Hold) -> None:
        """Place a hold; from when this returns on nothing of it is marked to be deleted.

        Raises:
            InvalidInput: it ends before it begins.
            NotFound: there is no such clip.
        """
        if hold.end_us <= hold.start_us:
            raise InvalidInput("a hold has to end after it begins", "to")
        with self._db.begin() as c:
            if hold.clip and c.execute(select(ClipRow.id).where(ClipRow.id == hold.clip)).first() is None:
                raise NotFound(f"there is no clip {hold.clip[:64]!r}")
            c.execute(insert(HoldRow).values(asdict(hold)))

    def get(self, hold_id: str) -> Hold:
        """Return a hold, released or not.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.look() as c:
            row = c.execute(select(*_HOLD).where(HoldRow.id == hold_id)).first()
        if row is None:
            raise NotFound(f"there is no hold {hold_id[:64]!r}")
        return Hold(*row)

    def list(self, now_us: int, *, ended: bool = False) -> list[Hold]:
        """Return the holds that hold something, the newest first; with ``ended`` also those that were."""
        query = select(*_HOLD).order_by(HoldRow.created_us.desc(), HoldRow.id.desc())
        with self._db.look() as c:
            rows = c.execute(query) if ended else c.execute(query.where(_ACTIVE), {"now_us": now_us})
            return [Hold(*row) for row in rows]

    @retried
    def release(self, hold_id: str, now_us: int, by: str) -> Hold:
        """Release a hold; one that was released stays as it was.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.begin() as c:
            open_one = update(HoldRow).where(HoldRow.id == hold_id, HoldRow.released_us.is_(None))
            c.execute(open_one.values(released_us=now_us, released_by=by))
        return self.get(hold_id)

    def held_bytes(self, now_us: int) -> int:
        """Return how many bytes of recordings and clips are held; recordings as of when their days were summed up."""
        active = self.list(now_us)
        if not active:
            return 0
        ranges: dict[str | None, list[Interval]] = {}
        for hold in active:
            if hold.clip is None:
                ranges.setdefault(hold.camera, []).append(Interval(hold.start_us, hold.end_us))
        held = ClipRow.state.in_(("stored", "archived")) & clip_is_held()
        with self._db.read() as c:
            clips = select(func.coalesce(func.sum(ClipRow.bytes), 0)).where(held)
            total = int(c.execute(clips, {"now_us": now_us}).scalar_one())
            for camera in c.execute(select(ChunkDayRow.camera).distinct()).scalars().all() if ranges else ():
                spans = merge([*ranges.get(None, []), *ranges.get(camera, [])])
                total += sum(_bytes_of(c, camera, span) for span in spans)
        return total


def _bytes_of(c: Connection, camera: str, span: Interval) -> int:
    """Return the bytes of chunks that share an instant with a span: whole days by their sums, the rest one by one."""
    first, last = -(-span.start // DAY_US), span.end // DAY_US
    if first >= last:
        return _one_by_one(c, camera, span.start - MAX_CHUNK_US, span.end, span.start)
    days = select(func.coalesce(func.sum(ChunkDayRow.bytes), 0)).where(
        ChunkDayRow.camera == camera, ChunkDayRow.day >= first, ChunkDayRow.day < last
    )
    before = _one_by_one(c, camera, span.start - MAX_CHUNK_US, first * DAY_US, span.start)
    after = _one_by_one(c, camera, last * DAY_US - 1, span.end, span.start)
    return before + int(c.execute(days).scalar_one()) + after


def _one_by_one(c: Connection, camera: str, above_us: int, below_us: int, ends_after_us: int) -> int:
    inside = (
        ChunkRow.camera == camera,
        ChunkRow.start_us > above_us,
        ChunkRow.start_us < below_us,
        ChunkRow.end_us > ends_after_us,
        ChunkRow.state == "stored",
    )
    sums = by_camera(select(func.coalesce(func.sum(ChunkRow.bytes), 0)).where(*inside))
    return int(c.execute(sums).scalar_one())

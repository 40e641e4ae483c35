"""What each camera has stored of each day: sums that plans of retention are made from, however many chunks there are.

Who changes chunks *touches* their days in the same transaction; sums of days that were touched are made anew when
somebody asks. So they cannot be wrong for good, and a change costs one row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, func, select, update

from gatehouse_common.clock import HOUR

from .contention import retried
from .engine import Database
from .hints import by_camera
from .models import ChunkRow
from .new_rows import insert_new
from .upkeep_models import ChunkDayRow
from .visible import Visible, seen

DAY_US = 24 * HOUR
_AT_ONCE = 200


class ChunkDay(NamedTuple):
    """Stored chunks of a camera that begin on a day of UTC; ``day`` counts from 1970-01-01.

    A tuple, for there are tens of thousands of them in a plan.
    """

    camera: str
    day: int
    chunks: int
    bytes: int

    @property
    def start_us(self) -> int:
        """Where the day begins, microseconds UTC."""
        return self.day * DAY_US


def touch_days(c: Connection, camera: str, starts_us: Iterable[int]) -> None:
    """Note that chunks of a camera that begin at some instants have changed."""
    for day in sorted({start // DAY_US for start in starts_us}):
        itself = (ChunkDayRow.camera == camera, ChunkDayRow.day == day)
        counted_up = update(ChunkDayRow).where(*itself).values(changes=ChunkDayRow.changes + 1)
        if c.execute(counted_up).rowcount:
            continue
        row = {"camera": camera, "day": day, "chunks": 0, "bytes": 0, "changes": 1, "counted": 0}
        if not insert_new(c, ChunkDayRow, row):
            c.execute(counted_up)


class ChunkDays:
    """Reads the sums, and makes those anew that are out of date.

    Args:
        db: the index.
        visible: the cameras whose sums are read; None: all.
    """

    def __init__(self, db: Database, visible: Visible | None = None) -> None:
        self._db, self._visible = db, visible

    def all(self) -> list[ChunkDay]:
        """Return the days on which something is stored, by camera and day, as they are now."""
        while self._settle():
            pass
        query = select(ChunkDayRow.camera, ChunkDayRow.day, ChunkDayRow.chunks, ChunkDayRow.bytes)
        query = query.where(ChunkDayRow.chunks > 0, *seen(self._visible, ChunkDayRow.camera))
        query = query.order_by(ChunkDayRow.camera, ChunkDayRow.day)
        with self._db.read() as c:
            return [ChunkDay._make(row) for row in c.execute(query)]

    @retried
    def _settle(self) -> bool:
        """Make some sums anew; return whether there may be more to do."""
        stale = select(ChunkDayRow.camera, ChunkDayRow.day, ChunkDayRow.changes).where(
            ChunkDayRow.changes != ChunkDayRow.counted
        )
        with self._db.read() as c:
            if c.execute(stale.limit(1)).first() is None:
                return False
        with self._db.begin() as c:
            # Which changes there were and what the chunks are is seen at one instant. A change that comes after
            # counts up again, and the day stays out of date.
            found = c.execute(stale.limit(_AT_ONCE)).all()
            for camera, day, changes in found:
                _sum_up(c, camera, day, changes)
        return len(found) == _AT_ONCE


def _sum_up(c: Connection, camera: str, day: int, changes: int) -> None:
    inside = (
        ChunkRow.camera == camera,
        ChunkRow.start_us >= day * DAY_US,
        ChunkRow.start_us < (day + 1) * DAY_US,
        ChunkRow.state == "stored",
    )
    sums = by_camera(select(func.count(), func.coalesce(func.sum(ChunkRow.bytes), 0)).where(*inside))
    chunks, size = c.execute(sums).one()
    itself = (ChunkDayRow.camera == camera, ChunkDayRow.day == day)
    c.execute(update(ChunkDayRow).where(*itself).values(chunks=chunks, bytes=int(size), counted=changes))

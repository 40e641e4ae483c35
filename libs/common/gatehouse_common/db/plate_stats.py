"""How many plates came, and which came most often: sums of a range, made by the database."""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, func, select

from gatehouse_common.clock import MINUTE

from .engine import Database
from .plate_models import PlateEventRow
from .visible import Visible, seen

_QUARTER_US = 15 * MINUTE


class PlateStats:
    """Counts plate events; those that a person rejected are none.

    Args:
        db: the index.
        visible: which events there are; None: all.
    """

    def __init__(self, db: Database, visible: Visible | None = None) -> None:
        self._db, self._visible = db, visible

    def per_quarter(self, start_us: int, end_us: int) -> dict[int, int]:
        """Return how many events began in each quarter of an hour of ``[start_us, end_us)``, by where it begins.

        Quarters in which none began are left out. No zone is ahead of UTC by less than a quarter of an hour.
        """
        quarter = (PlateEventRow.start_us - PlateEventRow.start_us % _QUARTER_US).label("quarter")
        query = select(quarter, func.count()).where(*self._within(start_us, end_us)).group_by(quarter)
        with self._db.read() as c:
            return {int(at): count for at, count in c.execute(query)}

    def most(self, start_us: int, end_us: int, limit: int) -> list[tuple[str, int, int]]:
        """Return the texts that came most often in ``[start_us, end_us)``: text, how often, when last."""
        count, last = func.count().label("times"), func.max(PlateEventRow.start_us)
        query = (
            select(PlateEventRow.text, count, last)
            .where(*self._within(start_us, end_us))
            .group_by(PlateEventRow.text)
            .order_by(count.desc(), PlateEventRow.text)
            .limit(limit)
        )
        with self._db.read() as c:
            return [(text, times, int(at)) for text, times, at in c.execute(query)]

    def _within(self, start_us: int, end_us: int) -> list[ColumnElement[bool]]:
        row = PlateEventRow
        own = seen(self._visible, row.camera, row.start_us)
        return [row.start_us >= start_us, row.start_us < end_us, row.rejected == false(), *own]

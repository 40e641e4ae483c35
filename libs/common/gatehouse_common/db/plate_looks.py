"""Visits that are still to be looked for on watch lists: noted in the transaction that changed what they say.

What cameras read is looked for before its message is acknowledged. What people correct comes with no message: so that
is a row, until somebody has looked.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select

from gatehouse_common.ids import new_id

from .contention import retried
from .engine import Database
from .watch_models import PlateLookRow


def note_look(c: Connection, event_id: str, now_us: int) -> None:
    """Note in a transaction that a visit is to be looked for, for it says something else by its end."""
    c.execute(insert(PlateLookRow).values(id=new_id(), event=event_id, noted_us=now_us))


class PlateLooks:
    """Which visits are to be looked for. A row is one change: who has looked removes those that were there before."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, event_id: str) -> list[str]:
        """Return the ids of what is noted of a visit."""
        with self._db.look() as c:
            return list(c.execute(select(PlateLookRow.id).where(PlateLookRow.event == event_id)).scalars())

    def waiting(self, before_us: int, limit: int = 100) -> list[str]:
        """Return the plate events of which something was noted before an instant, so many at most."""
        waits = select(PlateLookRow.event).where(PlateLookRow.noted_us < before_us).distinct()
        with self._db.look() as c:
            return list(c.execute(waits.limit(limit)).scalars())

    @retried
    def done(self, ids: Collection[str]) -> None:
        """Note that somebody has looked since."""
        if ids:
            with self._db.begin() as c:
                c.execute(delete(PlateLookRow).where(PlateLookRow.id.in_(sorted(ids))))

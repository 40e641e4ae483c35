"""What is known of the whole installation: the id of its store, when its janitor last got through."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import bindparam, delete, insert, select

from .contention import retried
from .engine import Database
from .new_rows import insert_new
from .upkeep_models import FactRow

# Made once: it is asked every second.
_VALUE = select(FactRow.value).where(FactRow.name == bindparam("of_name"))

INDEX_REBUILT = "index.rebuilt"
"""When the index was made anew of files, microseconds UTC: what people had set in the one before is lost."""


class Facts:
    """Names and values, few of them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def get(self, name: str) -> str | None:
        """Return what is known, None if nothing is."""
        with self._db.look() as c:
            return c.execute(_VALUE, {"of_name": name}).scalar()

    def beginning(self, prefix: str) -> dict[str, str]:
        """Return all of which the name begins so, by the rest of it."""
        with self._db.look() as c:
            rows = c.execute(
                select(FactRow.name, FactRow.value).where(FactRow.name.startswith(prefix, autoescape=True))
            )
            return {row.name[len(prefix) :]: row.value for row in rows}

    @retried
    def forget(self, name: str) -> None:
        """Keep nothing of that name."""
        with self._db.begin() as c:
            c.execute(delete(FactRow).where(FactRow.name == name))

    def first(self, name: str, value: str, now_us: int) -> str:
        """Keep a value if nothing is known yet; return what is known then."""
        known = self.get(name)  # as nearly always: what is asked again and again is written once
        return known if known is not None else self._first(name, value, now_us)

    @retried
    def _first(self, name: str, value: str, now_us: int) -> str:
        with self._db.begin() as c:
            insert_new(c, FactRow, {"name": name, "value": value, "noted_us": now_us})
            return str(c.execute(_VALUE, {"of_name": name}).scalar_one())

    @retried
    def change(self, values: Mapping[str, str | None], now_us: int) -> None:
        """Keep all of these in place of what was known, and of those that are None nothing: together, or not at all."""
        with self._db.begin() as c:
            c.execute(delete(FactRow).where(FactRow.name.in_(list(values))))
            kept = [{"name": n, "value": value, "noted_us": now_us} for n, value in values.items() if value is not None]
            if kept:
                c.execute(insert(FactRow), kept)

    @retried
    def put(self, name: str, value: str, now_us: int) -> None:
        """Keep a value in place of what was known."""
        with self._db.begin() as c:
            c.execute(delete(FactRow).where(FactRow.name == name))
            c.execute(insert(FactRow).values(name=name, value=value, noted_us=now_us))

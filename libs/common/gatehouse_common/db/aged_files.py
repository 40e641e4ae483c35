"""Files of people that are older than they are kept: of recorder sessions, uploads and browsers, and exports.

Files in the trash are not among them, they go when nobody can take them out any more. A file of a session is as old as
its last frame, or as it has been here if it came later; a medium is as old as all has been made that belongs to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Select, case, func, select

from .chunk_days import DAY_US
from .engine import Database
from .holds import media_is_held, session_file_is_held
from .media_jobs import is_worked_on
from .media_models import MediaFileRow, MediaRow
from .retention import Kept
from .session_models import SESSION_FILE, SessionChunkRow

FileClass = Literal["session", "upload", "export"]
_KINDS = {"upload": ("upload", "recording"), "export": ("export",)}
_MADE = ("ready", "failed")


@dataclass(frozen=True, slots=True)
class AgedTotals:
    """How many objects there are, and their bytes."""

    objects: int
    bytes: int


class AgedFiles:
    """Finds and counts them; held ones are never found, and never counted as being of age."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, kind: FileClass, before_us: int, now_us: int, limit: int) -> list[Kept]:
        """Return so many files of a class that are older than an instant, the oldest first."""
        with self._db.read() as c:
            if kind == "session":
                files = select(*SESSION_FILE).where(*_of_age(kind, before_us)).order_by(SessionChunkRow.end_us)
                return [Kept(*row) for row in c.execute(files.limit(limit), {"now_us": now_us})]
            media = select(MediaRow.id, MediaRow.folder, MediaRow.created_us, MediaRow.bytes)
            query = media.where(*_of_age(kind, before_us)).order_by(MediaRow.created_us, MediaRow.number)
            rows = c.execute(query.limit(limit), {"now_us": now_us})
            return [Kept(one, "", folder, at, at + 1, size) for one, folder, at, size in rows]

    def due(self, kind: FileClass, before_us: int, now_us: int) -> AgedTotals:
        """Return how much of a class is older than an instant."""
        return self._totals(_sums(kind, _of_age(kind, before_us)), now_us)

    def all(self, kind: FileClass) -> AgedTotals:
        """Return how much of a class there is, held or not."""
        return self._totals(_sums(kind, _there(kind)), 0)

    def days(self, kind: FileClass, since_us: int) -> list[tuple[int, int, int]]:
        """Return what is not older than an instant, held or not: when its day of UTC began, objects, bytes."""
        at = _age_of(kind)
        # As a remainder, which is a whole number on every database; a quotient is not.
        day = (at - at % DAY_US).label("day")
        query = _sums(kind, [*_there(kind), at >= since_us]).add_columns(day).group_by(day).order_by(day)
        with self._db.read() as c:
            return [(int(row.day), int(row[0]), int(row[1])) for row in c.execute(query)]

    def _totals(self, query: Select[int, int], now_us: int) -> AgedTotals:
        with self._db.read() as c:
            objects, size = c.execute(query, {"now_us": now_us}).one()
        return AgedTotals(int(objects), int(size))


def _age_of(kind: FileClass) -> ColumnElement[int]:
    ended, stored = SessionChunkRow.end_us, SessionChunkRow.stored_us
    if kind == "session":
        return case((stored > ended, stored), else_=ended)
    return func.coalesce(MediaRow.ready_us, MediaRow.created_us)


def _there(kind: FileClass) -> list[ColumnElement[bool]]:
    if kind == "session":
        return [SessionChunkRow.state == "stored"]
    return [MediaRow.state.in_(_MADE), MediaRow.kind.in_(_KINDS[kind])]


def _of_age(kind: FileClass, before_us: int) -> list[ColumnElement[bool]]:
    old = [*_there(kind), _age_of(kind) < before_us]
    if kind == "session":
        return [*old, ~session_file_is_held()]
    # What came later is not older: by that alone an index can be gone by.
    return [*old, MediaRow.created_us < before_us, ~media_is_held(), ~is_worked_on()]


def _sums(kind: FileClass, conditions: Sequence[ColumnElement[bool]]) -> Select[int, int]:
    """Return the query for objects and bytes; those of a medium are of all its files."""
    if kind == "session":
        size = func.coalesce(func.sum(SessionChunkRow.bytes), 0)
        return select(func.count(SessionChunkRow.number), size).where(*conditions)
    files = (
        select(func.coalesce(func.sum(MediaFileRow.bytes), 0))
        .where(MediaFileRow.media == MediaRow.number, MediaFileRow.state == "ready")
        .correlate(MediaRow)
        .scalar_subquery()
    )
    return select(func.count(MediaRow.number), func.coalesce(func.sum(files), 0)).where(*conditions)

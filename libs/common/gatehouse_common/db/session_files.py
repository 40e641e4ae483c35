"""Files of recorder sessions as people look for them: by user, camera and day, the newest first, in pages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select

from .engine import Database
from .hints import files_by_time
from .session_models import RecorderSessionRow, SessionChunkRow
from .session_records import RecorderSession, SessionChunk
from .sessions import CHUNK, SESSION
from .visible import OF_NO_CAMERA, Visible, seen_or_of_none

BROWSER = "browser:"
"""Asks for what was recorded in a browser; no camera can be called so."""
_SHOWN = ("planned", "stored", "failed")


@dataclass(frozen=True, slots=True)
class FileQuery:
    """Which files are looked for.

    Attributes:
        user: only of the user of this number; None: of all.
        camera: only of this camera; empty: of all; ``BROWSER``: of none, recorded in a browser.
        start_us: that begin at or after this instant, microseconds UTC.
        end_us: that begin before this one.
        trashed: those in the trash, and no others.
    """

    user: int | None = None
    camera: str = ""
    start_us: int | None = None
    end_us: int | None = None
    trashed: bool = False


@dataclass(frozen=True, slots=True)
class FileTotals:
    """How many files were found.

    Attributes:
        count: all of them, also those that are not stored yet.
        duration_us: how long those are that have a file, microseconds.
        bytes: how large they are.
    """

    count: int
    duration_us: int
    bytes: int


class SessionFiles:
    """Finds files: those that are stored, that are still to be made, and that could not be made.

    Args:
        db: the index.
        visible: what there is for who asks; None: everything.
    """

    def __init__(self, db: Database, visible: Visible | None = None) -> None:
        self._db, self._visible = db, visible

    def find(self, query: FileQuery, now_us: int, limit: int, offset: int = 0) -> list[SessionChunk]:
        """Return a page of files that have begun, the newest first."""
        rows = select(*CHUNK).where(*self._conditions(query, now_us))
        rows = rows.order_by(SessionChunkRow.start_us.desc(), SessionChunkRow.number.desc())
        if query.user is None and not query.trashed:
            rows = files_by_time(rows)
        with self._db.look() as c:
            return [SessionChunk(*row) for row in c.execute(rows.limit(limit).offset(offset))]

    def totals(self, query: FileQuery, now_us: int) -> FileTotals:
        """Return how many files there are, and what they take."""
        conditions = self._conditions(query, now_us)
        length = func.coalesce(func.sum(SessionChunkRow.end_us - SessionChunkRow.start_us), 0)
        kept = select(length, func.coalesce(func.sum(SessionChunkRow.bytes), 0)).where(
            SessionChunkRow.state == "stored"
        )
        with self._db.look() as c:
            count = c.execute(select(func.count()).select_from(SessionChunkRow).where(*conditions)).scalar_one()
            duration_us, size = c.execute(kept.where(*conditions)).one()
        return FileTotals(count, int(duration_us), int(size))

    def of_viewings(self, viewings: Collection[str], now_us: int) -> dict[str, list[SessionChunk]]:
        """Return the files of what was recorded of viewings, by their ids, in order; those that have begun."""
        of = RecorderSessionRow.viewing
        rows = select(of, *CHUNK).join(RecorderSessionRow, RecorderSessionRow.number == SessionChunkRow.session)
        rows = rows.where(of.in_(sorted(viewings)), *self._conditions(FileQuery(), now_us))
        found: dict[str, list[SessionChunk]] = {}
        with self._db.look() as c:
            for viewing, *row in c.execute(rows.order_by(SessionChunkRow.number)):
                found.setdefault(viewing, []).append(SessionChunk(*row))
        return found

    def of_session(self, session: int) -> list[SessionChunk]:
        """Return all files of a session in order, whether they have begun or not."""
        rows = select(*CHUNK).where(SessionChunkRow.session == session, SessionChunkRow.state.in_(_SHOWN))
        with self._db.look() as c:
            return [SessionChunk(*row) for row in c.execute(rows.order_by(SessionChunkRow.position))]

    def newest_session(self, user: int) -> RecorderSession | None:
        """Return the session that a user began last by name, None if there is none."""
        named = (RecorderSessionRow.user == user, RecorderSessionRow.viewing.is_(None))
        rows = select(*SESSION).where(*named).order_by(RecorderSessionRow.number.desc())
        with self._db.look() as c:
            row = c.execute(rows.limit(1)).first()
        return None if row is None else RecorderSession(*row)

    def _conditions(self, query: FileQuery, now_us: int) -> list[ColumnElement[bool]]:
        row: Any = SessionChunkRow
        found: list[ColumnElement[bool]] = [
            row.state == "trashed" if query.trashed else row.state.in_(_SHOWN),
            row.start_us <= now_us,
            *seen_or_of_none(self._visible, row.camera, row.start_us),
        ]
        if query.user is not None:
            found.append(row.user == query.user)
        if query.camera:
            found.append(row.camera == (OF_NO_CAMERA if query.camera == BROWSER else query.camera))
        if query.start_us is not None:
            found.append(row.start_us >= query.start_us)
        if query.end_us is not None:
            found.append(row.start_us < query.end_us)
        return found

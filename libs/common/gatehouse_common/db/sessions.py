"""Recorder sessions: begun and stopped by people, their files planned as rows and cut by whoever has the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from gatehouse_common.clock import SECOND
from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval

from .contention import retried
from .engine import Database
from .session_models import RecorderSessionRow, SessionChunkRow
from .session_records import RecorderSession, SessionChunk, split
from .upkeep_models import FactRow
from .visible import Visible

_SESSION = [getattr(RecorderSessionRow, f.name) for f in fields(RecorderSession)]
_CHUNK = [getattr(SessionChunkRow, f.name) for f in fields(SessionChunk)]
_LOCK = "sessions.lock"
_KEPT = ("planned", "stored", "failed")


class RecorderSessions:
    """Begins, stops and finds sessions, and notes what became of their files."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def begin(self, user: int, user_name: str, camera: str, span: Interval, chunk_seconds: int) -> RecorderSession:
        """Begin a session, and plan its files.

        Args:
            user: number of whoever records.
            user_name: its name.
            camera: of which camera.
            span: from when to when.
            chunk_seconds: length of a file.

        Raises:
            Conflict: this user records already.
        """
        with self._db.begin() as c:
            _lock(c)
            mine = select(RecorderSessionRow.number).where(
                RecorderSessionRow.user == user,
                RecorderSessionRow.stopped_us.is_(None),
                RecorderSessionRow.ends_us > span.start,
            )
            if c.execute(mine).first() is not None:
                raise Conflict(f"Recording already in progress for user {user_name}")
            session = RecorderSession(
                _next(c, RecorderSessionRow.number),
                new_id(),
                user,
                user_name,
                camera,
                span.start,
                span.end,
                span.duration // SECOND,
                chunk_seconds,
                None,
            )
            c.execute(insert(RecorderSessionRow).values(_values(session)))
            first = _next(c, SessionChunkRow.number)
            for n, part in enumerate(split(span, chunk_seconds * SECOND)):
                c.execute(insert(SessionChunkRow).values(_values(_planned(session, first + n, n + 1, part))))
        return session

    def active(self, user: int, now_us: int) -> RecorderSession | None:
        """Return the session of a user that goes on, None if there is none."""
        mine = (RecorderSessionRow.user == user, RecorderSessionRow.stopped_us.is_(None))
        query = select(*_SESSION).where(*mine, RecorderSessionRow.ends_us > now_us)
        with self._db.look() as c:
            row = c.execute(query.order_by(RecorderSessionRow.number.desc()).limit(1)).first()
        return None if row is None else RecorderSession(*row)

    @retried
    def stop(self, number: int, now_us: int) -> RecorderSession:
        """Stop a session: the file that is being recorded ends now, those after it are not wanted any more.

        One that has ended, or was stopped, stays as it is.

        Raises:
            NotFound: there is no such session.
        """
        with self._db.begin() as c:
            _lock(c)
            row = c.execute(select(*_SESSION).where(RecorderSessionRow.number == number).with_for_update()).first()
            if row is None:
                raise NotFound(f"there is no session {number}")
            session = RecorderSession(*row)
            if not session.is_active(now_us):
                return session
            at = max(now_us, session.start_us + 1)
            c.execute(
                update(RecorderSessionRow)
                .where(RecorderSessionRow.number == number)
                .values(ends_us=at, stopped_us=now_us)
            )
            planned = (SessionChunkRow.session == number, SessionChunkRow.state == "planned")
            c.execute(delete(SessionChunkRow).where(*planned, SessionChunkRow.wanted_start_us >= at))
            c.execute(
                update(SessionChunkRow)
                .where(*planned, SessionChunkRow.wanted_end_us > at)
                .values(wanted_end_us=at, end_us=at)
            )
        return self.get(number)

    def get(self, number: int) -> RecorderSession:
        """Return a session.

        Raises:
            NotFound: there is none of that number.
        """
        with self._db.look() as c:
            row = c.execute(select(*_SESSION).where(RecorderSessionRow.number == number)).first()
        if row is None:
            raise NotFound(f"there is no session {number}")
        return RecorderSession(*row)

    def chunks(
        self, *, user: int | None = None, session: int | None = None, visible: Visible | None = None
    ) -> list[SessionChunk]:
        """Return files that were stored, the oldest first: of a user, of a session, or all; of visible cameras."""
        query = select(*_CHUNK).where(SessionChunkRow.state == "stored")
        if user is not None:
            query = query.where(SessionChunkRow.user == user)
        if session is not None:
            query = query.where(SessionChunkRow.session == session)
        if visible is not None:
            query = query.where(SessionChunkRow.camera.in_(visible.cameras))
        with self._db.look() as c:
            rows = c.execute(query.order_by(SessionChunkRow.start_us, SessionChunkRow.number))
            return [SessionChunk(*row) for row in rows]

    def chunk(self, number: int) -> SessionChunk:
        """Return a file that was stored.

        Raises:
            NotFound: there is none of that number, or it was deleted.
        """
        with self._db.look() as c:
            row = c.execute(
                select(*_CHUNK).where(SessionChunkRow.number == number, SessionChunkRow.state == "stored")
            ).first()
        if row is None:
            raise NotFound("Video chunk not found")
        return SessionChunk(*row)

    def planned(self, mine: Callable[[str], bool]) -> list[SessionChunk]:
        """Return files that are to be cut, of cameras that are this process's, by camera and time."""
        query = select(*_CHUNK).where(SessionChunkRow.state == "planned")
        with self._db.look() as c:
            rows = c.execute(query.order_by(SessionChunkRow.camera, SessionChunkRow.wanted_start_us)).all()
        return [chunk for chunk in (SessionChunk(*row) for row in rows) if mine(chunk.camera)]

    def before(self, chunk: SessionChunk) -> SessionChunk | None:
        """Return the file before one in its session, if it was stored: the next goes on where its last frame ends."""
        query = select(*_CHUNK).where(
            SessionChunkRow.session == chunk.session,
            SessionChunkRow.position == chunk.position - 1,
            SessionChunkRow.state.in_(("stored", "deleted")),
        )
        with self._db.look() as c:
            row = c.execute(query).first()
        return None if row is None else SessionChunk(*row)

    @retried
    def made(self, chunk: SessionChunk) -> None:
        """Note what became of a file: stored or failed; what was stopped or deleted meanwhile stays as it is."""
        with self._db.begin() as c:
            c.execute(
                update(SessionChunkRow)
                .where(SessionChunkRow.id == chunk.id, SessionChunkRow.state == "planned")
                .values(_values(chunk))
            )

    @retried
    def remove(self, number: int) -> None:
        """Note that a file has been deleted; its row stays.

        Raises:
            NotFound: there is none of that number.
        """
        with self._db.begin() as c:
            those = (SessionChunkRow.number == number, SessionChunkRow.state.in_(_KEPT))
            if not c.execute(update(SessionChunkRow).where(*those).values(state="deleted")).rowcount:
                raise NotFound("Video chunk not found")


def _lock(c: Connection) -> None:
    """Let nobody else begin a session until the end of the transaction: numbers are of them all."""
    c.execute(select(FactRow.value).where(FactRow.name == _LOCK).with_for_update())


def _next(c: Connection, number: Any) -> int:
    return (c.execute(select(func.max(number))).scalar() or 0) + 1


def _values(one: RecorderSession | SessionChunk) -> dict[str, Any]:
    return {f.name: getattr(one, f.name) for f in fields(one)}


def _planned(session: RecorderSession, number: int, position: int, part: Interval) -> SessionChunk:
    return SessionChunk(
        number,
        new_id(),
        session.number,
        position,
        session.user,
        session.user_name,
        session.camera,
        session.chunk_seconds,
        part.start,
        part.end,
        part.start,
        part.end,
        "planned",
        "",
        0,
        0,
        0,
        0,
        "",
        None,
    )

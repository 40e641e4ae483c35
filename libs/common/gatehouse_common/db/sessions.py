"""Recorder sessions: begun and stopped by people, their files planned as rows and cut by whoever has the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, bindparam, exists, insert, or_, select, update

from gatehouse_common.clock import NEVER, SECOND
from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval

from .contention import retried
from .engine import Database
from .media_records import NOBODY
from .session_models import RecorderSessionRow, SessionChunkRow
from .session_records import RecorderSession, SessionChunk, split
from .session_waits import is_waited_for
from .upkeep_models import FactRow
from .upload_models import UploadRow
from .visible import OF_NO_CAMERA, Visible, seen_or_of_none

SESSION: Final = [getattr(RecorderSessionRow, f.name) for f in fields(RecorderSession)]
CHUNK: Final = [getattr(SessionChunkRow, f.name) for f in fields(SessionChunk)]
"""The columns of each in the order of its fields: ``SessionChunk(*row)`` is what a row of ``select(*CHUNK)`` says."""
_LOCK = "sessions.lock"
# Made once: it is asked every second.
_PLANNED: Select[Any] = (
    select(*CHUNK)
    .where(
        SessionChunkRow.state == "planned",
        SessionChunkRow.camera != OF_NO_CAMERA,
        SessionChunkRow.wanted_end_us <= bindparam("until_us", type_=BigInteger),
    )
    .order_by(SessionChunkRow.camera, SessionChunkRow.wanted_start_us)
)
Also = Callable[[Connection, RecorderSession], object]
"""What is done with a session in the transaction of its change, such as writing down who did it."""


class RecorderSessions:
    """Begins, stops and finds sessions, and notes what became of their files."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def begin(
        self,
        user: int,
        user_name: str,
        camera: str,
        span: Interval,
        chunk_seconds: int,
        *,
        viewing: str | None = None,
        name: str = "",
        also: Also | None = None,
        beside: bool = False,
        heard_us: int | None = None,
    ) -> RecorderSession:
        """Begin a session, and plan its files.

        Args:
            user: number of whoever records.
            user_name: its name.
            camera: of which camera; ``OF_NO_CAMERA``: in a browser, whose files are planned once it has sent them.
            span: from when to when.
            chunk_seconds: length of a file.
            viewing: id of the viewing that is recorded; of those a user may have many beside the one that is named.
            name: what files are called, the second with ``_2``; empty: after their times and numbers.
            also: done in the same transaction, with the session: it is begun and that is done, or neither.
            beside: it goes on beside another of the same user: of a screen and of a camera at once.
            heard_us: sessions in browsers of which nothing came since then do not stand in its way.

        Raises:
            Conflict: this user records already, or this viewing is recorded.
        """
        with self._db.begin(durable=also is not None) as c:
            numbers = lock_numbers(c)
            mine = select(RecorderSessionRow.number).where(
                RecorderSessionRow.user == user,
                RecorderSessionRow.viewing == viewing,
                RecorderSessionRow.stopped_us.is_(None),
                RecorderSessionRow.ends_us > span.start,
                *_heard(heard_us),
            )
            if not beside and c.execute(mine).first() is not None:
                raise Conflict(f"Recording already in progress for user {user_name}")
            session = RecorderSession(
                numbers.sessions + 1,
                new_id(),
                user,
                user_name,
                camera,
                span.start,
                span.end,
                span.duration // SECOND,
                chunk_seconds,
                None,
                viewing,
            )
            c.execute(insert(RecorderSessionRow).values(session_row(session)))
            parts = enumerate(split(span, chunk_seconds * SECOND), 1)
            files = [planned_file(session, numbers.chunks + n, n, part, name) for n, part in parts]
            if camera != OF_NO_CAMERA:  # how long a browser's files are, is known when it has sent them
                c.execute(insert(SessionChunkRow), [session_row(one) for one in files])
                numbers = numbers.at_least(session.number, files[-1].number)
            numbers.at_least(session.number, 0).keep(c)
            if also is not None:
                also(c, session)
        return session

    def active(
        self, user: int, now_us: int, viewing: str | None = None, heard_us: int | None = None
    ) -> RecorderSession | None:
        """Return the session of a user that goes on, of a viewing if one is named; None if there is none.

        With ``heard_us`` one in a browser counts only if something came of it, or it began, since then.
        """
        mine = (
            RecorderSessionRow.user == user,
            RecorderSessionRow.viewing == viewing,
            RecorderSessionRow.stopped_us.is_(None),
            *_heard(heard_us),
        )
        query = select(*SESSION).where(*mine, RecorderSessionRow.ends_us > now_us)
        with self._db.look() as c:
            row = c.execute(query.order_by(RecorderSessionRow.number.desc()).limit(1)).first()
        return None if row is None else RecorderSession(*row)

    def of_viewing(self, viewing: str, now_us: int) -> RecorderSession | None:
        """Return the session that records a viewing now, None if there is none."""
        return next((one for one in self.of_viewings(now_us) if one.viewing == viewing), None)

    def of_viewings(self, now_us: int) -> list[RecorderSession]:
        """Return the sessions that record viewings now: few, as each has a viewer."""
        goes_on = (RecorderSessionRow.ends_us > now_us, RecorderSessionRow.stopped_us.is_(None))
        with self._db.look() as c:
            rows = c.execute(select(*SESSION).where(*goes_on, RecorderSessionRow.viewing.is_not(None)))
            return [RecorderSession(*row) for row in rows]

    def begun_since(self, start_us: int) -> list[RecorderSession]:
        """Return the sessions that began at or after an instant, the oldest first."""
        with self._db.look() as c:
            rows = c.execute(
                select(*SESSION)
                .where(RecorderSessionRow.start_us >= start_us)
                .order_by(RecorderSessionRow.start_us, RecorderSessionRow.number)
            )
            return [RecorderSession(*row) for row in rows]

    def failed_since(self, start_us: int) -> list[SessionChunk]:
        """Return the files that could not be made and were to end, or were found to have failed, since an instant."""
        since = or_(SessionChunkRow.wanted_end_us >= start_us, SessionChunkRow.stored_us >= start_us)
        failed = (SessionChunkRow.state == "failed", since)
        with self._db.look() as c:
            return [SessionChunk(*row) for row in c.execute(select(*CHUNK).where(*failed))]

    @retried
    def stop(self, number: int, now_us: int, also: Also | None = None) -> RecorderSession:
        """Stop a session: the file that is being recorded ends now, those after it are not wanted any more.

        One that has ended, or was stopped, stays as it is. ``also`` is done in the same transaction, if it is stopped.

        Raises:
            NotFound: there is no such session.
        """
        with self._db.begin(durable=also is not None) as c:
            lock_numbers(c)
            row = c.execute(select(*SESSION).where(RecorderSessionRow.number == number).with_for_update()).first()
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
            c.execute(
                update(SessionChunkRow).where(*planned, SessionChunkRow.wanted_start_us >= at).values(state="dropped")
            )
            c.execute(
                update(SessionChunkRow)
                .where(*planned, SessionChunkRow.wanted_end_us > at)
                .values(wanted_end_us=at, end_us=at)
            )
            if also is not None:
                also(c, replace(session, ends_us=at, stopped_us=now_us))
        return self.get(number)

    def get(self, number: int) -> RecorderSession:
        """Return a session.

        Raises:
            NotFound: there is none of that number.
        """
        with self._db.look() as c:
            row = c.execute(select(*SESSION).where(RecorderSessionRow.number == number)).first()
        if row is None:
            raise NotFound(f"there is no session {number}")
        return RecorderSession(*row)

    def of_user(self, user: int, session: str) -> RecorderSession | None:
        """Return the session of an id that a user began, also one that has ended; None: there is none."""
        mine = (RecorderSessionRow.id == session, RecorderSessionRow.user == user)
        with self._db.look() as c:
            row = c.execute(select(*SESSION).where(*mine)).first()
        return None if row is None else RecorderSession(*row)

    def chunks(
        self, *, user: int | None = None, session: int | None = None, visible: Visible | None = None
    ) -> list[SessionChunk]:
        """Return files that were stored, the oldest first: of a user, of a session, or all; of visible cameras."""
        query = select(*CHUNK).where(SessionChunkRow.state == "stored")
        if user is not None:
            query = query.where(SessionChunkRow.user == user)
        if session is not None:
            query = query.where(SessionChunkRow.session == session)
        if visible is not None:
            query = query.where(*seen_or_of_none(visible, SessionChunkRow.camera, SessionChunkRow.start_us))
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
                select(*CHUNK).where(SessionChunkRow.number == number, SessionChunkRow.state == "stored")
            ).first()
        if row is None:
            raise NotFound("Video chunk not found")
        return SessionChunk(*row)

    def planned(self, mine: Callable[[str], bool], until_us: int | None = None) -> list[SessionChunk]:
        """Return files that are to be cut and end by then, of cameras that are this process's, by camera and time."""
        with self._db.look() as c:
            rows = c.execute(_PLANNED, {"until_us": NEVER if until_us is None else until_us}).all()
        return [chunk for chunk in (SessionChunk(*row) for row in rows) if mine(chunk.camera)]

    def before(self, chunk: SessionChunk) -> SessionChunk | None:
        """Return the file before one in its session, if it was stored: the next goes on where its last frame ends."""
        query = select(*CHUNK).where(
            SessionChunkRow.session == chunk.session,
            SessionChunkRow.position == chunk.position - 1,
            SessionChunkRow.state.in_(("stored", "trashed", "deleted")),
        )
        with self._db.look() as c:
            row = c.execute(query).first()
        return None if row is None else SessionChunk(*row)

    @retried
    def made(self, chunk: SessionChunk) -> bool:
        """Note what became of a file: stored or failed; return False if it was dealt with, or deleted, meanwhile.

        It is on the disk then: the recording of a browser is deleted once its files are known.
        """
        with self._db.begin(durable=True) as c:
            done = c.execute(
                update(SessionChunkRow)
                .where(SessionChunkRow.id == chunk.id, SessionChunkRow.state == "planned")
                .values(session_row(chunk))
            )
            return bool(done.rowcount)

    def any_state(self, number: int) -> SessionChunk:
        """Return a file, whatever became of it.

        Raises:
            NotFound: there never was one of that number, or it was not wanted any more.
        """
        with self._db.look() as c:
            row = c.execute(select(*CHUNK).where(SessionChunkRow.number == number)).first()
        if row is None:
            raise NotFound("Video chunk not found")
        return SessionChunk(*row)

    def is_waiting(self, number: int) -> bool:
        """Return whether files of a session are still to be cut."""
        planned = (SessionChunkRow.session == number, SessionChunkRow.state == "planned")
        with self._db.look() as c:
            return c.execute(select(SessionChunkRow.number).where(*planned).limit(1)).first() is not None

    def waits_for(self, camera: str, span: Interval) -> bool:
        """Return whether a file that is planned is still to be made of footage of a camera between two instants."""
        with self._db.look() as c:
            return is_waited_for(c, camera, span)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The last numbers that were given: none is given again, whatever becomes of rows."""

    sessions: int
    chunks: int

    def at_least(self, session: int, chunk: int) -> Numbers:
        """Return the numbers with these counted as given."""
        return Numbers(max(self.sessions, session), max(self.chunks, chunk))

    def keep(self, c: Connection) -> None:
        """Keep them; who calls has locked them in the same transaction."""
        c.execute(update(FactRow).where(FactRow.name == _LOCK).values(value=f"{self.sessions} {self.chunks}"))


def lock_numbers(c: Connection) -> Numbers:
    """Let nobody else begin a session until the end of the transaction; return the last numbers that were given."""
    told = c.execute(select(FactRow.value).where(FactRow.name == _LOCK).with_for_update()).scalar_one()
    sessions, chunks = (int(number) for number in told.split()) if told else (0, 0)
    return Numbers(sessions, chunks)


def _heard(since_us: int | None) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for sessions but those in browsers of which nothing came since an instant; None: for all."""
    if since_us is None:
        return ()
    came = exists().where(
        UploadRow.owner.in_((RecorderSessionRow.user, NOBODY)),
        UploadRow.created_us >= RecorderSessionRow.start_us,
        UploadRow.changed_us > since_us,
        UploadRow.facts["session"].as_string() == RecorderSessionRow.id,
    )
    of_camera = RecorderSessionRow.camera != OF_NO_CAMERA
    return (or_(of_camera, RecorderSessionRow.start_us > since_us, came),)


def session_row(one: RecorderSession | SessionChunk) -> dict[str, Any]:
    """Return what a row of it holds."""
    return {f.name: getattr(one, f.name) for f in fields(one)}


def planned_file(session: RecorderSession, number: int, position: int, part: Interval, name: str = "") -> SessionChunk:
    """Return a file that is still to be made.

    Args:
        session: that it is of.
        number: that no other file has.
        position: 1, 2, 3 in the session.
        part: from when to when it should be.
        name: what the session's files are called, the second with ``_2``; empty: after their times and numbers.
    """
    return SessionChunk(
        number=number,
        id=new_id(),
        session=session.number,
        position=position,
        user=session.user,
        user_name=session.user_name,
        camera=session.camera,
        chunk_seconds=session.chunk_seconds,
        wanted_start_us=part.start,
        wanted_end_us=part.end,
        start_us=part.start,
        end_us=part.end,
        state="planned",
        key="",
        bytes=0,
        width=0,
        height=0,
        frames=0,
        detail="",
        stored_us=None,
        name="" if not name else name if position == 1 else f"{name}_{position}",
    )

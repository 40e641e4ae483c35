"""Sessions that were recorded in a browser: their files are planned once the recording is here, and made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.intervals import Interval

from .contention import retried
from .engine import Database
from .media_models import MediaRow
from .media_records import NOBODY
from .session_models import RecorderSessionRow, SessionChunkRow
from .session_records import RecorderSession, SessionChunk
from .sessions import CHUNK, SESSION, Numbers, lock_numbers, planned_file, session_row
from .upload_models import UploadRow
from .visible import OF_NO_CAMERA

INTERRUPTED = "interrupted"
"""Fact of an upload: nothing came any more, so it was taken for whole; or the browser says that it broke off."""
PAUSES = "pauses"
"""Fact of an upload: when its browser did not record, as ``{"at_ms", "lasted_ms"}`` each.

``at_ms`` counts what had been recorded by then, without the pauses before.
"""
_DELETED = "its recording was deleted before files had been made of it"


@dataclass(frozen=True, slots=True)
class Received:
    """What has been received of a recording in a browser.

    Attributes:
        upload: id of its upload.
        bytes: so many are durable.
        changed_us: when the last of them came, microseconds UTC.
        state: of the upload, see ``UploadRow``.
    """

    upload: str
    bytes: int
    changed_us: int
    state: str


class BrowserSessions:
    """Plans the files of a recording that a browser has sent, and tells how much of it has come."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of_id(self, session: str) -> RecorderSession:
        """Return the session of an id.

        Raises:
            NotFound: there is none that was recorded in a browser.
        """
        browsers = (RecorderSessionRow.id == session, RecorderSessionRow.camera == OF_NO_CAMERA)
        with self._db.look() as c:
            row = c.execute(select(*SESSION).where(*browsers)).first()
        if row is None:
            raise NotFound("there is no such recording in a browser")
        return RecorderSession(*row)

    @retried
    def note(self, upload: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Note what became known of a recording while it was sent, beside what was known; return all of it.

        One that is not received any more stays as it is.
        """
        with self._db.begin(durable=True) as c:
            mine = (UploadRow.id == upload, UploadRow.state == "receiving")
            known = c.execute(select(UploadRow.facts).where(*mine).with_for_update()).scalar_one_or_none()
            if known is None:
                return {}
            found = {**known, **facts}
            c.execute(update(UploadRow).where(*mine).values(facts=found))
        return found

    def received(self, session: RecorderSession) -> Received | None:
        """Return what has been received of a session, None if nothing has."""
        columns = UploadRow.id, UploadRow.received, UploadRow.changed_us, UploadRow.state
        mine = (
            UploadRow.owner.in_((session.user, NOBODY)),
            UploadRow.created_us >= session.start_us,
            UploadRow.facts["session"].as_string() == session.id,
        )
        with self._db.look() as c:
            row = c.execute(select(*columns).where(*mine).order_by(UploadRow.created_us).limit(1)).first()
        return None if row is None else Received(*row)

    @retried
    def plan(self, session: RecorderSession, media: int, parts: Sequence[Interval], now_us: int) -> list[SessionChunk]:
        """Plan the files of a session, which ends with the last of them; what was planned before is returned as it is.

        What had failed is planned again: it is tried once more.

        Args:
            session: of which nothing more comes.
            media: number of the medium that its recording is.
            parts: from when to when its files are.
            now_us: the time.

        Raises:
            Conflict: another recording of this session came before.
        """
        ended = {
            "ends_us": max(session.start_us, parts[-1].end),
            "stopped_us": func.coalesce(RecorderSessionRow.stopped_us, now_us),
        }
        with self._db.begin(durable=True) as c:
            numbers = lock_numbers(c)
            first = select(func.min(MediaRow.number)).where(MediaRow.session == session.number)
            if c.execute(first).scalar_one_or_none() not in {None, media}:
                raise Conflict("the session has another recording, which came before this one")
            mine = select(*CHUNK).where(SessionChunkRow.session == session.number).order_by(SessionChunkRow.position)
            known = _planned_again(c, [SessionChunk(*row) for row in c.execute(mine)], parts)
            if known:
                return known
            files = [planned_file(session, numbers.chunks + n, n, part) for n, part in enumerate(parts, 1)]
            c.execute(insert(SessionChunkRow), [session_row(one) for one in files])
            numbers.at_least(session.number, files[-1].number).keep(c)
            c.execute(update(RecorderSessionRow).where(RecorderSessionRow.number == session.number).values(ended))
        return files

    @retried
    def note_failed(self, now_us: int) -> int:
        """Let files have failed of whose recording nothing is made any more; return of how many sessions.

        Where none had been planned the whole session is one file that failed.

        Args:
            now_us: the time.
        """
        with self._db.look() as c:
            if not _lost(c):
                return 0
        with self._db.begin(durable=True) as c:
            numbers = lock_numbers(c)
            lost = _lost(c)
            for session, why in lost:
                numbers = _fail(c, numbers, session, why, now_us)
            numbers.keep(c)
        return len(lost)


def _lost(c: Connection) -> list[tuple[int, str]]:
    """Return the sessions whose medium came to nothing, and that wait for files of it or never had one; and of why.

    Of the media of a session the first alone counts, as in ``BrowserSessions.plan``.
    """
    waits = (SessionChunkRow.state == "planned", SessionChunkRow.camera == OF_NO_CAMERA)
    waiting = select(SessionChunkRow.session).where(*waits).distinct()
    failed = (MediaRow.state == "failed", MediaRow.session.is_not(None))
    empty = select(MediaRow.session).where(*failed, ~exists().where(SessionChunkRow.session == MediaRow.session))
    found = []
    for session in sorted({int(number or 0) for query in (waiting, empty) for (number,) in c.execute(query)}):
        mine = select(MediaRow.state, MediaRow.before_trash, MediaRow.detail).where(MediaRow.session == session)
        first = c.execute(mine.order_by(MediaRow.number).limit(1)).first()
        if first is None:
            continue
        state, before_trash, why = first
        if (before_trash if state == "trashed" else state) in {"failed", "deleted"}:
            found.append((session, why or _DELETED))
    return found


def _fail(c: Connection, numbers: Numbers, number: int, detail: str, now_us: int) -> Numbers:
    """Let files of a session have failed; return the last numbers that were given then."""
    values = {"state": "failed", "detail": detail, "stored_us": now_us}
    planned = (SessionChunkRow.session == number, SessionChunkRow.state == "planned")
    if c.execute(update(SessionChunkRow).where(*planned).values(values)).rowcount:
        return numbers
    same = RecorderSessionRow.number == number
    row = c.execute(select(*SESSION).where(same)).first()
    if row is None:
        return numbers
    session = RecorderSession(*row)
    end_us = max(session.start_us + 1, min(session.ends_us, now_us))
    file = planned_file(session, numbers.chunks + 1, 1, Interval(session.start_us, end_us))
    c.execute(insert(SessionChunkRow).values(session_row(file) | values))
    stopped = {"ends_us": end_us, "stopped_us": func.coalesce(RecorderSessionRow.stopped_us, now_us)}
    c.execute(update(RecorderSessionRow).where(same).values(stopped))
    return numbers.at_least(session.number, file.number)


def _planned_again(c: Connection, known: list[SessionChunk], parts: Sequence[Interval]) -> list[SessionChunk]:
    """Return the files of a session as they are, those that failed planned again; none, if they are others."""
    failed = [one.number for one in known if one.state == "failed"]
    mine = SessionChunkRow.number.in_(failed)
    if not failed:
        return known
    are_same = [(one.wanted_start_us, one.wanted_end_us) for one in known] == [(p.start, p.end) for p in parts]
    if not are_same and len(failed) == len(known):  # what stands for a session of which nothing had been planned
        c.execute(delete(SessionChunkRow).where(mine))
        return []
    again = {"state": "planned", "detail": "", "stored_us": None}
    c.execute(update(SessionChunkRow).where(mine).values(again))
    return [replace(one, **again) if one.state == "failed" else one for one in known]  # type: ignore[arg-type]

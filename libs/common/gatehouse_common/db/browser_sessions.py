"""Sessions that were recorded in a browser: their files are planned once the recording is here, and made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import func, insert, select, update

from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval

from .contention import retried
from .engine import Database
from .media_models import MediaRow
from .media_records import NOBODY
from .session_models import RecorderSessionRow, SessionChunkRow
from .session_records import RecorderSession, SessionChunk
from .sessions import lock_numbers
from .upload_models import UploadRow
from .visible import OF_NO_CAMERA

INTERRUPTED = "interrupted"
"""Fact of an upload: nothing came any more, so it was taken for whole; or the browser says that it broke off."""
PAUSES = "pauses"
"""Fact of an upload: when its browser did not record, as ``{"at_ms", "lasted_ms"}`` each.

``at_ms`` counts what had been recorded by then, without the pauses before.
"""
_SESSION = [getattr(RecorderSessionRow, f.name) for f in fields(RecorderSession)]
_CHUNK = [getattr(SessionChunkRow, f.name) for f in fields(SessionChunk)]


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
            row = c.execute(select(*_SESSION).where(*browsers)).first()
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
            mine = select(*_CHUNK).where(SessionChunkRow.session == session.number).order_by(SessionChunkRow.position)
            known = [SessionChunk(*row) for row in c.execute(mine)]
            if known:
                return known
            files = [_planned(session, numbers.chunks + n, n, part) for n, part in enumerate(parts, 1)]
            c.execute(insert(SessionChunkRow), [_values(one) for one in files])
            numbers.at_least(session.number, files[-1].number).keep(c)
            c.execute(update(RecorderSessionRow).where(RecorderSessionRow.number == session.number).values(ended))
        return files


def _planned(session: RecorderSession, number: int, position: int, part: Interval) -> SessionChunk:
    return SessionChunk(
        number=number,
        id=new_id(),
        session=session.number,
        position=position,
        user=session.user,
        user_name=session.user_name,
        camera=OF_NO_CAMERA,
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
    )


def _values(one: SessionChunk) -> dict[str, Any]:
    return {f.name: getattr(one, f.name) for f in fields(one)}

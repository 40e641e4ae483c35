"""Which files of sessions should be in the store by the index, for whoever compares it with what is there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, replace

from sqlalchemy import func, insert, select, update

from gatehouse_common.errors import Conflict

from .contention import retried
from .engine import Database
from .session_models import RecorderSessionRow, SessionChunkRow
from .session_records import RecorderSession, SessionChunk
from .sessions import CHUNK, lock_numbers

_WITH_FILE = ("stored", "trashed")
_BATCH = 1000


class SessionInventory:
    """Reads what should be there, a batch at a time, and corrects what the index believes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def files(self, batch: int = _BATCH) -> Iterator[SessionChunk]:
        """Yield all files that should be in the store, those in the trash as well, by number."""
        last = 0
        query = select(*CHUNK).where(SessionChunkRow.state.in_(_WITH_FILE)).order_by(SessionChunkRow.number)
        while True:
            with self._db.read() as c:
                rows = c.execute(query.where(SessionChunkRow.number > last).limit(batch)).all()
            found = [SessionChunk(*row) for row in rows]
            yield from found
            if len(found) < batch:
                return
            last = found[-1].number

    def of_keys(self, keys: Collection[str]) -> dict[str, SessionChunk]:
        """Return the files that rows name, whatever their state, by key; keys that none names are left out."""
        with self._db.read() as c:
            rows = c.execute(select(*CHUNK).where(SessionChunkRow.key.in_(list(keys))))
            return {found.key: found for found in (SessionChunk(*row) for row in rows)}

    def is_planned(self, number: int) -> bool:
        """Return whether a file is still to be cut: an object may be there before its row says so."""
        with self._db.look() as c:
            state = c.execute(select(SessionChunkRow.state).where(SessionChunkRow.number == number)).scalar()
        return state == "planned"

    @retried
    def plan_again(self, number: int, key: str, detail: str) -> bool:
        """Let a file that is gone be cut anew from the footage; return False if it is not what it was."""
        planned = {"state": "planned", "key": "", "bytes": 0, "width": 0, "height": 0, "frames": 0, "stored_us": None}
        wanted = {
            "start_us": SessionChunkRow.wanted_start_us,
            "end_us": SessionChunkRow.wanted_end_us,
            "detail": detail,
        }
        with self._db.begin() as c:
            same = (SessionChunkRow.number == number, SessionChunkRow.key == key, SessionChunkRow.state == "stored")
            return c.execute(update(SessionChunkRow).where(*same).values(**planned, **wanted)).rowcount > 0

    @retried
    def lose(self, number: int, key: str, detail: str) -> bool:
        """Keep that a stored file is gone and cannot be made anew; return False if it is not what it was."""
        with self._db.begin() as c:
            same = (SessionChunkRow.number == number, SessionChunkRow.key == key, SessionChunkRow.state == "stored")
            lost = {"state": "failed", "key": "", "bytes": 0, "detail": detail}
            return c.execute(update(SessionChunkRow).where(*same).values(lost)).rowcount > 0

    @retried
    def forget(self, number: int, key: str) -> bool:
        """Keep that a file in the trash is gone; return False if it is not what it was."""
        with self._db.begin() as c:
            same = (SessionChunkRow.number == number, SessionChunkRow.key == key, SessionChunkRow.state == "trashed")
            return c.execute(update(SessionChunkRow).where(*same).values(state="deleted")).rowcount > 0

    @retried
    def size(self, number: int, key: str, size: int) -> bool:
        """Keep how large a file is; return False if it is not what it was."""
        with self._db.begin() as c:
            same = (SessionChunkRow.number == number, SessionChunkRow.key == key)
            return c.execute(update(SessionChunkRow).where(*same).values(bytes=size)).rowcount > 0

    def user_of(self, session: int, session_id: str) -> int | None:
        """Return the number of whoever recorded a session; None: the index does not know the session."""
        query = select(RecorderSessionRow.user).where(
            RecorderSessionRow.number == session, RecorderSessionRow.id == session_id
        )
        with self._db.look() as c:
            return c.execute(query).scalar()

    @retried
    def add(self, session: RecorderSession, chunk: SessionChunk, user: int) -> None:
        """Keep a file of which only the object is there, and its session if that is not known either.

        Args:
            session: what the file says of its session.
            chunk: what it says of itself.
            user: number of whoever recorded, as users are numbered now; where the session is known, its own counts.

        Raises:
            Conflict: there is a file, or a session, of that number which is another.
        """
        with self._db.begin() as c:
            numbers = lock_numbers(c)
            columns = RecorderSessionRow.id, RecorderSessionRow.user
            known = c.execute(select(*columns).where(RecorderSessionRow.number == session.number)).first()
            if known is not None and known.id != session.id:
                raise Conflict(f"there is another session {session.number}")
            whose = user if known is None else known.user  # names may have gone to others since
            taken = select(func.count()).select_from(SessionChunkRow).where(SessionChunkRow.number == chunk.number)
            if c.execute(taken).scalar_one():
                raise Conflict(f"there is another file {chunk.number}")
            if known is None:
                c.execute(insert(RecorderSessionRow).values(asdict(replace(session, user=whose))))
            c.execute(insert(SessionChunkRow).values(asdict(replace(chunk, user=whose))))
            numbers.at_least(session.number, chunk.number).keep(c)

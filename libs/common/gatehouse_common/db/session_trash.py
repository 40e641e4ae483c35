"""Files of sessions that somebody does not want any more: in the trash for a while, then deleted, never while held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update

from gatehouse_common.errors import Conflict, NotFound

from .contention import retried
from .engine import Database
from .holds import IS_HELD, lock_retention, session_file_is_held
from .retention import Kept
from .session_models import SESSION_FILE, SessionChunkRow

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class TrashedFile:
    """A file in the trash: its number, its id, and when it was put there, microseconds UTC."""

    number: int
    id: str
    trashed_us: int


class SessionTrash:
    """Puts files into the trash, takes them out again, and finds those that have been in it for long enough."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def refuse_held(self, number: int, now_us: int) -> None:
        """Return unless a file shows what is on hold.

        Raises:
            Conflict: it does.
        """
        if self.is_held(number, now_us):
            raise Conflict(IS_HELD)

    def is_held(self, number: int, now_us: int) -> bool:
        """Return whether a file shows what is on hold."""
        held = select(SessionChunkRow.number).where(SessionChunkRow.number == number, session_file_is_held())
        with self._db.look() as c:
            return c.execute(held, {"now_us": now_us}).first() is not None

    @retried
    def put(self, number: int, now_us: int) -> None:
        """Put a stored file into the trash: it is in no list any more, and can be taken out again.

        Raises:
            NotFound: no file of that number is stored.
            Conflict: it shows what is on hold.
        """
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            stored = (SessionChunkRow.number == number, SessionChunkRow.state == "stored")
            held = select(session_file_is_held()).where(*stored).with_for_update()
            found = c.execute(held, {"now_us": now_us}).first()
            if found is None:
                raise NotFound("Video chunk not found")
            if found[0]:
                raise Conflict(IS_HELD)
            c.execute(update(SessionChunkRow).where(*stored).values(state="trashed", trashed_us=now_us))

    @retried
    def take_out(self, number: int) -> None:
        """Take a file out of the trash.

        Raises:
            NotFound: none of that number is in it.
        """
        with self._db.begin(durable=True) as c:
            there = (SessionChunkRow.number == number, SessionChunkRow.state == "trashed")
            if not c.execute(update(SessionChunkRow).where(*there).values(state="stored", trashed_us=None)).rowcount:
                raise NotFound("Video chunk not found")

    def all(self) -> list[TrashedFile]:
        """Return all files in the trash, by number."""
        columns = (SessionChunkRow.number, SessionChunkRow.id, SessionChunkRow.trashed_us)
        query = select(*columns).where(SessionChunkRow.state == "trashed", SessionChunkRow.trashed_us.is_not(None))
        with self._db.look() as c:
            rows = c.execute(query.order_by(SessionChunkRow.number))
            return [TrashedFile(number, one, at or 0) for number, one, at in rows]

    def unknown(self, ids: Sequence[str]) -> set[str]:
        """Return those among ids that no file of the index has."""
        known = set[str]()
        for at in range(0, len(ids), _AT_ONCE):
            query = select(SessionChunkRow.id).where(SessionChunkRow.id.in_(ids[at : at + _AT_ONCE]))
            with self._db.look() as c:
                known.update(c.execute(query).scalars())
        return set(ids) - known

    @retried
    def forget_gone(self, file_id: str) -> None:
        """Note that the object of a file that is stored, as its row says, is not there: it was deleted."""
        mine = (SessionChunkRow.id == file_id, SessionChunkRow.state == "stored")
        with self._db.begin() as c:
            c.execute(update(SessionChunkRow).where(*mine).values(state="deleted"))

    def since(self, before_us: int, now_us: int, limit: int) -> list[Kept]:
        """Return so many files that were put into the trash before an instant and are not held."""
        query = (
            select(*SESSION_FILE)
            .where(
                SessionChunkRow.state == "trashed",
                SessionChunkRow.trashed_us <= before_us,
                ~session_file_is_held(),
            )
            .order_by(SessionChunkRow.camera, SessionChunkRow.wanted_end_us)
            .limit(limit)
        )
        with self._db.read() as c:
            return [Kept(*row) for row in c.execute(query, {"now_us": now_us})]

    def count(self, before_us: int, now_us: int) -> int:
        """Return how many files were put into the trash before an instant and are not held."""
        query = select(func.count()).where(
            SessionChunkRow.state == "trashed", SessionChunkRow.trashed_us <= before_us, ~session_file_is_held()
        )
        with self._db.look() as c:
            return int(c.execute(query, {"now_us": now_us}).scalar_one())

    def bytes(self) -> int:
        """Return how many bytes files of sessions have, those in the trash as well."""
        total = select(func.coalesce(func.sum(SessionChunkRow.bytes), 0))
        with self._db.look() as c:
            return int(c.execute(total.where(SessionChunkRow.state.in_(("stored", "trashed")))).scalar_one())

"""What each user recorded and uploaded, summed up in the index."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select

from .engine import Database
from .media_models import MediaRow
from .session_models import SessionChunkRow
from .visible import Visible, seen_or_of_none


class PersonSums(NamedTuple):
    """What there is still of what one user made.

    Attributes:
        user: number; 0 is nobody, where nobody has to say who they are.
        name: as it was when something of it was made.
        recordings: files of recorder sessions.
        recorded_us: how long these are together, in microseconds.
        recorded_bytes: how large.
        uploads: films and sounds that were uploaded.
        uploaded_bytes: how large they were as they came.
    """

    user: int
    name: str
    recordings: int = 0
    recorded_us: int = 0
    recorded_bytes: int = 0
    uploads: int = 0
    uploaded_bytes: int = 0


class PeopleStats:
    """Sums up for whoever asks.

    Args:
        db: the index.
        visible: recordings of which cameras there are; those of browsers are of none, and there.
        owner: whose there are; None: everybody's.
    """

    def __init__(self, db: Database, visible: Visible | None = None, owner: int | None = None) -> None:
        self._db, self._visible, self._owner = db, visible, owner

    def sums(self, start_us: int, end_us: int) -> list[PersonSums]:
        """Return what was recorded and uploaded in ``[start_us, end_us)``, of each who did; the most bytes first."""
        row = SessionChunkRow
        recorded = select(
            row.user,
            func.max(row.user_name),
            func.count(),
            func.sum(row.end_us - row.start_us),
            func.sum(row.bytes),
        ).where(row.state == "stored", row.start_us >= start_us, row.start_us < end_us)
        recorded = recorded.where(*seen_or_of_none(self._visible, row.camera, row.start_us))
        uploaded = select(MediaRow.owner, func.max(MediaRow.owner_name), func.count(), func.sum(MediaRow.bytes)).where(
            MediaRow.kind == "upload",
            MediaRow.state.not_in(("trashed", "deleted")),
            MediaRow.created_us >= start_us,
            MediaRow.created_us < end_us,
        )
        if self._owner is not None:
            recorded = recorded.where(row.user == self._owner)
            uploaded = uploaded.where(MediaRow.owner == self._owner)
        found: dict[int, PersonSums] = {}
        with self._db.look() as c:
            for user, name, files, lasted_us, size in c.execute(recorded.group_by(row.user)):
                found[user] = PersonSums(user, name, files, int(lasted_us), int(size))
            for user, name, files, size in c.execute(uploaded.group_by(MediaRow.owner)):
                one = found.get(user, PersonSums(user, name))
                found[user] = one._replace(uploads=files, uploaded_bytes=int(size))
        return sorted(found.values(), key=lambda one: (-one.recorded_bytes - one.uploaded_bytes, one.user))

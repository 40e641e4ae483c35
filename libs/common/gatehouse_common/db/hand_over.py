"""What one user has is given to another: after an index was made anew, two accounts may be one person."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from gatehouse_common.errors import Conflict, InvalidInput

from .contention import retried
from .engine import Database
from .media_models import MediaRow
from .session_models import RecorderSessionRow, SessionChunkRow
from .upkeep_models import JobRow
from .upload_models import UploadRow
from .user_lock import lock_users
from .users import User


@dataclass(frozen=True, slots=True)
class Handed:
    """What was handed over: how many uploads, exports and recordings of browsers, and how many recorder sessions."""

    media: int
    sessions: int


class HandOver:
    """Hands over what users have.

    Args:
        db: the index.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def give(self, giver: User, taker: User, now_us: int) -> Handed:
        """Give all media, recorder sessions with their files and jobs of a user to another: all of it, or nothing.

        Media are called after whoever has them then; files of sessions that are written go on saying who recorded them.
        Nothing else of the two changes.

        Args:
            giver: has it.
            taker: is to have it.
            now_us: the time.

        Raises:
            InvalidInput: they are one.
            Conflict: the giver is recording or uploading, and what comes of it would be the giver's.
        """
        if giver.number == taker.number:
            raise InvalidInput(f"{giver.name!r} cannot hand over to itself.")
        with self._db.begin(durable=True) as c:
            lock_users(c)
            uploads = select(UploadRow.id).where(UploadRow.owner == giver.number, UploadRow.state == "receiving")
            going_on = select(RecorderSessionRow.number).where(
                RecorderSessionRow.user == giver.number, RecorderSessionRow.ends_us > now_us
            )
            if c.execute(uploads.limit(1)).first() or c.execute(going_on.limit(1)).first():
                raise Conflict(f"{giver.name} is recording or uploading: hand over when that is done.")
            mine = MediaRow.owner == giver.number
            c.execute(select(MediaRow.number).where(mine).with_for_update())
            values = {"owner": taker.number, "owner_name": taker.name, "version": MediaRow.version + 1}
            media = c.execute(update(MediaRow).where(mine).values(values)).rowcount
            theirs = RecorderSessionRow.user == giver.number
            sessions = c.execute(update(RecorderSessionRow).where(theirs).values(user=taker.number)).rowcount
            files = SessionChunkRow.user == giver.number
            to_be_cut = update(SessionChunkRow).where(files, SessionChunkRow.state == "planned")
            c.execute(to_be_cut.values(user_name=taker.name))
            c.execute(update(SessionChunkRow).where(files).values(user=taker.number))
            c.execute(update(JobRow).where(JobRow.user == giver.number).values(user=taker.number))
        return Handed(media, sessions)

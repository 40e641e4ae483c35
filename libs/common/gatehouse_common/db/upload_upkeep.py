"""What the janitor looks for among uploads: those that nobody ends, and what is left of those that came to nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import exists, func, or_, select

from .engine import Database
from .media_records import NOBODY, Piece, Upload
from .media_rows import PIECE, UPLOAD
from .session_models import RecorderSessionRow
from .upload_models import UploadPieceRow, UploadRow
from .visible import OF_NO_CAMERA


class UploadUpkeep:
    """What the janitor looks for among uploads."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def active(self) -> int:
        """Return how many are being received."""
        with self._db.look() as c:
            return int(c.execute(select(func.count()).where(UploadRow.state == "receiving")).scalar_one())

    def expired(self, now_us: int, limit: int) -> list[Upload]:
        """Return uploads that nobody went on with in time."""
        due = (UploadRow.state == "receiving", UploadRow.expires_us <= now_us)
        return self._some(due, limit)

    def whole(self, before_us: int, after: str, limit: int) -> list[Upload]:
        """Return uploads of which all is here, and which nobody has completed: whoever was about to was killed.

        They come by id, those after one.
        """
        whole = (UploadRow.state == "receiving", UploadRow.role != "partial", UploadRow.received == UploadRow.length)
        since = (UploadRow.received > 0, UploadRow.changed_us <= before_us, UploadRow.id > after)
        return self._some((*whole, *since), limit)

    def idle_blobs(self, before_us: int, after: str, limit: int) -> list[Upload]:
        """Return uploads in blobs of which nothing came since then, by id, those after one."""
        idle = (UploadRow.state == "receiving", UploadRow.door == "blob", UploadRow.changed_us <= before_us)
        return self._some((*idle, UploadRow.id > after), limit)

    def silent_recordings(self, now_us: int, after: str, limit: int) -> list[Upload]:
        """Return recordings of browsers with which nobody went on in time, by id, those after one.

        Of others what was received is deleted.
        """
        is_one = exists().where(
            RecorderSessionRow.id == UploadRow.facts["session"].as_string(),
            RecorderSessionRow.camera == OF_NO_CAMERA,
            or_(UploadRow.owner == NOBODY, RecorderSessionRow.user == UploadRow.owner),
        )
        silent = (UploadRow.state == "receiving", UploadRow.role == "whole", UploadRow.expires_us <= now_us)
        return self._some(
            (*silent, UploadRow.received > 0, UploadRow.door != "blob", UploadRow.id > after, is_one), limit
        )

    def ended_with_pieces(self, limit: int) -> list[Piece]:
        """Return pieces of uploads that came to nothing: their objects are to be deleted."""
        ended = UploadRow.state.in_(("cancelled", "expired", "failed"))
        query = select(*PIECE).join(UploadRow, UploadRow.id == UploadPieceRow.upload).where(ended).limit(limit)
        with self._db.look() as c:
            return [Piece(*row) for row in c.execute(query)]

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the keys that are pieces."""
        query = select(UploadPieceRow.key).where(UploadPieceRow.key.in_(list(keys)))
        with self._db.look() as c:
            return {key for (key,) in c.execute(query)}

    def _some(self, where: Sequence[Any], limit: int) -> list[Upload]:
        query = select(*UPLOAD).where(*where).order_by(UploadRow.id).limit(limit)
        with self._db.look() as c:
            return [Upload(*row) for row in c.execute(query)]

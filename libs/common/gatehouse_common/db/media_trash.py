"""Media that somebody does not want any more: in the trash for a while, then deleted with all files that they have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from gatehouse_common.errors import Conflict
from gatehouse_common.ids import new_id

from .contention import retried
from .deletions import Deletion, DeletionReason, as_row
from .engine import Database
from .holds import IS_HELD, lock_retention, media_is_held
from .media_jobs import call_off, is_worked_on
from .media_models import MediaFileRow, MediaRow
from .media_records import AUDIO, EXPORT, PROCESS, VIDEO
from .retention import Kept
from .upkeep_models import DeletionRow, JobRow
from .upload_models import UploadPieceRow, UploadRow

_ENDED = ("done", "failed", "cancelled")
_TOLD_BY_FILES = (PROCESS, AUDIO, VIDEO)


class MediaTrash:
    """Finds media that have been in the trash for long enough and are not held, and decides on them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def since(self, before_us: int, now_us: int, limit: int) -> list[Kept]:
        """Return so many media that were put into the trash before an instant and are not held."""
        query = select(MediaRow.id, MediaRow.folder, MediaRow.bytes).where(*_trashed(before_us))
        with self._db.read() as c:
            rows = c.execute(query.order_by(MediaRow.trashed_us, MediaRow.number).limit(limit), {"now_us": now_us})
            return [Kept(row.id, "", row.folder, 0, 0, row.bytes) for row in rows]

    def refuse_held(self, media: str, now_us: int) -> None:
        """Return unless a medium is held.

        Raises:
            Conflict: it is.
        """
        if self.is_held(media, now_us):
            raise Conflict(IS_HELD)

    def is_held(self, media: str, now_us: int) -> bool:
        """Return whether a medium, by its id, is held."""
        held = select(MediaRow.number).where(MediaRow.id == media, media_is_held())
        with self._db.look() as c:
            return c.execute(held, {"now_us": now_us}).first() is not None

    def count(self, before_us: int, now_us: int) -> int:
        """Return how many media were put into the trash before an instant and are not held."""
        with self._db.look() as c:
            return int(c.execute(select(func.count()).where(*_trashed(before_us)), {"now_us": now_us}).scalar_one())

    @retried
    def mark(self, ids: Collection[str], reason: DeletionReason, now_us: int) -> list[Deletion]:
        """Decide on media that are not held: on all files of them, and pieces that were never put together.

        Those that are in the trash; by their age (``reason``) also those that are not, unless something is being made
        of them.

        Returns:
            What is to be deleted; media that have nothing in the store are deleted with this.
        """
        old = or_(MediaRow.state == "trashed", MediaRow.state.in_(("ready", "failed")) & ~is_worked_on())
        which = old if reason == "age" else MediaRow.state == "trashed"
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            chosen = select(MediaRow.number, MediaRow.id, MediaRow.upload).where(
                MediaRow.id.in_(sorted(ids)), which, ~media_is_held()
            )
            for number in c.execute(chosen, {"now_us": now_us}).scalars().all():
                call_off(c, number, now_us)  # first: who does a job of it takes the job's row before the medium's
            rows = c.execute(chosen.with_for_update(), {"now_us": now_us}).all()
            marked: list[Deletion] = []
            for row in rows:
                marked += [
                    Deletion(new_id(), "media", row.id, "", key, 0, 0, size, reason, now_us, next_us=now_us)
                    for key, size in self._objects(c, row.number, row.upload)
                ]
                gone = {"state": "deleted", "detail": ""}
                c.execute(update(MediaRow).where(MediaRow.number == row.number).values(gone))
            if marked:
                c.execute(insert(DeletionRow), [as_row(d) for d in marked])
        return marked

    def _objects(self, c: Connection, media: int, upload: str | None) -> Iterator[tuple[str, int]]:
        """Yield keys and sizes of all that a medium has in the store; its rows say then that it is gone."""
        files = (MediaFileRow.media == media, MediaFileRow.state == "ready")
        for row in c.execute(select(MediaFileRow.key, MediaFileRow.bytes).where(*files)).all():
            yield row.key, row.bytes
        c.execute(update(MediaFileRow).where(*files).values(state="gone"))
        for part in _parts(c, upload):
            pieces = UploadPieceRow.upload == part
            for row in c.execute(select(UploadPieceRow.key, UploadPieceRow.bytes).where(pieces)).all():
                yield row.key, row.bytes
            c.execute(delete(UploadPieceRow).where(pieces))

    def folders(self, ids: Collection[str]) -> list[tuple[str, str, int]]:
        """Return those among media that are deleted: id, prefix of keys, and when it came, microseconds UTC.

        Nothing that has come below them since is anybody's.
        """
        query = select(MediaRow.id, MediaRow.folder, MediaRow.created_us).where(
            MediaRow.id.in_(sorted(ids)), MediaRow.state == "deleted"
        )
        with self._db.look() as c:
            return [(one, folder, at) for one, folder, at in c.execute(query)]

    @retried
    def forget_jobs(self, before_us: int, limit: int) -> int:
        """Forget so many jobs of media that ended before an instant; return how many.

        What an export was asked for only its job says: that is known for as long as the export is there.
        """
        deleted = select(MediaRow.number).where(MediaRow.state == "deleted")
        over = (JobRow.created_us < before_us, JobRow.ended_us < before_us, JobRow.state.in_(_ENDED))
        unneeded = or_(JobRow.kind.in_(_TOLD_BY_FILES), and_(JobRow.kind == EXPORT, JobRow.media.in_(deleted)))
        with self._db.begin() as c:
            query = select(JobRow.id).where(*over, unneeded).order_by(JobRow.created_us).limit(limit)
            ids = list(c.execute(query).scalars())
            if ids:
                c.execute(delete(JobRow).where(JobRow.id.in_(ids)))
        return len(ids)

    def bytes(self) -> int:
        """Return how many bytes files of media have, those in the trash as well."""
        total = select(func.coalesce(func.sum(MediaFileRow.bytes), 0)).where(MediaFileRow.state == "ready")
        with self._db.look() as c:
            return int(c.execute(total).scalar_one())


def _trashed(before_us: int) -> tuple[ColumnElement[bool], ...]:
    return (MediaRow.state == "trashed", MediaRow.trashed_us <= before_us, ~media_is_held())


def _parts(c: Connection, upload: str | None) -> list[str]:
    """Return the uploads whose pieces a medium is made of: one, and those that were put together to it."""
    if upload is None:
        return []
    facts: Any = c.execute(select(UploadRow.facts).where(UploadRow.id == upload)).scalar()
    return [upload, *(facts or {}).get("parts", ())]

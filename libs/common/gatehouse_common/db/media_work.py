"""What workers know and write of media: each change only while the job is theirs, in the same transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from gatehouse_common.errors import NotFound

from .contention import retried
from .engine import Database
from .holds import lock_retention, media_is_held
from .job_queue import hold_job
from .jobs import Job
from .media_models import MediaFileRow, MediaRow
from .media_records import Media, MediaFile, Piece, Upload
from .media_rows import FILE, PIECE, UPLOAD, find_medium, row_values
from .upload_models import UploadPieceRow, UploadRow


class MediaWork:
    """A medium, its pieces and its files, for those who make something of it.

    Whatever changes something takes the job for which it does, and returns whether that is this worker's still: if it
    is not, or the medium has been deleted, nothing was changed.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def media(self, number: int) -> Media:
        """Return a medium.

        Raises:
            NotFound: there is none of that number.
        """
        with self._db.look() as c:
            return find_medium(c, number)

    def files(self, media: int) -> list[MediaFile]:
        """Return the files that a medium has."""
        query = select(*FILE).where(MediaFileRow.media == media, MediaFileRow.state == "ready")
        with self._db.look() as c:
            return [MediaFile(*row) for row in c.execute(query.order_by(MediaFileRow.kind, MediaFileRow.variant))]

    def upload(self, upload: str) -> Upload:
        """Return an upload.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.look() as c:
            row = c.execute(select(*UPLOAD).where(UploadRow.id == upload)).first()
        if row is None:
            raise NotFound(f"there is no upload {upload[:36]!r}")
        return Upload(*row)

    def pieces(self, upload: Upload) -> list[Piece]:
        """Return the pieces of an upload in the order of their bytes."""
        query = select(*PIECE).where(UploadPieceRow.upload == upload.id).order_by(UploadPieceRow.position)
        with self._db.look() as c:
            return [Piece(*row) for row in c.execute(query)]

    @retried
    def learn(self, mine: Job, media: int, **facts: Any) -> bool:
        """Keep facts of a medium, by the names of its columns."""
        with self._db.begin() as c:
            if not _may_write(c, mine, media):
                return False
            c.execute(update(MediaRow).where(MediaRow.number == media).values(**facts))
        return True

    @retried
    def keep(self, mine: Job, file: MediaFile, **facts: Any) -> bool:
        """Keep a file of a medium, in place of another of its kind and variant; and facts of the medium.

        It is on the disk then: what the file was made of, or what it replaces, is deleted because of it.
        """
        with self._db.begin(durable=True) as c:
            if not _may_write(c, mine, file.media):
                return False
            c.execute(delete(MediaFileRow).where(*_same(file)))
            c.execute(insert(MediaFileRow).values(row_values(file)))
            if facts:
                c.execute(update(MediaRow).where(MediaRow.number == file.media).values(**facts))
        return True

    @retried
    def let_go(self, mine: Job, file: MediaFile, now_us: int, **facts: Any) -> bool | None:
        """Keep that a file of a medium is gone, and facts of the medium.

        Returns:
            As all of these; None: the medium is on hold, and nothing was changed.
        """
        medium = MediaRow.number == file.media
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            if not _may_write(c, mine, file.media):
                return False
            if c.execute(select(media_is_held()).where(medium), {"now_us": now_us}).scalar_one():
                return None
            c.execute(update(MediaFileRow).where(*_same(file)).values(state="gone"))
            c.execute(update(MediaRow).where(medium).values(**facts))
        return True

    @retried
    def forget_pieces(self, mine: Job, pieces: list[Piece]) -> bool:
        """Forget pieces whose objects are gone; their bytes are in the original."""
        with self._db.begin() as c:
            if not hold_job(c, mine):
                return False
            for upload in {piece.upload for piece in pieces}:
                c.execute(delete(UploadPieceRow).where(UploadPieceRow.upload == upload))
        return True


def _same(file: MediaFile) -> tuple[ColumnElement[bool], ...]:
    named = (MediaFileRow.kind == file.kind, MediaFileRow.variant == file.variant)
    return (MediaFileRow.media == file.media, *named)


def _may_write(c: Connection, mine: Job, media: int) -> bool:
    """Return whether a job is this worker's, and its medium is there, until the end of the transaction."""
    if not hold_job(c, mine):
        return False
    state = c.execute(select(MediaRow.state).where(MediaRow.number == media).with_for_update()).scalar_one_or_none()
    return state not in {None, "deleted"}

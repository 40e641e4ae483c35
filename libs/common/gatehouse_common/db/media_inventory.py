"""Which files of media should be in the store by the index, for whoever compares it with what is there."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import ColumnElement, and_, or_, select, tuple_, update

from gatehouse_common.errors import NotFound

from .contention import retried
from .engine import Database
from .media_models import MediaFileRow, MediaRow
from .media_records import MediaFile
from .media_rows import FILE

_NAME = (MediaFileRow.media, MediaFileRow.kind, MediaFileRow.variant)
_BATCH = 1000
GONE = "its file is not in the store any more"


class MediaInventory:
    """Reads what should be there, a batch at a time, and corrects what the index believes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def files(self, batch: int = _BATCH) -> Iterator[MediaFile]:
        """Yield all files that should be in the store, those of media in the trash as well, in order."""
        last = (0, "", "")
        query = select(*FILE).where(MediaFileRow.state == "ready").order_by(*_NAME)
        while True:
            with self._db.read() as c:
                rows = c.execute(query.where(_after(*last)).limit(batch)).all()
            found = [MediaFile(*row) for row in rows]
            yield from found
            if len(found) < batch:
                return
            last = found[-1].media, found[-1].kind, found[-1].variant

    def of_keys(self, keys: Collection[str]) -> dict[str, MediaFile]:
        """Return the files that rows name, whatever their state, by key; keys that none names are left out."""
        with self._db.read() as c:
            rows = c.execute(select(*FILE).where(MediaFileRow.key.in_(list(keys))))
            return {found.key: found for found in (MediaFile(*row) for row in rows)}

    def file(self, media: int, kind: str, variant: str) -> MediaFile:
        """Return a file.

        Raises:
            NotFound: there is no row of it.
        """
        with self._db.look() as c:
            row = c.execute(select(*FILE).where(tuple_(*_NAME) == (media, kind, variant))).first()
        if row is None:
            raise NotFound(f"there is no file {kind!r} of medium {media}")
        return MediaFile(*row)

    @retried
    def forget(self, file: MediaFile) -> bool:
        """Keep that a file is gone; a medium without its original says so. Return False if it is not what it was."""
        same = (tuple_(*_NAME) == (file.media, file.kind, file.variant), MediaFileRow.key == file.key)
        with self._db.begin() as c:
            changed = c.execute(
                update(MediaFileRow).where(*same, MediaFileRow.state == "ready").values(state="gone")
            ).rowcount
            if changed and file.kind == "original":
                c.execute(update(MediaRow).where(MediaRow.number == file.media).values(detail=GONE))
        return changed > 0

    @retried
    def bring_back(self, file: MediaFile) -> bool:
        """Keep that a file which was gone is there again; return False if it, or its medium, is not what it was."""
        mine = select(MediaRow.number).where(MediaRow.number == file.media, MediaRow.state != "deleted")
        same = (mine.exists(), tuple_(*_NAME) == (file.media, file.kind, file.variant), MediaFileRow.key == file.key)
        with self._db.begin() as c:
            changed = c.execute(
                update(MediaFileRow).where(*same, MediaFileRow.state == "gone").values(state="ready")
            ).rowcount
            if changed and file.kind == "original":
                medium = (MediaRow.number == file.media, MediaRow.detail == GONE)
                c.execute(update(MediaRow).where(*medium).values(detail=""))
        return changed > 0

    @retried
    def size(self, file: MediaFile, size: int) -> bool:
        """Keep how large a file is; return False if it is not what it was."""
        same = (tuple_(*_NAME) == (file.media, file.kind, file.variant), MediaFileRow.key == file.key)
        with self._db.begin() as c:
            return c.execute(update(MediaFileRow).where(*same).values(bytes=size)).rowcount > 0


def _after(media: int, kind: str, variant: str) -> ColumnElement[bool]:
    """Return the condition that a file comes after another.

    Not as a comparison of rows: MySQL finds no place in an index by that, and would read all of them for each batch.
    """
    media_row, kind_row, variant_row = _NAME
    of_it = or_(kind_row > kind, and_(kind_row == kind, variant_row > variant))
    return and_(media_row >= media, or_(media_row > media, of_it))

"""Media and their files as they are written down beside the files, and made anew of that where the index is lost."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import func, insert, select, update

from gatehouse_common.errors import Conflict

from .contention import retried
from .engine import Database
from .media_intake import LOCK
from .media_models import MediaFileRow, MediaRow
from .media_records import Media, MediaFile
from .media_rows import FILE, find_medium, row_values
from .session_models import RecorderSessionRow
from .upkeep_models import FactRow


class MediaDescriptions:
    """Reads all that there is to say of a medium, and takes it back in.

    Args:
        db: the index.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def read(self, number: int) -> tuple[Media, list[MediaFile]]:
        """Return a medium, whatever its state, and the files that it has.

        Raises:
            NotFound: there is none of that number.
        """
        query = select(*FILE).where(MediaFileRow.media == number, MediaFileRow.state == "ready")
        with self._db.read() as c:
            medium = find_medium(c, number)
            rows = c.execute(query.order_by(MediaFileRow.kind, MediaFileRow.variant)).all()
        return medium, [MediaFile(*row) for row in rows]

    def known(self, folders: Collection[str]) -> set[str]:
        """Return those among prefixes of keys that are of media which have not been deleted."""
        query = select(MediaRow.folder).where(MediaRow.folder.in_(sorted(folders)), MediaRow.state != "deleted")
        with self._db.look() as c:
            return set(c.execute(query).scalars())

    @retried
    def add(self, media: Media, files: Sequence[MediaFile]) -> None:
        """Add a medium that the index does not know, under the number that it had; none gets that number any more.

        A session that the index does not know is left away.

        Raises:
            Conflict: there is another of that number or id.
        """
        with self._db.begin(durable=True) as c:
            lock = FactRow.name == LOCK
            told = c.execute(select(FactRow.value).where(lock).with_for_update()).scalar_one()
            taken = select(func.count()).where((MediaRow.number == media.number) | (MediaRow.id == media.id))
            if c.execute(taken).scalar_one():
                raise Conflict(f"there is another medium {media.number}")
            values = row_values(media)
            session = select(RecorderSessionRow.number).where(RecorderSessionRow.number == media.session)
            if media.session is not None and c.execute(session).first() is None:
                values["session"] = None
            c.execute(insert(MediaRow).values(values))
            if files:
                c.execute(insert(MediaFileRow), [row_values(file) for file in files])
            newest = str(max(int(told or 0), media.number))
            c.execute(update(FactRow).where(lock).values(value=newest))

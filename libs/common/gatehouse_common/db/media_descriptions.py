"""Media, their files and whose they are, as they are written down beside the files, and taken back in from there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from gatehouse_common.errors import Conflict

from .account_models import UserRow
from .contention import retried
from .engine import Database
from .former_users import Whose
from .media_intake import LOCK
from .media_models import MediaFileRow, MediaRow
from .media_records import NOBODY, Media, MediaFile
from .media_rows import FILE, MEDIA, find_medium, row_values
from .session_models import RecorderSessionRow
from .upkeep_models import FactRow

_MOST_COUNTED = 10**9


class AnotherMedium(Conflict):
    """The index has another medium of that number, or of that id."""


@dataclass(frozen=True, slots=True)
class WholeMedium:
    """All that there is to say of a medium: itself, the files that it has, by kind and variant, and whose it is."""

    media: Media
    files: tuple[MediaFile, ...]
    owner: Whose


class MediaDescriptions:
    """Reads all that there is to say of a medium, and takes it back in.

    Args:
        db: the index.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def read(self, number: int) -> WholeMedium:
        """Return a medium, whatever its state.

        Raises:
            NotFound: there is none of that number.
        """
        with self._db.read() as c:
            return _whole(c, [find_medium(c, number)])[0]

    def before(self, number: int, limit: int) -> list[WholeMedium]:
        """Return so many media below a number that are not deleted, the highest first."""
        query = select(*MEDIA).where(MediaRow.number < number, MediaRow.state != "deleted")
        with self._db.read() as c:
            rows = c.execute(query.order_by(MediaRow.number.desc()).limit(limit)).all()
            return _whole(c, [Media(*row) for row in rows])

    def any(self) -> bool:
        """Return whether the index knows, or knew, any medium."""
        with self._db.look() as c:
            return c.execute(select(MediaRow.number).limit(1)).first() is not None

    def known(self, folders: Collection[str]) -> set[str]:
        """Return those among prefixes of keys that are of media which have not been deleted."""
        query = select(MediaRow.folder).where(MediaRow.folder.in_(sorted(folders)), MediaRow.state != "deleted")
        with self._db.look() as c:
            return set(c.execute(query).scalars())

    def since(self, folder: str) -> int | None:
        """Return when the medium came whose keys have a prefix, microseconds UTC; None: there is none."""
        query = select(func.max(MediaRow.created_us)).where(MediaRow.folder == folder)
        with self._db.look() as c:
            return c.execute(query).scalar()

    def refuse_known(self, media: Media) -> None:
        """Return unless there is a medium of the number or the id of this one.

        Raises:
            AnotherMedium: there is, or was, and it is another.
            Conflict: it is this one.
        """
        with self._db.look() as c:
            _refuse_known(c, media)

    @retried
    def add(self, media: Media, files: Sequence[MediaFile]) -> None:
        """Add a medium that the index does not know, under the number that it had; none gets that number any more.

        A session that the index does not know is left away.

        Raises:
            AnotherMedium: there is another of that number or id.
            Conflict: it is there already.
        """
        with self._db.begin(durable=True) as c:
            lock = FactRow.name == LOCK
            told = c.execute(select(FactRow.value).where(lock).with_for_update()).scalar_one()
            _refuse_known(c, media)
            values = row_values(media)
            session = select(RecorderSessionRow.number).where(RecorderSessionRow.number == media.session)
            if media.session is not None and c.execute(session).first() is None:
                values["session"] = None
            c.execute(insert(MediaRow).values(values))
            if files:
                c.execute(insert(MediaFileRow), [row_values(file) for file in files])
            newest = max(int(told or 0), _highest([media.number]))
            c.execute(update(FactRow).where(lock).values(value=str(newest)))

    @retried
    def count_on(self, numbers: Collection[int]) -> int:
        """Let no medium that is still to come get a number up to the highest of these; return that, 0: none would have.

        One so high that no index has come to it somebody has made up: it is not counted, for after it would be none.
        """
        number = _highest(numbers)
        with self._db.begin() as c:
            lock = FactRow.name == LOCK
            told = c.execute(select(FactRow.value).where(lock).with_for_update()).scalar_one()
            if int(told or 0) >= number:
                return 0
            c.execute(update(FactRow).where(lock).values(value=str(number)))
        return number


def _highest(numbers: Collection[int]) -> int:
    return max((number for number in numbers if number <= _MOST_COUNTED), default=0)


def _refuse_known(c: Connection, media: Media) -> None:
    same = (MediaRow.number == media.number) | (MediaRow.id == media.id)
    row = c.execute(select(MediaRow.number, MediaRow.id, MediaRow.state).where(same)).first()
    if row is None:
        return
    if (row.number, row.id) != (media.number, media.id):
        raise AnotherMedium(f"the index has another medium, {row.number}, with its number or its id")
    raise Conflict(f"the index knows medium {row.number} already" + (", and it is deleted" * (row.state == "deleted")))


def _whole(c: Connection, media: Sequence[Media]) -> list[WholeMedium]:
    """Return media with their files and owners, in the same view of the index."""
    numbers = [one.number for one in media]
    files: dict[int, list[MediaFile]] = {number: [] for number in numbers}
    query = select(*FILE).where(MediaFileRow.media.in_(numbers), MediaFileRow.state == "ready")
    for row in c.execute(query.order_by(MediaFileRow.media, MediaFileRow.kind, MediaFileRow.variant)):
        file = MediaFile(*row)
        files[file.media].append(file)
    columns = (UserRow.number, UserRow.id, UserRow.name, UserRow.created_us, UserRow.state)
    owners = {
        row.number: Whose(row.number, row.id, row.name, row.created_us, row.state == "removed")
        for row in c.execute(select(*columns).where(UserRow.number.in_({one.owner for one in media})))
    }
    return [WholeMedium(one, tuple(files[one.number]), owners.get(one.owner) or _unknown(one)) for one in media]


def _unknown(media: Media) -> Whose:
    """Return whose a medium is of whom the index has no row: nobody's, or somebody's of whom there is only a name."""
    return Whose(NOBODY if media.owner == NOBODY else media.owner, "", media.owner_name)

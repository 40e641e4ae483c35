"""Media as people see them: found, counted, named, put into the trash and taken out of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, update

from gatehouse_common.errors import ChangedSince, Conflict, NotFound
from gatehouse_common.intervals import Interval

from .contention import retried
from .engine import Database
from .holds import IS_HELD, lock_retention, media_is_held
from .media_jobs import call_off, queue_processing
from .media_models import MediaFileRow, MediaRow
from .media_records import Media, MediaFile
from .media_rows import FILE, MEDIA
from .session_models import RecorderSessionRow

_SHOWN = ("queued", "processing", "ready", "failed")
_UNFINISHED = ("queued", "processing")


@dataclass(frozen=True, slots=True)
class MediaQuery:
    """Which media are looked for.

    Attributes:
        owner: only of the user of this number; None: of all that there are for who asks.
        kinds: upload, recording, export; empty: all.
        states: queued, processing, ready, failed; empty: all of these.
        start_us: that were whole here at or after this instant, microseconds UTC.
        end_us: before this one.
        text: that have this in their names, in capital or small letters; empty: all.
        trashed: those in the trash, and no others.
    """

    owner: int | None = None
    kinds: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    start_us: int | None = None
    end_us: int | None = None
    text: str = ""
    trashed: bool = False


@dataclass(frozen=True, slots=True)
class MediaTotals:
    """How many media were found.

    Attributes:
        count: all of them.
        lasted_us: how long those are of which that is known, microseconds.
        bytes: size of their originals.
    """

    count: int
    lasted_us: int
    bytes: int


class MediaLibrary:
    """Finds media and keeps what people change of them.

    Args:
        db: the index.
        owner: only those of this user are there; None: all.
        exports_of: of exports, which show cameras, only those of these users are there; None: as of all other media.
    """

    def __init__(self, db: Database, owner: int | None = None, exports_of: Collection[int] | None = None) -> None:
        self._db, self._owner, self._exports_of = db, owner, exports_of

    def find(
        self, query: MediaQuery, limit: int, before: tuple[int, str] | None = None, offset: int = 0
    ) -> list[Media]:
        """Return media, the newest first; those that come after ``(created_us, id)`` of the page before."""
        rows = select(*MEDIA).where(*self._conditions(query))
        if before is not None:
            at, last = before
            number = select(MediaRow.number).where(MediaRow.id == last).scalar_subquery()
            same = (MediaRow.created_us == at) & (MediaRow.number < number)
            rows = rows.where(MediaRow.created_us <= at, (MediaRow.created_us < at) | same)
        rows = rows.order_by(MediaRow.created_us.desc(), MediaRow.number.desc())
        if self._owner is None and query.owner is None:  # MariaDB would read and sort all that there are
            rows = rows.with_hint(MediaRow, "FORCE INDEX (ix_media_created)", "mysql")
        with self._db.look() as c:
            return [Media(*row) for row in c.execute(rows.limit(limit).offset(offset))]

    def totals(self, query: MediaQuery) -> MediaTotals:
        """Return how many media there are, how long and how large they are."""
        lasted, taken = func.sum(MediaRow.lasted_us), func.sum(MediaRow.bytes)
        with self._db.look() as c:
            count, lasted_us, size = c.execute(
                select(func.count(), lasted, taken).where(*self._conditions(query))
            ).one()
        return MediaTotals(count, int(lasted_us or 0), int(size or 0))

    def get(self, which: int | str, *, trashed: bool = False) -> Media:
        """Return a medium by its number or its id; with ``trashed`` one that is in the trash.

        Raises:
            NotFound: there is none for who asks.
        """
        with self._db.look() as c:
            return self._found(c, which, ("trashed",) if trashed else _SHOWN)

    def span(self, which: str) -> Interval:
        """Return from when on a medium, by its id, was recorded, as far as that is known, until it was whole here.

        Also of one in the trash, or that has been cut.

        Raises:
            NotFound: there is none for who asks.
        """
        begun = select(RecorderSessionRow.start_us).where(RecorderSessionRow.number == MediaRow.session)
        known = select(MediaRow.start_us, MediaRow.lasted_us, MediaRow.created_us, begun.scalar_subquery())
        with self._db.look() as c:
            row = c.execute(known.where(MediaRow.id == which, *self._seen())).first()
        if row is None:
            raise NotFound(f"there is no medium {which[:64]!r}")
        start_us, lasted_us, created_us, session_us = row
        begins = [at for at in (start_us, session_us, created_us - (lasted_us or 0), created_us - 1) if at is not None]
        return Interval(max(0, min(begins)), created_us)

    def ids(self) -> Select[str] | None:
        """Return what asks for the ids of the media that are there for who asks, in any state; None: all are."""
        seen = self._seen()
        return select(MediaRow.id).where(*seen) if seen else None

    def id_of(self, which: int | str) -> str:
        """Return the id of a medium by its number or its id, whatever its state.

        Raises:
            NotFound: there is none for who asks.
        """
        one = MediaRow.number == which if isinstance(which, int) else MediaRow.id == which
        with self._db.look() as c:
            found = c.execute(select(MediaRow.id).where(one, *self._seen())).scalar()
        if found is None:
            raise NotFound(f"there is no medium {str(which)[:64]!r}")
        return str(found)

    def session_of(self, media: str) -> int | None:
        """Return the number of the session that a medium was recorded for, by its id; None: none, or there is none."""
        with self._db.look() as c:
            return c.execute(select(MediaRow.session).where(MediaRow.id == media, *self._seen())).scalar()

    def of_session(self, session: int) -> str:
        """Return the id of the medium that a browser recorded for a session, also when it has been cut into files.

        Raises:
            NotFound: there is none for who asks.
        """
        query = select(MediaRow.id).where(MediaRow.session == session, *self._seen())  # of several the first counts
        with self._db.look() as c:
            found = c.execute(query.order_by(MediaRow.number).limit(1)).scalar()
        if found is None:
            raise NotFound(f"there is no recording of a browser of session {session}: hold its camera's footage")
        return str(found)

    def files(self, media: Collection[int]) -> dict[int, list[MediaFile]]:
        """Return the files of media, by number; media that have none are left out."""
        query = select(*FILE).where(MediaFileRow.media.in_(sorted(media)), MediaFileRow.state == "ready")
        found: dict[int, list[MediaFile]] = {}
        with self._db.look() as c:
            for row in c.execute(query.order_by(MediaFileRow.media, MediaFileRow.kind, MediaFileRow.variant)):
                file = MediaFile(*row)
                found.setdefault(file.media, []).append(file)
        return found

    @retried
    def rename(self, number: int, name: str, seen: Collection[str] | None = None) -> Media:
        """Give a medium another name; with ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is none of that number for who asks.
            ChangedSince: it has another tag by now.
        """
        with self._db.begin() as c:
            found = self._found(c, number, _SHOWN, lock=True)
            _refuse_changed(found, seen)
            values = {"name": name, "version": found.version + 1}
            c.execute(update(MediaRow).where(MediaRow.number == number).values(values))
            return self._found(c, number, _SHOWN)

    @retried
    def trash(self, number: int, now_us: int, seen: Collection[str] | None = None) -> None:
        """Put a medium into the trash: its jobs are called off; it is in no list, and can be taken out again.

        Raises:
            NotFound: there is none of that number for who asks.
            ChangedSince: it has another tag by now.
            Conflict: it is on hold.
        """
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            call_off(c, number, now_us)  # first: who does a job of it takes the job's row before the medium's
            found = self._found(c, number, _SHOWN, lock=True)
            _refuse_changed(found, seen)
            if c.execute(select(media_is_held()).where(MediaRow.number == number), {"now_us": now_us}).scalar_one():
                raise Conflict(IS_HELD)
            values = {
                "state": "trashed",
                "trashed_us": now_us,
                "before_trash": found.state,
                "version": found.version + 1,
            }
            c.execute(update(MediaRow).where(MediaRow.number == number).values(values))

    @retried
    def restore(self, number: int, now_us: int, by: str) -> Media:
        """Take a medium out of the trash; what was not done with it by then is begun anew.

        Raises:
            NotFound: none of that number is in it for who asks.
        """
        with self._db.begin(durable=True) as c:
            found = self._found(c, number, ("trashed",), lock=True)
            unfinished = found.before_trash in _UNFINISHED
            values = {"state": "queued" if unfinished else found.before_trash, "trashed_us": None, "before_trash": ""}
            c.execute(update(MediaRow).where(MediaRow.number == number).values(**values, version=found.version + 1))
            if unfinished:
                queue_processing(c, found, now_us, by)
            return self._found(c, number, _SHOWN)

    def _found(self, c: Connection, which: int | str, states: Collection[str], *, lock: bool = False) -> Media:
        one = MediaRow.number == which if isinstance(which, int) else MediaRow.id == which
        query = select(*MEDIA).where(one, MediaRow.state.in_(states), *self._seen())
        row = c.execute(query.with_for_update() if lock else query).first()
        if row is None:
            raise NotFound(f"there is no medium {str(which)[:64]!r}")
        return Media(*row)

    def _seen(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = [] if self._owner is None else [MediaRow.owner == self._owner]
        if self._exports_of is not None:
            found.append(or_(MediaRow.kind != "export", MediaRow.owner.in_(sorted(self._exports_of))))
        return found

    def _conditions(self, query: MediaQuery) -> list[ColumnElement[bool]]:
        # A state that is one of several is asked for as one that is not another: that keeps to the order of the index.
        hidden = MediaRow.state.not_in(("trashed", "deleted"))
        found = [MediaRow.state == "trashed" if query.trashed else hidden, *self._seen()]
        if query.owner is not None:
            found.append(MediaRow.owner == query.owner)
        if query.kinds:
            found.append(MediaRow.kind.in_(sorted(query.kinds)))
        if query.states:
            found.append(MediaRow.state.in_(sorted(query.states)))
        if query.start_us is not None:
            found.append(MediaRow.created_us >= query.start_us)
        if query.end_us is not None:
            found.append(MediaRow.created_us < query.end_us)
        if query.text:
            found.append(func.lower(MediaRow.name).contains(query.text.lower(), autoescape=True))
        return found


def _refuse_changed(found: Media, seen: Collection[str] | None) -> None:
    if seen is not None and found.tag not in seen:
        raise ChangedSince(f"medium {found.number} has been changed since you looked: look again.")

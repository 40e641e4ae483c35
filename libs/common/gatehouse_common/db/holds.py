"""Holds: footage, clips and media that nothing deletes, whatever the settings say and however full the disk is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields

from sqlalchemy import ColumnElement, Connection, Select, exists, func, insert, or_, select, update

from gatehouse_common.errors import ChangedSince, Conflict, InvalidInput, NotFound
from gatehouse_common.intervals import Interval, merge

from .chunk_days import DAY_US
from .contention import retried
from .engine import Database
from .held_spans import ACTIVE, covers
from .hints import by_camera
from .media_models import MediaFileRow, MediaRow
from .models import MAX_CHUNK_US, ChunkRow
from .plate_models import ClipRow
from .session_models import SessionChunkRow
from .upkeep_models import FOREVER_US, GOING, UNSURE, ChunkDayRow, DeletionRow, FactRow, HoldRow
from .visible import OF_NO_CAMERA, Visible, seen


@dataclass(frozen=True, slots=True)
class Hold:
    """Footage that is not to be deleted; times are microseconds UTC.

    Attributes:
        id: UUIDv7.
        camera: whose footage; None: of all cameras, or ``clip`` or ``media`` says.
        clip: the one clip that is held; None: all that there is of the range.
        start_us: the first instant that is held.
        end_us: the first that is not; ``FOREVER_US``: the hold goes on.
        reason: why, for people.
        case_name: what it belongs to.
        until_us: when it runs out by itself; None: never.
        created_us: when it was placed.
        created_by: by whom; empty: not known.
        released_us: when it was released; None: it was not.
        released_by: by whom.
        media: the one medium that is held, with all its files; None: none is.
    """

    id: str
    camera: str | None
    clip: str | None
    start_us: int
    end_us: int
    reason: str
    case_name: str
    until_us: int | None
    created_us: int
    created_by: str = ""
    released_us: int | None = None
    released_by: str | None = None
    media: str | None = None

    @property
    def is_of_footage(self) -> bool:
        """Return whether it holds a range, not one object."""
        return self.clip is None and self.media is None

    @property
    def tag(self) -> str:
        """What it is called as it is: another text once it is released."""
        return f"{self.id}-{self.released_us or 0}"

    def is_active(self, now_us: int) -> bool:
        """Return whether it holds anything."""
        return self.released_us is None and (self.until_us is None or self.until_us > now_us)


@dataclass(frozen=True, slots=True)
class Held:
    """How many objects are held, and their bytes."""

    objects: int
    bytes: int

    def __add__(self, other: Held) -> Held:
        """Return both together."""
        return Held(self.objects + other.objects, self.bytes + other.bytes)


IS_HELD = "it is on hold: the hold has to be released first"
"""Why something that is held is not deleted, for people."""
_HOLD = [getattr(HoldRow, f.name) for f in fields(Hold)]


def chunk_is_held() -> ColumnElement[bool]:
    """Return the condition that a row of chunks is held; it takes the time as ``now_us``."""
    return exists().where(covers(ChunkRow.camera, ChunkRow.start_us, ChunkRow.end_us))


def clip_is_held() -> ColumnElement[bool]:
    """Return the condition that a row of clips is held: itself, or what it shows; it takes the time as ``now_us``."""
    of_clip = (HoldRow.clip == ClipRow.id) & ACTIVE
    return exists().where(or_(of_clip, covers(ClipRow.camera, ClipRow.start_us, ClipRow.end_us)))


def media_is_held() -> ColumnElement[bool]:
    """Return the condition that a row of media is held; it takes the time as ``now_us``."""
    return exists().where((HoldRow.media == MediaRow.id) & ACTIVE)


def session_file_is_held() -> ColumnElement[bool]:
    """Return the condition that a file of a session shows what is on hold; it takes the time as ``now_us``.

    What was recorded in a browser is held by its medium, whose bytes are in the files by then.
    """
    cut = (MediaRow.session == SessionChunkRow.session) & (HoldRow.media == MediaRow.id) & ACTIVE
    shown = exists().where(covers(SessionChunkRow.camera, SessionChunkRow.start_us, SessionChunkRow.end_us))
    return or_(shown, exists().where(cut))


def deletion_is_held() -> ColumnElement[bool]:
    """Return the condition that a row of deletions is held by now; it takes the time as ``now_us``."""
    of_clip = (DeletionRow.kind == "clip") & (HoldRow.clip == DeletionRow.subject) & ACTIVE
    cut = select(MediaRow.id).join(SessionChunkRow, SessionChunkRow.session == MediaRow.session)
    of_file = (DeletionRow.kind == "session") & (SessionChunkRow.id == DeletionRow.subject)
    of_medium = HoldRow.media.in_(cut.where(of_file).correlate(DeletionRow)) & ACTIVE
    held = or_(of_clip, of_medium, covers(DeletionRow.camera, DeletionRow.start_us, DeletionRow.end_us))
    return exists().where(held)


def lock_retention(c: Connection) -> None:
    """Let nobody place a hold, decide what goes, or begin to delete, until the transaction ends. Its first statement.

    What a transaction of MySQL reads without a lock is as it was when it first did so: who waits for the lock first
    sees every hold that was placed before.
    """
    c.execute(select(FactRow.value).where(FactRow.name == "retention.lock").with_for_update())


class HoldRepository:
    """Places, lists and releases holds.

    Args:
        db: the index.
        visible: whose holds and held objects there are; None: all. A hold of all cameras is of those, too, that are not
            there for somebody: for them it is not there.
        media: asks for the ids of the media that are there for somebody, see ``MediaLibrary.ids``; None: of all. A hold
            of what browsers recorded at some time, as an index that was made anew has it, is for who sees all.
    """

    def __init__(self, db: Database, visible: Visible | None = None, media: Select[str] | None = None) -> None:
        self._db, self._visible, self._media = db, visible, media

    @retried
    def place(self, hold: Hold, *, checked: bool = True) -> int:
        """Place a hold; from when this returns on nothing of it is decided to be deleted, or begun to be.

        Args:
            hold: what is held, and why.
            checked: whether a clip or a medium that is named has to be there.

        Returns:
            How many objects that it covers had been decided on before and are given back. What was being deleted at
            that very moment, or when the store ceased to answer, is not counted: it may be gone. If it is not it is
            given back, too.

        Raises:
            InvalidInput: it ends before it begins.
            NotFound: there is no such clip, or no such medium.
            Conflict: it has no file any more, or is being deleted.
        """
        if hold.end_us <= hold.start_us:
            raise InvalidInput("a hold has to end after it begins", "to")
        with self._db.begin() as c:
            lock_retention(c)
            if hold.clip and checked:
                state = c.execute(select(ClipRow.state).where(ClipRow.id == hold.clip).with_for_update()).scalar()
                _check_clip(hold.clip, state)
                going = select(DeletionRow.id).where(DeletionRow.subject == hold.clip, DeletionRow.trouble == GOING)
                if c.execute(going).first() is not None:
                    raise Conflict(
                        "the clip is being deleted in this moment; ask again in a few minutes whether it is there"
                    )
            if hold.media and checked:
                _check_media(c, hold.media)
            c.execute(insert(HoldRow).values(asdict(hold)))
            own = seen(self._visible, DeletionRow.camera, DeletionRow.start_us)
            here = DeletionRow.trouble.not_in((GOING, UNSURE))
            query = select(func.count()).select_from(DeletionRow).where(deletion_is_held(), here, *own)
            return c.execute(query, {"now_us": hold.created_us}).scalar_one()

    def _seen(self) -> list[ColumnElement[bool]]:
        media = HoldRow.media.is_not(None) if self._media is None else HoldRow.media.in_(self._media)
        if self._visible is None:
            of_cameras = or_(HoldRow.camera.is_(None), HoldRow.camera != OF_NO_CAMERA) & HoldRow.media.is_(None)
            return [] if self._media is None else [or_(of_cameras, media)]
        clips = select(ClipRow.id).where(*self._visible.conditions(ClipRow.camera, ClipRow.start_us))
        return [or_(HoldRow.camera.in_(sorted(self._visible.cameras)), HoldRow.clip.in_(clips), media)]

    def get(self, hold_id: str) -> Hold:
        """Return a hold, released or not.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.look() as c:
            row = c.execute(select(*_HOLD).where(HoldRow.id == hold_id, *self._seen())).first()
        if row is None:
            raise NotFound(f"there is no hold {hold_id[:64]!r}")
        return Hold(*row)

    def list(self, now_us: int, *, ended: bool = False) -> list[Hold]:
        """Return the holds that hold something, the newest first; with ``ended`` also those that were."""
        query = select(*_HOLD).where(*self._seen()).order_by(HoldRow.created_us.desc(), HoldRow.id.desc())
        with self._db.look() as c:
            rows = c.execute(query) if ended else c.execute(query.where(ACTIVE), {"now_us": now_us})
            return [Hold(*row) for row in rows]

    @retried
    def release(self, hold_id: str, now_us: int, by: str, *, seen: Collection[str] | None = None) -> Hold:
        """Release a hold; one that was released stays as it was. With ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is none of that id.
            ChangedSince: it has another tag by now.
        """
        with self._db.begin() as c:
            lock_retention(c)
            row = c.execute(select(*_HOLD).where(HoldRow.id == hold_id, *self._seen())).first()
            if row is not None and seen is not None and Hold(*row).tag not in seen:
                raise ChangedSince("the hold was released since you looked at it.")
            open_one = update(HoldRow).where(HoldRow.id == hold_id, HoldRow.released_us.is_(None), *self._seen())
            c.execute(open_one.values(released_us=now_us, released_by=by))
        return self.get(hold_id)

    def held_bytes(self, now_us: int) -> int:
        """Return how many bytes of recordings, clips and media are held; recordings as of when days were summed up."""
        return self.held_recordings(now_us).bytes + self.held_clip_bytes(now_us) + self.held_media_bytes(now_us)

    def held_clip_bytes(self, now_us: int) -> int:
        """Return how many bytes of clips are held."""
        if not HoldRepository(self._db).list(now_us):
            return 0
        held = select(func.coalesce(func.sum(ClipRow.bytes), 0)).where(
            ClipRow.state.in_(("stored", "archived")), clip_is_held(), *seen(self._visible, ClipRow.camera)
        )
        with self._db.look() as c:
            return int(c.execute(held, {"now_us": now_us}).scalar_one())

    def held_media_bytes(self, now_us: int) -> int:
        """Return how many bytes files of media have that are held."""
        held = [MediaFileRow.media == MediaRow.number, MediaFileRow.state == "ready", media_is_held()]
        if self._media is not None:
            held.append(MediaRow.id.in_(self._media))
        with self._db.look() as c:
            found = c.execute(select(func.coalesce(func.sum(MediaFileRow.bytes), 0)).where(*held), {"now_us": now_us})
            return int(found.scalar_one())

    def held_recordings(self, now_us: int, before_us: Mapping[str, int] | None = None) -> Held:
        """Return how many recordings are held, and their bytes.

        Args:
            now_us: the time.
            before_us: of these cameras only, and of each what begins before an instant; None: of all, all.
        """
        ranges: dict[str | None, list[Interval]] = {}
        for hold in HoldRepository(self._db).list(now_us):  # also those of all cameras: they hold these as well
            if hold.is_of_footage:
                ranges.setdefault(hold.camera, []).append(Interval(hold.start_us, hold.end_us))
        found = Held(0, 0)
        if not ranges:
            return found
        with self._db.read() as c:
            known = select(ChunkDayRow.camera).where(*seen(self._visible, ChunkDayRow.camera)).distinct()
            for camera in c.execute(known).scalars().all():
                if before_us is not None and camera not in before_us:
                    continue
                limit = FOREVER_US if before_us is None else before_us[camera]
                for span in merge([*ranges.get(None, []), *ranges.get(camera, [])]):
                    if span.start < limit:
                        found += _held_in(c, camera, Interval(span.start, min(span.end, limit)))
        return found


def _check_clip(clip: str, state: str | None) -> None:
    if state is None:
        raise NotFound(f"there is no clip {clip[:64]!r}")
    if state == "planned":
        raise Conflict("the clip is not made yet: hold the range that it is to show")
    if state not in {"stored", "archived"}:
        raise Conflict(f"the clip has no file: it is {state}")


def _check_media(c: Connection, media: str) -> None:
    row = c.execute(select(MediaRow.state, MediaRow.session).where(MediaRow.id == media).with_for_update()).first()
    if row is None:
        raise NotFound(f"there is no medium {media[:64]!r}")
    if row.state != "deleted":
        return
    of_file = (DeletionRow.kind == "session") & (DeletionRow.subject == SessionChunkRow.id)
    decided = exists().where(of_file, DeletionRow.trouble != GOING)
    there = or_(SessionChunkRow.state.in_(("stored", "trashed")), decided)
    files = select(SessionChunkRow.number).where(SessionChunkRow.session == row.session, there)
    if row.session is None or c.execute(files.limit(1)).first() is None:
        raise Conflict("the medium has been deleted")


def _held_in(c: Connection, camera: str, span: Interval) -> Held:
    """Return the chunks that share an instant with a span: whole days by their sums, the rest one by one."""
    first, last = -(-span.start // DAY_US), span.end // DAY_US
    if first >= last:
        return _one_by_one(c, camera, span.start - MAX_CHUNK_US, span.end, span.start)
    sums = (func.coalesce(func.sum(ChunkDayRow.chunks), 0), func.coalesce(func.sum(ChunkDayRow.bytes), 0))
    days = select(*sums).where(ChunkDayRow.camera == camera, ChunkDayRow.day >= first, ChunkDayRow.day < last)
    before = _one_by_one(c, camera, span.start - MAX_CHUNK_US, first * DAY_US, span.start)
    after = _one_by_one(c, camera, last * DAY_US - 1, span.end, span.start)
    objects, size = c.execute(days).one()
    return before + Held(int(objects), int(size)) + after


def _one_by_one(c: Connection, camera: str, above_us: int, below_us: int, ends_after_us: int) -> Held:
    inside = (
        ChunkRow.camera == camera,
        ChunkRow.start_us > above_us,
        ChunkRow.start_us < below_us,
        ChunkRow.end_us > ends_after_us,
        ChunkRow.state == "stored",
    )
    sums = by_camera(select(func.count(), func.coalesce(func.sum(ChunkRow.bytes), 0)).where(*inside))
    objects, size = c.execute(sums).one()
    return Held(objects, int(size))

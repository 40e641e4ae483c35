"""What is to be deleted: decided in one transaction, done after it, and forgotten when it is done.

decided: the row of a chunk becomes a row of ``deletions`` and a purged gap of the ledger; a clip or a file of a
session, an entry beside its row -> the entry says ``GOING``, unless it is held by now -> the object is deleted -> the
entry goes, and a clip's row says ``purged``. A crash between any two of them leaves an entry, which is gone on with.
What is held is never decided, nor begun, for the condition is part of the statements that do so; who places a hold
knows by the entries what it still keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from gatehouse_common.clock import HOUR, MILLISECOND, MINUTE
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval, merge

from .chunk_days import touch_days
from .contention import retried
from .engine import Database
from .holds import chunk_is_held, clip_is_held, deletion_is_held, lock_retention, session_file_is_held
from .ledger import add_purged
from .models import ChunkRow
from .plate_models import ClipRow
from .session_models import SESSION_FILE, SessionChunkRow
from .upkeep_models import GOING, UNSURE, DeletionRow
from .visible import Visible, seen

LONGEST_US = 10 * MINUTE
"""Longer than it takes to delete a hundred objects, however often the store is asked."""
DeletionReason = Literal["age", "quota", "emergency", "asked"]


@dataclass(frozen=True, slots=True)
class Deletion:
    """An object that is to be deleted; see ``DeletionRow``."""

    id: str
    kind: str
    subject: str
    camera: str
    key: str
    start_us: int
    end_us: int
    bytes: int
    reason: str
    marked_us: int
    tries: int = 0
    trouble: str = ""
    next_us: int = 0


_NAMES = [f.name for f in fields(Deletion)]
_DELETION = [getattr(DeletionRow, name) for name in _NAMES]
_CHUNK = (ChunkRow.id, ChunkRow.camera, ChunkRow.key, ChunkRow.start_us, ChunkRow.end_us, ChunkRow.bytes)
_CLIP = (ClipRow.id, ClipRow.camera, ClipRow.key, ClipRow.start_us, ClipRow.end_us, ClipRow.bytes)
_WITH_FILE = ("stored", "archived")
_LONGEST_WAIT_US = 2 * HOUR
_Found = Row[str, str, str, int, int, int, str]
PURGED_BECAUSE = {
    "age": "older than recordings are kept",
    "quota": "recordings took more room than they may",
    "emergency": "the disk was nearly full",
    "asked": "somebody had it deleted",
}


class Deletions:
    """Decides what is deleted, and keeps what has been decided until it is done."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def mark_chunks(self, ids: Collection[str], reason: DeletionReason, now_us: int) -> list[Deletion]:
        """Decide on stored chunks, those among them that are not held; return what is to be deleted."""
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            # Which state they are in is looked at here: asked for, SQLite would read all that are stored.
            taken = exists().where(DeletionRow.key == ChunkRow.key)  # an older object of that key is not gone yet
            free = select(*_CHUNK, ChunkRow.state).where(ChunkRow.id.in_(list(ids)), ~chunk_is_held(), ~taken)
            rows = c.execute(free.with_for_update(), {"now_us": now_us}).all()
            marked = [_deletion("chunk", row, reason, now_us) for row in rows if row.state == "stored"]
            if not marked:
                return []
            c.execute(insert(DeletionRow), [as_row(d) for d in marked])
            c.execute(delete(ChunkRow).where(ChunkRow.id.in_([d.subject for d in marked])))
            for camera in sorted({d.camera for d in marked}):
                _tell(c, camera, [d for d in marked if d.camera == camera], PURGED_BECAUSE[reason])
        return marked

    @retried
    def mark_clips(self, ids: Collection[str], reason: DeletionReason, now_us: int) -> list[Deletion]:
        """Decide on clips, those among them that are not held and of which a file is known; their rows stay."""
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            known = select(DeletionRow.subject).where(DeletionRow.kind == "clip")
            free = select(*_CLIP, ClipRow.state).where(
                ClipRow.id.in_(list(ids)), ClipRow.key != "", ~clip_is_held(), ClipRow.id.not_in(known)
            )
            rows = c.execute(free.with_for_update(), {"now_us": now_us}).all()
            marked = [_deletion("clip", row, reason, now_us) for row in rows if row.state in _WITH_FILE]
            if not marked:
                return []
            c.execute(insert(DeletionRow), [as_row(d) for d in marked])
            of_them = ClipRow.id.in_([d.subject for d in marked])
            c.execute(update(ClipRow).where(of_them, ClipRow.state == "stored").values(state="archived"))
        return marked

    @retried
    def mark_session_files(self, ids: Collection[str], reason: DeletionReason, now_us: int) -> list[Deletion]:
        """Decide on files of sessions, those among them that are not held; their rows stay.

        Those that are in the trash; by their age (``reason``) also those that are not.
        """
        states = ("stored", "trashed") if reason == "age" else ("trashed",)
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            free = select(*SESSION_FILE, SessionChunkRow.state).where(
                SessionChunkRow.id.in_(list(ids)), SessionChunkRow.state.in_(states), ~session_file_is_held()
            )
            rows = c.execute(free.with_for_update(), {"now_us": now_us}).all()
            marked = [_deletion("session", row, reason, now_us) for row in rows]
            if marked:
                c.execute(insert(DeletionRow), [as_row(d) for d in marked])
                of_them = SessionChunkRow.id.in_([d.subject for d in marked])
                c.execute(update(SessionChunkRow).where(of_them).values(state="deleted"))
        return marked

    def due(self, now_us: int, limit: int) -> list[Deletion]:
        """Return what has been decided, may be tried now, and is not held; the longest waiting first.

        What is to wait for longer than anything ever is was put off when the clock was ahead.
        """
        ripe = or_(DeletionRow.next_us <= now_us, DeletionRow.next_us > now_us + _LONGEST_WAIT_US)
        return self._next(ripe, now_us, limit)

    def soonest(self, now_us: int, limit: int) -> list[Deletion]:
        """Return what is to be tried next, and is not held, whether it is time or not."""
        return self._next(true(), now_us, limit)

    def _next(self, which: ColumnElement[bool], now_us: int, limit: int) -> list[Deletion]:
        query = select(*_DELETION).where(which, ~deletion_is_held())
        with self._db.read() as c:
            found = c.execute(query.order_by(DeletionRow.next_us, DeletionRow.id).limit(limit), {"now_us": now_us})
            return [Deletion(*row) for row in found]

    @retried
    def begin(self, decided: Sequence[Deletion], now_us: int) -> list[Deletion]:
        """Note that objects are being deleted, those among them that are not held by now and were not given back.

        Until it is known what came of it nobody else goes on with it, for ``LONGEST_US``.

        Returns:
            What is to be deleted at once. A hold that is placed from now on does not count on it. It survives a power
            cut: else a hold that comes after one would be told of what is gone.
        """
        ids = [one.id for one in decided]
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            begun = set(c.execute(_free(ids).with_for_update(), {"now_us": now_us}).scalars())
            if begun:
                c.execute(
                    update(DeletionRow)
                    .where(DeletionRow.id.in_(sorted(begun)))
                    .values(trouble=GOING, next_us=now_us + LONGEST_US)
                )
        return [one for one in decided if one.id in begun]

    def free(self, decided: Sequence[Deletion], now_us: int) -> list[Deletion]:
        """Return what may be deleted as ``begin`` does, without a note: where the index has no room for one.

        Nor has it room for a hold.
        """
        with self._db.look() as c:
            free = set(c.execute(_free([one.id for one in decided]), {"now_us": now_us}).scalars())
        return [one for one in decided if one.id in free]

    @retried
    def leave(self, begun: Sequence[Deletion], now_us: int) -> None:
        """Note of what is said to be going that nobody is deleting it any more, nor knows what came of it."""
        mine = (DeletionRow.id.in_(sorted(one.id for one in begun)), DeletionRow.trouble == GOING)
        with self._db.begin() as c:
            c.execute(update(DeletionRow).where(*mine).values(trouble=UNSURE, next_us=now_us))

    @retried
    def give_back(self, now_us: int, limit: int) -> list[Deletion]:
        """Take back what was decided and is held by now; return it. Whose objects are there are to be indexed anew.

        Also what was being deleted when something broke off: it may be there.
        """
        with self._db.begin(durable=True) as c:
            lock_retention(c)
            held = select(*_DELETION).where(deletion_is_held()).order_by(DeletionRow.id).limit(limit)
            found = [Deletion(*row) for row in c.execute(held.with_for_update(), {"now_us": now_us})]
            if found:
                c.execute(delete(DeletionRow).where(DeletionRow.id.in_([d.id for d in found])))
                files = SessionChunkRow.id.in_([d.subject for d in found if d.kind == "session"])
                c.execute(update(SessionChunkRow).where(files).values(state="stored", trashed_us=None))
        return found

    def pending(self, visible: Visible | None = None) -> int:
        """Return how many objects have been decided on and may still be there; only of what is ``visible``."""
        of = seen(visible, DeletionRow.camera)
        with self._db.look() as c:
            return c.execute(select(func.count()).select_from(DeletionRow).where(*of)).scalar_one()

    def is_pending(self, key: str) -> bool:
        """Return whether an object is to be deleted."""
        with self._db.look() as c:
            return c.execute(select(DeletionRow.id).where(DeletionRow.key == key)).first() is not None

    @retried
    def done(self, deletions: Sequence[Deletion]) -> None:
        """Note that objects are gone; clips become ``purged``, and keep the keys that they had."""
        clips = [d.subject for d in deletions if d.kind == "clip"]
        with self._db.begin() as c:
            if clips:
                c.execute(update(ClipRow).where(ClipRow.id.in_(clips)).values(state="purged"))
            c.execute(delete(DeletionRow).where(DeletionRow.id.in_([d.id for d in deletions])))

    @retried
    def refused(self, deletions: Sequence[Deletion]) -> None:
        """Note that the store refused: what is said in them of tries, trouble and when to try again is kept."""
        later = update(DeletionRow).where(DeletionRow.id == bindparam("which"))
        values: dict[str, Any] = {name: bindparam(f"its_{name}") for name in ("tries", "trouble", "next_us")}
        rows = [
            {"which": d.id, "its_tries": d.tries, "its_trouble": d.trouble, "its_next_us": d.next_us} for d in deletions
        ]
        with self._db.begin() as c:
            c.execute(later.values(values), rows)


def _tell(c: Connection, camera: str, gone: Iterable[Deletion], why: str) -> None:
    """Put what is gone of a camera into the ledger, and note that its days have changed."""
    theirs = list(gone)
    touch_days(c, camera, [one.start_us for one in theirs])
    for span in merge((Interval(one.start_us, one.end_us) for one in theirs), slack=MILLISECOND):
        add_purged(c, camera, span.start, span.end, why)


def as_row(deletion: Deletion) -> dict[str, object]:
    """Return the row of a deletion."""
    return {name: getattr(deletion, name) for name in _NAMES}


def _deletion(kind: str, row: _Found, reason: DeletionReason, now_us: int) -> Deletion:
    """Return what is to be deleted of a row of ``_CHUNK``, ``_CLIP`` or ``SESSION_FILE``."""
    span = row.start_us, row.end_us, row.bytes
    return Deletion(new_id(), kind, row.id, row.camera, row.key, *span, reason, now_us, next_us=now_us)


def _free(ids: Sequence[str]) -> Select[str]:
    return select(DeletionRow.id).where(DeletionRow.id.in_(ids), ~deletion_is_held())

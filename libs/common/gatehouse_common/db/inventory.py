"""What should be in the store by the index, in the order of keys or ids, for whoever compares it with what is there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, fields

from sqlalchemy import func, insert, or_, select, update

from .clip_rows import CLIP, find_clips
from .contention import retried
from .engine import Database
from .models import ChunkRow
from .plate_models import ClipPlateEventRow, ClipRow, PlateEventRow
from .plate_records import Clip
from .records import Chunk
from .upkeep_models import DeletionRow

_CHUNK = [getattr(ChunkRow, f.name) for f in fields(Chunk)]
_PICTURED = (
    PlateEventRow.id,
    PlateEventRow.camera,
    PlateEventRow.state,
    PlateEventRow.frame_key,
    PlateEventRow.crop_key,
)
_IDS_AT_ONCE = 500
_BATCH = 1000
_LATE_US = 24 * 3_600_000_000
"""A chunk that is stored later than so long after its beginning was waited for; the whole check sees it."""


@dataclass(frozen=True, slots=True)
class Pictured:
    """A plate event, its state, and the keys of its pictures, empty where it has none."""

    event: str
    camera: str
    state: str
    frame_key: str
    crop_key: str

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that there are."""
        return tuple(key for key in (self.frame_key, self.crop_key) if key)


class Inventory:
    """Reads what should be there, a batch at a time, so that no transaction is held open over a long comparison."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def count_stored(self) -> int:
        """Return how many chunks are stored by the index."""
        with self._db.look() as c:
            return c.execute(select(func.count()).where(ChunkRow.state == "stored")).scalar_one()

    def stored_by_key(self, prefix: str, batch: int = _BATCH) -> Iterator[Chunk]:
        """Yield the stored chunks whose keys begin with ``prefix``, sorted by key as a store lists them."""
        last = prefix
        # Without statistics SQLite takes the index of states, and sorts all chunks for each batch; the concatenation
        # leaves it the one of keys.
        query = select(*_CHUNK).where(ChunkRow.state.concat("") == "stored").order_by(ChunkRow.key).limit(batch)
        while True:
            with self._db.read() as c:
                rows = c.execute(query.where(ChunkRow.key > last, ChunkRow.key < _beyond(prefix))).all()
            found = [Chunk(*row) for row in rows]
            yield from found
            if len(found) < batch:
                return
            last = found[-1].key

    def stored_since(self, since_us: int, batch: int = _BATCH) -> Iterator[Chunk]:
        """Yield the chunks that were stored at or after an instant, by start and id."""
        recent = (ChunkRow.state == "stored", ChunkRow.stored_us >= since_us)
        query = select(*_CHUNK).order_by(ChunkRow.start_us, ChunkRow.id).limit(batch)
        at, last = since_us - _LATE_US, ""
        while True:
            after = or_(ChunkRow.start_us > at, ChunkRow.id > last)
            with self._db.read() as c:
                found = [Chunk(*row) for row in c.execute(query.where(*recent, ChunkRow.start_us >= at, after))]
            yield from found
            if len(found) < batch:
                return
            at, last = found[-1].start_us, found[-1].id

    def to_be_deleted(self, keys: Collection[str]) -> set[str]:
        """Return those of some keys whose objects are going to be deleted: they may still be there, or not."""
        wanted, found = list(keys), set[str]()
        with self._db.read() as c:
            for at in range(0, len(wanted), _IDS_AT_ONCE):
                some = DeletionRow.key.in_(wanted[at : at + _IDS_AT_ONCE])
                found.update(c.execute(select(DeletionRow.key).where(some)).scalars())
        return found

    def clips(self, batch: int = _BATCH) -> Iterator[Clip]:
        """Yield all clips that say where their file is, by id; those whose file was let go of are not among them."""
        last = ""
        with_file = (ClipRow.state.in_(("stored", "archived")), ClipRow.key != "")
        while True:
            query = select(*CLIP).where(*with_file, ClipRow.id > last).order_by(ClipRow.id).limit(batch)
            with self._db.read() as c:
                found = find_clips(c, query)
            yield from found
            if len(found) < batch:
                return
            last = found[-1].id

    def pictured(self, batch: int = _BATCH) -> Iterator[Pictured]:
        """Yield all plate events that have pictures, by id."""
        last = ""
        query = select(*_PICTURED).order_by(PlateEventRow.id).limit(batch)
        while True:
            with self._db.read() as c:
                found = [Pictured(*row) for row in c.execute(query.where(PlateEventRow.id > last))]
            yield from (one for one in found if one.keys)
            if len(found) < batch:
                return
            last = found[-1].event

    def pictures_of(self, events: Collection[str]) -> dict[str, Pictured]:
        """Return what is known of the pictures of some plate events, by event; unknown events are left out."""
        wanted, found = list(events), dict[str, Pictured]()
        with self._db.read() as c:
            for at in range(0, len(wanted), _IDS_AT_ONCE):
                some = PlateEventRow.id.in_(wanted[at : at + _IDS_AT_ONCE])
                found |= {row[0]: Pictured(*row) for row in c.execute(select(*_PICTURED).where(some))}
        return found

    def clips_of(self, events: Collection[str]) -> dict[str, list[Clip]]:
        """Return the clips of some plate events, whatever their state, by event."""
        wanted, found = set(events), dict[str, list[Clip]]()
        ordered = sorted(wanted)
        with self._db.read() as c:
            for at in range(0, len(ordered), _IDS_AT_ONCE):
                of = select(ClipPlateEventRow.clip).where(ClipPlateEventRow.event.in_(ordered[at : at + _IDS_AT_ONCE]))
                for clip in find_clips(c, select(*CLIP).where(ClipRow.id.in_(of)).order_by(ClipRow.id)):
                    for event in wanted.intersection(clip.events):
                        found.setdefault(event, []).append(clip)
        return found


class InventoryWriter:
    """Corrects what the index believes of clips and pictures."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def plan_clip_again(self, clip: str, key: str, detail: str) -> bool:
        """Let a clip whose file is gone be cut anew from the footage; return False if it is not what it was.

        Where there is no footage any more, it is found to have failed then, and says why.
        """
        # As a clip is that has only been planned: it begins and ends where it was wanted.
        planned = {"state": "planned", "key": "", "bytes": 0, "width": 0, "height": 0, "frames": 0, "stored_us": None}
        wanted = {"start_us": ClipRow.wanted_start_us, "end_us": ClipRow.wanted_end_us, "detail": detail}
        with self._db.begin() as c:
            same = (ClipRow.id == clip, ClipRow.key == key, ClipRow.state == "stored")
            return c.execute(update(ClipRow).where(*same).values(**planned, **wanted)).rowcount > 0

    @retried
    def purge_clip(self, clip: str, key: str) -> bool:
        """Keep that the file of an archived clip is gone; return False if it is not what it was."""
        with self._db.begin() as c:
            same = (ClipRow.id == clip, ClipRow.key == key, ClipRow.state == "archived")
            return c.execute(update(ClipRow).where(*same).values(state="purged")).rowcount > 0

    @retried
    def size_of_clip(self, clip: str, key: str, size: int) -> bool:
        """Keep how large the file of a clip is; return False if it is not what it was."""
        with self._db.begin() as c:
            same = (ClipRow.id == clip, ClipRow.key == key)
            return c.execute(update(ClipRow).where(*same).values(bytes=size)).rowcount > 0

    @retried
    def add_clip(self, clip: Clip) -> None:
        """Keep a clip of which only the file is there. Which reads of each event it was for, its row alone knew.

        Raises:
            Conflict: there is a clip of that id.
        """
        row = {name: value for name, value in asdict(clip).items() if name != "events"}
        links = [
            {"clip": clip.id, "event": event, "first_us": clip.first_us, "last_us": clip.last_us}
            for event in clip.events
        ]
        with self._db.begin() as c:
            c.execute(insert(ClipRow).values(row))
            c.execute(insert(ClipPlateEventRow), links)

    @retried
    def forget_picture(self, event: str, key: str) -> bool:
        """Let a plate event have no such picture any more; return whether it had."""
        gone = False
        with self._db.begin() as c:
            for column in (PlateEventRow.frame_key, PlateEventRow.crop_key):
                itself = update(PlateEventRow).where(PlateEventRow.id == event, column == key)
                gone = c.execute(itself.values({column.key: ""})).rowcount > 0 or gone
        return gone


def _beyond(prefix: str) -> str:
    """Return what all keys with a prefix, which ends in a slash, are before."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)

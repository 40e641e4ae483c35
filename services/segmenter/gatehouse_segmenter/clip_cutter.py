"""From a planned clip to an object of the store: cut by the slicer, so the same footage makes the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip, ClipRepository
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, NotFound, WorkerUnavailable
from gatehouse_common.footage import ChunkReader, Found, Library, VirtualSource
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import Slice, slice_footage
from gatehouse_common.observability.metrics import STORAGE_WRITE_ERRORS
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectStore, Source, keys
from gatehouse_common.timefmt import rfc3339

_COMPARED_BYTES = 8 << 20
_DONE = frozenset({"stored", "archived", "purged"})
_NAMED = 3
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Cut:
    """A clip that is an object now; times are those of its first frame and of the end of its last."""

    key: str
    start_us: int
    end_us: int
    bytes: int
    width: int
    height: int
    frames: int
    detail: str


class ClipCutter:
    """Makes objects of planned clips. Safe for many threads, a clip in one of them at a time."""

    def __init__(self, core: Core, clips: ClipRepository, library: Library) -> None:
        self._core, self._clips, self._library = core, clips, library
        self._reader = ChunkReader(core.media, library.locate)

    def cut(self, clip: Clip) -> Cut:
        """Cut a clip from the footage that there is and put it into the store; doing so again changes nothing.

        Raises:
            NotFound: nothing of it is recorded, or the clip before it has all of it.
            Unavailable: the index, the store, or a worker that has footage of it does not answer.
            ResourceExhausted: the store is full.
            DataLoss: footage is damaged, or gone.
        """
        wanted = Interval(self._begin(clip), clip.end_us)
        for _ in range(_TRIES):
            found = self._library.find(clip.camera, wanted.start, wanted.end)
            cut = slice_footage(found.media, wanted.start, wanted.end)
            try:
                key = self._place(clip, cut)
            except NotFound as error:  # a chunk was let go of between the look and now; then the index knows it
                gone = error.message
                continue
            width, height = _size(found, wanted)
            return Cut(key, cut.start_us, cut.end_us, cut.file.size, width, height, cut.frames, _missing(cut))
        raise DataLoss(f"footage that the index knows is not there: {gone}")

    def take_back(self, clip: Clip, cut: Cut) -> None:
        """Delete the object of a clip that has become part of another meanwhile, unless it is that one's already."""
        if not self._is_of_another(clip, cut.key):
            self._core.store.delete(cut.key)

    def _begin(self, clip: Clip) -> int:
        """Return where a clip begins: one that goes on from another, with the frame after the last of that.

        Raises:
            NotFound: the one before has all of it.
        """
        if clip.previous is None:
            return clip.start_us
        try:
            before = self._clips.get(clip.previous)
        except NotFound:
            return clip.start_us
        begin = before.end_us if before.state in _DONE else clip.start_us
        if begin >= clip.end_us:
            raise NotFound("all of it is in the clip that it goes on from")
        return begin

    def _place(self, clip: Clip, cut: Slice) -> str:
        """Put a clip into the store; return its key.

        A key that is taken is this clip's from before a crash, as a rule with the same bytes. Others are only of
        footage that has become more since. Two clips of one event that begin in one second have two keys.
        """
        store = self._core.store
        for attempt in count(1):
            key = keys.video(clip.events[0], clip.start_us, self._core.zone, attempt)
            source = VirtualSource(key, cut.file, self._reader)
            try:
                self._put(source, key)
            except Conflict:
                if self._is_of_another(clip, key):
                    continue
                if not _same(store, key, source):
                    store.delete(key)
                    self._put(source, key)
            return key
        raise AssertionError  # it counts for ever

    def _put(self, source: Source, key: str) -> None:
        try:
            self._core.store.put(source, key)
        except (Conflict, NotFound, WorkerUnavailable):
            raise
        except GatehouseError:
            STORAGE_WRITE_ERRORS.labels("store").inc()
            raise

    def _is_of_another(self, clip: Clip, key: str) -> bool:
        return any(one.key == key and one.id != clip.id for one in self._clips.of_event(clip.events[0]))


def _same(store: ObjectStore, key: str, source: Source) -> bool:
    """Return whether an object has the bytes of a source."""
    size = source.size()
    if store.stat(key).size != size:
        return False
    for at in range(0, size, _COMPARED_BYTES):
        length = min(_COMPARED_BYTES, size - at)
        if store.read(key, at, length) != source.pread(at, length):
            return False
    return True


def _size(found: Found, wanted: Interval) -> tuple[int, int]:
    """Return the largest width and height of the pictures in a range, as the file states them."""
    shown = [m.video.format for m in found.media if m.start_us < wanted.end and m.end_us > wanted.start]
    formats = shown or [m.video.format for m in found.media]
    return max(f.width for f in formats), max(f.height for f in formats)


def _missing(cut: Slice) -> str:
    """Say what of a clip was not recorded; empty if all of it was."""
    if not cut.gaps:
        return ""
    total = sum(gap.duration for gap in cut.gaps) / SECOND
    spans = ", ".join(f"{rfc3339(g.start)} to {rfc3339(g.end)}" for g in cut.gaps[:_NAMED])
    more = f" and {len(cut.gaps) - _NAMED} more" if len(cut.gaps) > _NAMED else ""
    return f"{total:.2f} s of it were not recorded: {spans}{more}"

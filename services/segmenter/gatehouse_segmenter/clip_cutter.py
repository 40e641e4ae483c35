"""From a planned clip to an object of the store: cut by the slicer, so the same footage makes the same bytes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import count

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip, ClipRepository
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, NotFound, WorkerUnavailable
from gatehouse_common.footage import ChunkReader, Found, Library, VirtualSource
from gatehouse_common.intervals import Interval
from gatehouse_common.media.clip_box import ClipInfo, build_clip_box
from gatehouse_common.media.slicing import Slice, slice_footage
from gatehouse_common.observability.metrics import STORAGE_WRITE_ERRORS
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys, same_bytes
from gatehouse_common.timefmt import rfc3339

from .clip_draft import HEADER_BYTES, ClipDraft

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
        self._drafts: dict[tuple[str, str], ClipDraft] = {}

    def prepare(self, clip: Clip, until_us: int) -> None:
        """Copy what there is of a clip already, if the store is a directory: then little is left to do at its end.

        Raises:
            GatehouseError: that failed; nothing depends on it.
        """
        if self._core.store.local_path(keys.VIDEOS + clip.id) is None:
            return
        begin_us = self._begin(clip) if self._goes_on_from_a_file(clip) else until_us
        if begin_us < until_us:
            self._followed(clip, self._slice(clip, Interval(begin_us, until_us))[1])

    def cut(self, clip: Clip, *, partial: bool = False) -> Cut:
        """Cut a clip from the footage that there is and put it into the store; doing so again changes nothing.

        Args:
            clip: what is planned.
            partial: leave out what a worker has that does not answer, and say so.

        Raises:
            NotFound: nothing of it is recorded, or the clip before it has all of it.
            Unavailable: the index, the store, or a worker that has footage of it does not answer.
            ResourceExhausted: the store is full.
            DataLoss: footage is damaged, or gone.
        """
        wanted = Interval(self._begin(clip), clip.end_us)
        for _ in range(_TRIES):
            found, cut = self._slice(clip, wanted, partial=partial)
            cut = _explained(cut, clip)
            try:
                key = self._place(clip, cut)
            except NotFound as error:  # a chunk was let go of between the look and now; then the index knows it
                gone = error.message
                continue
            width, height = size_of(found, wanted)
            return Cut(key, cut.start_us, cut.end_us, cut.file.size, width, height, cut.frames, missing(found, cut))
        raise DataLoss(f"footage that the index knows is not there: {gone}")

    def forget(self, camera: str, planned: Collection[str] = ()) -> None:
        """Let go of what has been copied of a camera's clips but for these; while none of them is being cut."""
        for draft_of in [d for d in list(self._drafts) if d[0] == camera and d[1] not in planned]:
            self._drafts.pop(draft_of).discard()

    def close(self) -> None:
        """Let go of all that has been copied; while nothing is being cut."""
        for camera in {camera for camera, _ in self._drafts}:
            self.forget(camera)

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

    def _goes_on_from_a_file(self, clip: Clip) -> bool:
        return clip.previous is None or self._clips.get(clip.previous).state in _DONE

    def _slice(self, clip: Clip, wanted: Interval, *, partial: bool = False) -> tuple[Found, Slice]:
        found = self._library.find(clip.camera, wanted.start, wanted.end, partial=partial)
        in_place = self._core.store.local_path(keys.VIDEOS + clip.id) is not None
        header_bytes = HEADER_BYTES if in_place else 0
        try:
            return found, slice_footage(found.media, wanted.start, wanted.end, header_bytes=header_bytes)
        except NotFound as error:
            if not found.away:
                raise
            raise NotFound(f"{error.message} but what is left out: {_left_out(found)}") from error

    def _place(self, clip: Clip, cut: Slice) -> str:
        """Put a clip into the store; return its key.

        A key that is taken is this clip's from before a crash, as a rule with the same bytes. Others are only of
        footage that has become more since. Two clips of one event that begin in one second have two keys.
        """
        store, draft = self._core.store, self._followed(clip, cut)
        for attempt in count(1):
            key = keys.video(clip.events[0], clip.start_us, self._core.zone, attempt)
            source = VirtualSource(key, cut.file, self._reader.read)
            try:
                self._put(source, key, draft)
            except Conflict:
                if self._is_of_another(clip, key):
                    continue
                if not same_bytes(store, key, source):
                    store.delete(key)
                    self._put(source, key, draft)
            self._drop(clip)
            return key
        raise AssertionError  # it counts for ever

    def _put(self, source: VirtualSource, key: str, draft: ClipDraft | None) -> None:
        try:
            if draft is not None:
                draft.finish(source.file, key)
            else:
                self._core.store.put(source, key)
        except (Conflict, NotFound, WorkerUnavailable):
            raise
        except GatehouseError:
            STORAGE_WRITE_ERRORS.labels("store").inc()
            raise

    def _followed(self, clip: Clip, cut: Slice) -> ClipDraft | None:
        """Return a draft with all media of a slice in it; None where objects are sent as a whole."""
        for _ in range(2):
            known = self._drafts.get((clip.camera, clip.id))
            if known is None:
                made = self._core.store.draft(keys.video(clip.events[0], clip.start_us, self._core.zone))
                if made is None:
                    return None
                known = self._drafts[clip.camera, clip.id] = ClipDraft(made, self._core.media, self._library)
            try:
                if known.follow(cut.file):
                    return known
            except GatehouseError:
                self._drop(clip)  # it may have half of something
                raise
            self._drop(clip)  # the clip begins elsewhere now, or footage of it was found that was not known
        raise AssertionError  # an empty one follows anything

    def _drop(self, clip: Clip) -> None:
        draft = self._drafts.pop((clip.camera, clip.id), None)
        if draft is not None:
            draft.discard()

    def _is_of_another(self, clip: Clip, key: str) -> bool:
        return any(one.key == key and one.id != clip.id for one in self._clips.of_event(clip.events[0]))


def _explained(cut: Slice, clip: Clip) -> Slice:
    """Return a slice whose file says at its end what its row says: an index can be made anew of it."""
    info = ClipInfo(
        clip.id,
        clip.camera,
        clip.events,
        cut.start_us,
        cut.end_us,
        clip.start_us,
        clip.end_us,
        clip.first_us,
        clip.last_us,
        clip.previous,
        clip.created_us,
    )
    return replace(cut, file=replace(cut.file, pieces=(*cut.file.pieces, build_clip_box(info))))


def size_of(found: Found, wanted: Interval) -> tuple[int, int]:
    """Return the largest width and height of the pictures in a range, as the file states them."""
    shown = [m.video.format for m in found.media if m.start_us < wanted.end and m.end_us > wanted.start]
    formats = shown or [m.video.format for m in found.media]
    return max(f.width for f in formats), max(f.height for f in formats)


def missing(found: Found, cut: Slice) -> str:
    """Say what of a clip was not recorded, or is left out; empty if all of it is there."""
    said = [_left_out(found)] if found.away else []
    if cut.gaps:
        total = sum(gap.duration for gap in cut.gaps) / SECOND
        spans = ", ".join(f"{rfc3339(g.start)} to {rfc3339(g.end)}" for g in cut.gaps[:_NAMED])
        more = f" and {len(cut.gaps) - _NAMED} more" if len(cut.gaps) > _NAMED else ""
        said.insert(0, f"{total:.2f} s of it {'are missing' if found.away else 'were not recorded'}: {spans}{more}")
    return "; ".join(said)


def _left_out(found: Found) -> str:
    return "footage of it was waited for in vain: " + ", ".join(found.away)

"""Mending clips and pictures: cut anew where there is footage, else forgotten; files are kept in the quarantine."""

from __future__ import annotations

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip, ClipRepository, FootageReader
from gatehouse_common.db.inventory import Inventory, InventoryWriter
from gatehouse_common.errors import Conflict, DataLoss
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval, subtract
from gatehouse_common.media.clip_box import ClipInfo, read_clip_box
from gatehouse_common.media.film_facts import read_facts
from gatehouse_common.runtime import Core

from .chunk_check import APART_US
from .clip_check import event_of, is_whole, start_of
from .content import BlockReader
from .problem import Area, Kind, Problem
from .quarantine import set_aside
from .safety import StoreStands

log = structlog.get_logger(__name__)

RESTORED = "its row was lost and was made anew from its file: it begins within a second of what is said here"


class ClipRepair:
    """Mends clips and pictures.

    Args:
        core: the index and the store.
        stands: asked whether the store is there before anything is done that cannot be taken back.
    """

    def __init__(self, core: Core, stands: StoreStands) -> None:
        self._core, self._stands = core, stands
        self._clips, self._footage = ClipRepository(core.db), FootageReader(core.db)
        self._inventory, self._writer = Inventory(core.db), InventoryWriter(core.db)

    def mend(self, problem: Problem) -> str | None:
        """Mend one problem and return what was done, None if nothing can be done about it.

        Raises:
            GatehouseError: index or store does not take it.
        """
        if problem.area is Area.PICTURE:
            return self._picture(problem)
        if problem.area is not Area.CLIP:
            return None
        if problem.subject:
            return self._clip(problem)
        if problem.kind in {Kind.ORPHAN, Kind.DUPLICATE}:
            event = event_of(problem.key) or ""
            if any(clip.state == "planned" for clip in self._inventory.clips_of([event]).get(event, [])):
                return None  # it may be the file of that one: the segmenter writes its row, or makes the same again
            if problem.kind is Kind.ORPHAN:
                return self._restore(problem, event)
        return self._set_aside(problem)

    def _restore(self, problem: Problem, event: str) -> str | None:
        known = self._inventory.pictures_of([event]).get(event)
        try:
            return restore_clip(self._core, problem.key, None if known is None else known.camera, event)
        except DataLoss as error:
            log.info("a clip cannot be indexed anew", key=problem.key, reason=error.message)
            if known is None:
                return None  # its plate event may still be told of, or come back with a copy of the index
        except Conflict as error:
            log.info("a clip cannot be indexed anew", key=problem.key, reason=error.message)
        return self._set_aside(problem)

    def _clip(self, problem: Problem) -> str | None:
        clip = self._clips.get(problem.subject)
        if problem.kind in {Kind.SIZE, Kind.TRUNCATED} and self._is_film(problem.key):
            size = self._core.store.stat(problem.key).size
            return f"it is {size} bytes long" if self._writer.size_of_clip(clip.id, clip.key, size) else None
        if problem.kind not in {Kind.MISSING, Kind.EMPTY} and not self._can_be_cut_again(clip):
            return None  # however damaged: it is what there is of it
        self._stands.check()
        aside = "" if problem.kind is Kind.MISSING else f"; the file was {self._set_aside(problem)}"
        if clip.state == "archived":
            return f"marked as purged{aside}" if self._writer.purge_clip(clip.id, clip.key) else None
        planned = self._writer.plan_clip_again(clip.id, clip.key, problem.detail)
        return f"to be cut anew from the footage{aside}" if planned else None

    def _can_be_cut_again(self, clip: Clip) -> bool:
        """Return whether all that a clip shows is still there as footage."""
        return clip.state == "stored" and is_all_there(self._footage, clip.camera, clip.start_us, clip.end_us)

    def _picture(self, problem: Problem) -> str | None:
        if problem.kind is Kind.ORPHAN and not problem.subject:
            return None  # of a plate event that nobody has told of yet, or that comes back with a copy of the index
        self._stands.check()
        done = [] if problem.kind is Kind.MISSING else [self._set_aside(problem)]
        if problem.subject and self._writer.forget_picture(problem.subject, problem.key):
            done.append("the plate event has no such picture any more")
        return "; ".join(done)

    def _is_film(self, key: str) -> bool:
        """Return whether a file is a film from its first byte to its last."""
        reader = BlockReader(self._core.store, key, self._core.store.stat(key).size)
        try:
            read_facts(reader)
            return is_whole(reader)
        except DataLoss:
            return False

    def _set_aside(self, problem: Problem) -> str:
        self._stands.check()
        target = set_aside(self._core.store, problem.key, problem.detail, self._core.clock)
        return f"moved to {target}"


def is_all_there(footage: FootageReader, camera: str, start_us: int, end_us: int) -> bool:
    """Return whether all between two instants is still there as footage of a camera, so that it can be cut again."""
    there = footage.spans(camera, start_us, end_us)
    return not [gap for gap in subtract(Interval(start_us, end_us), there) if gap.duration > APART_US]


def restore_clip(core: Core, key: str, camera: str | None, event: str) -> str:
    """Make the row of a clip anew of its file; return what was done.

    A clip says at its end what its row said. One of before it did so has the second in which it was to begin in its
    key; whose it is, others must know.

    Args:
        core: the index and the store.
        key: of the clip.
        camera: whose it is, if others know.
        event: its plate event, by its key.

    Raises:
        DataLoss: it is no film, its key is not that of a clip, or nothing says whose it is.
        NotFound: it is gone.
        Conflict: there is a clip of that id.
    """
    info = core.store.stat(key)
    reader = BlockReader(core.store, key, info.size)
    facts, told, epoch = read_facts(reader), read_clip_box(reader), start_of(key)
    if told is None and (camera is None or epoch is None):
        raise DataLoss("nothing says which camera the clip is of")
    if told is None:
        start, end = (epoch or 0) * SECOND, (epoch or 0) * SECOND + max(1, facts.duration_us)
        told = ClipInfo(new_id(), camera or "", (event,), start, end, start, end, start, end, None, info.modified_us)
        detail = RESTORED
    else:
        detail = ""
    InventoryWriter(core.db).add_clip(
        Clip(
            id=told.clip,
            camera=told.camera,
            state="stored",
            start_us=told.start_us,
            end_us=told.end_us,
            wanted_start_us=told.wanted_start_us,
            wanted_end_us=told.wanted_end_us,
            first_us=told.first_us,
            last_us=told.last_us,
            previous=told.previous,
            key=key,
            bytes=info.size,
            width=facts.width,
            height=facts.height,
            frames=facts.frames,
            detail=detail,
            created_us=told.created_us,
            stored_us=info.modified_us,
            events=told.events,
        )
    )
    return "indexed anew from the file"

"""Mending clips and pictures: cut anew where there is footage, else forgotten; files are kept in the quarantine."""

from __future__ import annotations

from gatehouse_common.clock import SECOND
from gatehouse_common.db import ClipRepository
from gatehouse_common.db.inventory import Inventory, InventoryWriter
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from gatehouse_common.media.film_facts import read_facts
from gatehouse_common.runtime import Core

from .clip_check import event_of, start_of
from .content import BlockReader
from .problem import Area, Kind, Problem
from .quarantine import set_aside

RESTORED = "its row was lost and was made anew from its file: it begins within a second of what is said here"


class ClipRepair:
    """Mends clips and pictures.

    Args:
        core: the index and the store.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._clips, self._inventory, self._writer = (
            ClipRepository(core.db),
            Inventory(core.db),
            InventoryWriter(core.db),
        )

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
        if problem.kind is Kind.ORPHAN:
            events = self._inventory.pictures_of([event_of(problem.key) or ""])
            for event, known in events.items():
                try:
                    return restore_clip(self._core, problem.key, known.camera, event)
                except DataLoss:
                    break
        return self._set_aside(problem)

    def _clip(self, problem: Problem) -> str | None:
        clip = self._clips.get(problem.subject)
        if problem.kind is Kind.SIZE and self._is_film(problem.key):
            size = self._core.store.stat(problem.key).size
            return f"it is {size} bytes long" if self._writer.size_of_clip(clip.id, clip.key, size) else None
        aside = "" if problem.kind is Kind.MISSING else f"; the file was {self._set_aside(problem)}"
        if clip.state == "archived":
            return f"marked as purged{aside}" if self._writer.purge_clip(clip.id, clip.key) else None
        planned = self._writer.plan_clip_again(clip.id, clip.key, problem.detail)
        return f"to be cut anew from the footage{aside}" if planned else None

    def _picture(self, problem: Problem) -> str:
        done = [] if problem.kind is Kind.MISSING else [self._set_aside(problem)]
        if problem.subject and self._writer.forget_picture(problem.subject, problem.key):
            done.append("the plate event has no such picture any more")
        return "; ".join(done)

    def _is_film(self, key: str) -> bool:
        try:
            read_facts(BlockReader(self._core.store, key, self._core.store.stat(key).size))
        except DataLoss:
            return False
        return True

    def _set_aside(self, problem: Problem) -> str:
        target = set_aside(self._core.store, problem.key, problem.detail, self._core.clock)
        return f"moved to {target}"


def restore_clip(core: Core, key: str, camera: str, event: str) -> str:
    """Make the row of a clip anew of its key and its film; return what was done.

    The key has the second in which it was to begin; which reads it was for, to the microsecond, only the row knew.

    Raises:
        DataLoss: it is no film, or its key is not that of a clip.
        NotFound: it is gone.
    """
    info = core.store.stat(key)
    facts = read_facts(BlockReader(core.store, key, info.size))
    epoch = start_of(key)
    if epoch is None:
        raise DataLoss(f"{key} is not the key of a clip")
    span = Interval(epoch * SECOND, epoch * SECOND + max(1, facts.duration_us))
    picture = (facts.width, facts.height)
    try:
        InventoryWriter(core.db).add_clip(
            new_id(), camera, event, key, span, info.size, facts.frames, picture, RESTORED, info.modified_us
        )
    except NotFound as error:
        raise DataLoss(error.message) from error
    return "indexed anew from the file"

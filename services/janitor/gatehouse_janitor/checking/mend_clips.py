"""Mending clips and pictures: cut anew where there is footage, else forgotten; files are kept in the quarantine."""

from __future__ import annotations

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Clip, ClipRepository
from gatehouse_common.db.inventory import Inventory, InventoryWriter
from gatehouse_common.errors import Conflict, DataLoss
from gatehouse_common.ids import new_id
from gatehouse_common.media.clip_box import ClipInfo, read_clip_box
from gatehouse_common.media.film_facts import read_facts
from gatehouse_common.runtime import Core

from .clip_check import event_of, start_of
from .content import BlockReader
from .problem import Area, Kind, Problem
from .quarantine import set_aside

log = structlog.get_logger(__name__)

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
            event = event_of(problem.key) or ""
            known = self._inventory.pictures_of([event]).get(event)
            try:
                return restore_clip(self._core, problem.key, None if known is None else known.camera, event)
            except (DataLoss, Conflict) as error:
                log.info("a clip cannot be indexed anew", key=problem.key, reason=error.message)
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

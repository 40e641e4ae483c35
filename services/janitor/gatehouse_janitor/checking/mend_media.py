"""Mending files of media: what is gone is told of by the index; what no medium has is kept in the quarantine."""

from __future__ import annotations

from dataclasses import replace

from gatehouse_common.db import Facts, MediaDescriptions, MediaFile, MediaInventory
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.db.media_inventory import GONE
from gatehouse_common.db.media_records import NOBODY
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.intake import read_description
from gatehouse_common.intake.description import MOST_BYTES
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

from .former_users import user_of
from .media_check import file_of
from .problem import Kind, Problem
from .quarantine import set_aside
from .safety import StoreStands

_INTERRUPTED = "the index was lost while something was made of it"


class MediaRepair:
    """Mends what is wrong with files of media.

    Args:
        core: the index and the store.
        stands: asked whether the store is there before anything is done that cannot be taken back.
    """

    def __init__(self, core: Core, stands: StoreStands) -> None:
        self._core, self._stands = core, stands
        self._files = MediaInventory(core.db)

    def mend(self, problem: Problem) -> str | None:
        """Mend one problem and return what was done, None if nothing can be done about it.

        Raises:
            GatehouseError: index or store does not take it.
        """
        if problem.subject:
            return self._row(problem)
        if Facts(self._core.db).get(INDEX_REBUILT) is not None:
            return None  # what described it may be lost with the index that knew whose it was: a person has to look
        self._stands.check()
        return f"moved to {set_aside(self._core.store, problem.key, problem.detail, self._core.clock)}"

    def _row(self, problem: Problem) -> str | None:
        file = file_of(self._files, problem.subject)
        if problem.kind is Kind.MISSING:
            self._stands.check()
            return "the medium says that it is gone" if self._files.forget(file) else None
        if problem.kind is Kind.SIZE:
            size = self._core.store.stat(file.key).size
            return f"it is {size} bytes long" if self._files.size(file, size) else None
        return None  # however short: it is what there is of it


def restore_medium(core: Core, key: str) -> str:
    """Make the rows of a medium and its files anew of what describes it; return what was done.

    What was being made of it when the index was lost can be tried again. Its owner cannot log in until an admin lets
    them.

    Args:
        core: the index and the store.
        key: of the description.

    Raises:
        DataLoss: it describes no medium, or none of its files is there.
        NotFound: it is gone.
        Conflict: there is another medium of that number.
    """
    if core.store.stat(key).size > MOST_BYTES:
        raise DataLoss("it is too large to be a description")
    media, files = read_description(core.store.read(key))
    if keys.media_description(media.folder) != key:
        raise DataLoss(f"it describes what is below {media.folder}")
    there = [found for file in files if (found := _found(core, file)) is not None]
    if not there:
        raise DataLoss("none of the files that it describes is there")
    owner = NOBODY if media.owner == NOBODY else user_of(core, media.owner_name).number
    known = replace(media, owner=owner, upload=None, stage="")
    if known.state in {"queued", "processing"}:
        known = replace(known, state="failed", detail=_INTERRUPTED)
    if all(file.kind != "original" for file in there):
        known = replace(known, detail=GONE)
    MediaDescriptions(core.db).add(known, there)
    return "indexed anew from what describes it"


def _found(core: Core, file: MediaFile) -> MediaFile | None:
    """Return a file as it is in the store, None if it is not there."""
    try:
        return replace(file, bytes=core.store.stat(file.key).size)
    except NotFound:
        return None

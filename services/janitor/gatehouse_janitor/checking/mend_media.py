"""Mending files of media: what is gone is told of by the index; what no medium has is kept in the quarantine."""

from __future__ import annotations

from gatehouse_common.db import Facts, MediaInventory
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.runtime import Core

from .media_check import file_of
from .problem import Kind, Problem
from .quarantine import set_aside
from .safety import StoreStands


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
            return None  # an index that was lost knew whose it was; files of media do not tell: a person has to look
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

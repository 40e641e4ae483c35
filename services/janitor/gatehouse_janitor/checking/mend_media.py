"""Mending files of media: what is gone the index tells, what is described comes back, the rest is set aside."""

from __future__ import annotations

import structlog

from gatehouse_common.db import AnotherMedium, Facts, FormerUsers, MediaDescriptions, MediaInventory
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.errors import Conflict, DataLoss, NotFound
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

from .media_check import file_of
from .problem import Kind, Problem
from .quarantine import set_aside
from .restore_media import restore_medium
from .safety import StoreStands

log = structlog.get_logger(__name__)


class MediaRepair:
    """Mends what is wrong with files of media.

    Args:
        core: the index and the store.
        stands: asked whether the store is there before anything is done that cannot be taken back.
    """

    def __init__(self, core: Core, stands: StoreStands) -> None:
        self._core, self._stands = core, stands
        self._files, self._former = MediaInventory(core.db), FormerUsers(core.db, contested=None)
        self._descriptions = MediaDescriptions(core.db)
        self._left_out: dict[str, str] = {}

    def mend(self, problem: Problem) -> str | None:
        """Mend one problem and return what was done, None if nothing can be done about it.

        Raises:
            GatehouseError: index or store does not take it.
        """
        if problem.subject:
            return self._row(problem)
        folder = keys.media_folder_of(problem.key)
        about = keys.media_description(folder[0]) if folder else ""
        if folder:  # no medium that is still to come gets a folder in which there is something
            self._descriptions.count_on([folder[1]])
        if about and self._is_there(about):
            try:
                return self._restore(about, problem.key)
            except AnotherMedium as error:  # all of them are told of together: a person has to say which is which
                log.warning("a medium cannot be indexed anew", key=about, reason=error.message)
                return None
            except Conflict as error:  # the index knows that medium: this is no file of it
                log.info("a medium cannot be indexed anew", key=about, reason=error.message)
            except (DataLoss, NotFound) as error:
                log.info("a medium cannot be indexed anew", key=about, reason=error.message)
                if any(info.key != about for info in self._core.store.list(folder[0] if folder else "")):
                    return None  # it may be told yet what the files are of
        if Facts(self._core.db).get(INDEX_REBUILT) is not None:
            return None  # what described it may be lost with the index that knew whose it was: a person has to look
        self._stands.check()
        why = self._left_out.get(problem.key, problem.detail)
        return f"moved to {set_aside(self._core.store, problem.key, why, self._core.clock)}"

    def _is_there(self, about: str) -> bool:
        try:
            self._core.store.stat(about)
        except NotFound:
            return False
        return True

    def _restore(self, key: str, of: str) -> str | None:
        """Index the medium anew that an object describes; return what was done for one of its files.

        Raises:
            AnotherMedium: the index has another medium of its number or its id.
            Conflict: the index knows that medium, and the file is none of it.
            DataLoss: it describes none.
        """
        if self._files.of_keys({of}):  # since another file of it was mended
            return "its medium is indexed anew"
        known = len(self._former.added)
        done = restore_medium(self._core, key, self._former)
        self._left_out |= done.left
        without = f", without {', '.join(sorted(done.left))}" if done.left else ""
        whose = "".join(f", for {one.name}, whom nobody lets in yet" for one in self._former.added[known:])
        return f"medium {done.number} is indexed anew from what describes it{without}{whose}"

    def _row(self, problem: Problem) -> str | None:
        file = file_of(self._files, problem.subject)
        if problem.kind is Kind.MISSING:
            self._stands.check()
            return "the medium says that it is gone" if self._files.forget(file) else None
        if problem.kind is Kind.SIZE:
            size = self._core.store.stat(file.key).size
            return f"it is {size} bytes long" if self._files.size(file, size) else None
        return None  # however short: it is what there is of it

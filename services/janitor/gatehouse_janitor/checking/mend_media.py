"""Mending files of media: what is gone the index tells, what is described comes back, the rest is set aside."""

from __future__ import annotations

import structlog

from gatehouse_common.db import AnotherMedium, Facts, FormerUsers, MediaDescriptions, MediaFile, MediaInventory
from gatehouse_common.db.facts import INDEX_REBUILT
from gatehouse_common.errors import Conflict, DataLoss, NotFound
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys

from .media_check import file_of
from .problem import Kind, Problem
from .quarantine import set_aside
from .restore_media import ORIGINAL, restore_medium, wrong_with
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
        known = self._files.of_keys({problem.key}).get(problem.key)
        if known is not None and self._descriptions.read(known.media).media.state != "deleted":
            done = self._back(known)
            if done is not None:
                return done
        folder = keys.media_folder_of(problem.key)
        if folder is not None:
            # No medium that is still to come gets a folder in which there is something.
            self._descriptions.count_on([folder[1]])
            done = self._described(folder[0], problem.key)
            if done is not None:
                return done or None
        if Facts(self._core.db).get(INDEX_REBUILT) is not None:
            return None  # what described it may be lost with the index that knew whose it was: a person has to look
        self._stands.check()
        why = self._left_out.get(problem.key, problem.detail)
        return f"moved to {set_aside(self._core.store, problem.key, why, self._core.clock)}"

    def _back(self, file: MediaFile) -> str | None:
        """Look at a file that a row names which did not say that it is there; None: it is not the one that was."""
        if file.state == "ready":  # since another file of its medium was mended
            return "its medium is indexed anew"
        digest = self._descriptions.read(file.media).media.digest if file.kind == ORIGINAL else ""
        wrong = wrong_with(self._core, file, digest)
        if wrong:
            self._left_out[file.key] = wrong
            return None
        return "it is there again" if self._files.bring_back(file) else None

    def _described(self, folder: str, key: str) -> str | None:
        """Index the medium anew that is described in a folder.

        Returns:
            What was done for one of its files; empty: it stays where it is, for a person to look; None: it is no file
            of a medium that is described, or is known.
        """
        about = keys.media_description(folder)
        if not self._is_there(about):
            return None
        try:
            return self._restore(about)
        except AnotherMedium as error:  # all of them are told of together: a person has to say which is which
            log.warning("a medium cannot be indexed anew", key=about, reason=error.message)
            return ""
        except Conflict as error:  # the index knows that medium, and this is no file of it
            log.info("a medium cannot be indexed anew", key=about, reason=error.message)
            return "" if key not in self._left_out and self._is_older(folder, key) else None
        except (DataLoss, NotFound) as error:
            log.info("a medium cannot be indexed anew", key=about, reason=error.message)
            # The others in the folder may be told yet what they are of.
            return "" if any(info.key != about for info in self._core.store.list(folder)) else None

    def _is_older(self, folder: str, key: str) -> bool:
        """Return whether a file was there before the medium whose folder it is in: of an index that was lost, then."""
        since_us = self._descriptions.since(folder)
        return since_us is not None and self._core.store.stat(key).modified_us < since_us

    def _is_there(self, about: str) -> bool:
        try:
            self._core.store.stat(about)
        except NotFound:
            return False
        return True

    def _restore(self, key: str) -> str:
        """Index the medium anew that an object describes; return what was done.

        Raises:
            AnotherMedium: the index has another medium of its number or its id.
            Conflict: the index knows that medium.
            DataLoss: it describes none.
        """
        known = len(self._former.added)
        done = restore_medium(self._core, key, self._former)
        self._left_out |= done.left
        without = f", without {', '.join(sorted(done.left))}" if done.left else ""
        return f"medium {done.number} is indexed anew from what describes it{without}{self._former.told_since(known)}"

    def _row(self, problem: Problem) -> str | None:
        file = file_of(self._files, problem.subject)
        if problem.kind is Kind.MISSING:
            self._stands.check()
            return "the medium says that it is gone" if self._files.forget(file) else None
        if problem.kind is Kind.SIZE:
            size = self._core.store.stat(file.key).size
            return f"it is {size} bytes long" if self._files.size(file, size) else None
        return None  # however short: it is what there is of it

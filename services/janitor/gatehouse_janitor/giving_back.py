"""What had been decided and is held since: its entry goes, and its file is indexed anew."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from gatehouse_common.db import Deletion, Deletions, SessionTrash
from gatehouse_common.errors import GatehouseError, NotFound
from gatehouse_common.runtime import Core

from .checking.care import ALONE
from .checking.check import Check
from .checking.repair import Repair

log = structlog.get_logger(__name__)

_AT_ONCE = 4  # each may take a while, and the disk has to be looked at meanwhile


class GivingBack:
    """Gives back what a hold covers by now: clips play as they did; recordings are listed again."""

    def __init__(self, core: Core, deletions: Deletions, now_us: Callable[[], int]) -> None:
        self._core, self._deletions, self._now_us = core, deletions, now_us
        self._trash = SessionTrash(core.db)

    def look(self) -> int:
        """Give back some; return how many.

        Raises:
            GatehouseError: the database does not answer.
        """
        found = self._deletions.give_back(self._now_us(), _AT_ONCE)
        for one in found:
            if one.kind == "chunk":
                self._index(one)
            elif one.kind == "session" and self._is_gone(one):
                continue
            log.warning("what was to be deleted is held, and stays", kind=one.kind, key=one.key)
        return len(found)

    def _is_gone(self, one: Deletion) -> bool:
        """Return whether a file was deleted before it was held; then it is not in any list as if it were there."""
        try:
            self._core.store.stat(one.key)
        except NotFound:
            self._trash.forget_gone(one.subject)
            log.warning("what is held was gone before", key=one.key)
            return True
        except GatehouseError as error:  # the store is away: what is there is told once somebody asks for it
            log.warning("nobody knows whether what is held is there", key=one.key, reason=error.message)
        return False

    def _index(self, one: Deletion) -> None:
        """Let a file be indexed anew; if that fails it is a file that the index misses, and a check finds it.

        Nothing waits for the row: the disk has to be looked at, whether or not there is an indexer.
        """
        repair = Repair(self._core, Check(self._core, ALONE), self._core.bus.publish)
        try:
            if not repair.hand_in(one.key):
                log.warning("what is held is not whole: `gatehouse check --repair` mends it", key=one.key)
        except NotFound:
            log.warning("what is held was gone before", key=one.key)
        except GatehouseError as error:
            log.warning("what is held is not indexed yet: `gatehouse check --repair` does it", reason=error.message)

"""From decided to done: objects are deleted, and what was decided is forgotten. May be broken off anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Deletion, Deletions
from gatehouse_common.errors import GatehouseError
from gatehouse_common.messages import FootagePurged
from gatehouse_common.observability.metrics import RETENTION_DELETED_BYTES, RETENTION_DELETED_OBJECTS, RETENTION_REFUSED
from gatehouse_common.runtime import Core

log = structlog.get_logger(__name__)

AT_ONCE = 500
_FIRST_PAUSE_US = 10 * SECOND
_CLASSES = {"chunk": "continuous", "clip": "event", "picture": "plate"}


class Removal:
    """Deletes the objects of what has been decided."""

    def __init__(self, core: Core, deletions: Deletions) -> None:
        self._core, self._deletions = core, deletions
        self.refused = ""
        """What the store said last when it did not delete an object; empty: it does."""

    def finish(self) -> int:
        """Delete what has been decided and not been done: by a crash, or since the store refused. Return how many were.

        Raises:
            GatehouseError: store or database do not answer.
        """
        done = 0
        while due := self._deletions.due(self._core.clock.now_us(), AT_ONCE):
            done += self.remove(due)
        return done

    def remove(self, decided: Sequence[Deletion]) -> int:
        """Delete objects; return how many were. What the store refuses is tried again later, ever less often.

        Raises:
            GatehouseError: store or database do not answer; what was decided stays so.
        """
        refused = self._core.store.delete_many([d.key for d in decided])
        gone = [d for d in decided if d.key not in refused]
        self._deletions.done(gone)
        for one in decided:
            if one.key in refused:
                self._refuse(one, refused[one.key])
        if not refused:
            self.refused = ""
        self._tell(gone)
        return len(gone)

    def _refuse(self, one: Deletion, trouble: str) -> None:
        pause_us = min(HOUR, _FIRST_PAUSE_US << min(one.tries, 16))
        self._deletions.refused(one, trouble, self._core.clock.now_us() + pause_us)
        self.refused = f"{one.key} cannot be deleted: {trouble}"
        RETENTION_REFUSED.inc()
        log.warning("an object cannot be deleted", key=one.key, tries=one.tries + 1, reason=trouble)

    def _tell(self, gone: Sequence[Deletion]) -> None:
        for one in gone:
            RETENTION_DELETED_OBJECTS.labels(_CLASSES[one.kind], one.reason).inc()
            RETENTION_DELETED_BYTES.labels(_CLASSES[one.kind], one.reason).inc(one.bytes)
        for camera in sorted({d.camera for d in gone if d.kind == "chunk"}):
            theirs = [d for d in gone if d.camera == camera and d.kind == "chunk"]
            purged = FootagePurged(
                camera=camera,
                time_us=self._core.clock.now_us(),
                start_us=min(d.start_us for d in theirs),
                end_us=max(d.end_us for d in theirs),
                chunks=len(theirs),
                bytes=sum(d.bytes for d in theirs),
                reason=theirs[0].reason,
            )
            try:
                self._core.bus.publish(purged)
            except GatehouseError as error:  # lists of files are made anew with the next chunk
                log.debug("that footage is gone was not told of", reason=error.message)

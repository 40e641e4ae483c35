"""The planned files of recorder sessions, each cut as soon as its footage is there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import RecorderSessions, SessionChunk
from gatehouse_common.errors import GatehouseError, WorkerUnavailable
from gatehouse_common.runtime import Core

from .footage_clock import FootageClock, Reach
from .session_cutter import SessionCutter

log = structlog.get_logger(__name__)

_LOOK_S = 1.0
_GRACE_US = 10 * SECOND
"""A camera without a new frame for so long has stopped; what came until then is cut."""
_WAITED_US = 600 * SECOND
"""A worker that is away for so long after a file's end is not waited for any more."""


class SessionFiles:
    """Follows the planned files of the cameras that are this process's.

    Time is that of the footage, as with clips: a file is due when the footage reaches its end; only if the camera has
    stopped does the wall clock decide. While the store or the index is away, all files wait.

    Args:
        core: what services are built from.
        sessions: the plans.
        cutter: makes files of them.
        footage: how far the footage of cameras reaches.
        mine: whether a camera is this process's.
    """

    def __init__(
        self,
        core: Core,
        sessions: RecorderSessions,
        cutter: SessionCutter,
        footage: FootageClock,
        mine: Callable[[str], bool],
    ) -> None:
        self._core, self._sessions, self._cutter, self._footage = core, sessions, cutter, footage
        self._mine = mine
        self.trouble = ""

    def run(self, stop: threading.Event) -> None:
        """Cut files until told to stop."""
        while not self._core.clock.wait(stop, _LOOK_S):
            try:
                self._look(stop)
                self.trouble = ""
            except GatehouseError as error:
                if self.trouble != error.message:
                    log.warning("files of sessions wait", reason=error.message)
                self.trouble = error.message
            except Exception:  # a fault in one look must not end the looking
                log.exception("files of sessions could not be looked after")

    def _look(self, stop: threading.Event) -> None:
        now_us = self._core.clock.now_us()
        held: set[int] = set()
        for chunk in self._sessions.planned(self._mine):
            if stop.is_set():
                return
            if chunk.session in held or chunk.wanted_end_us > now_us:
                held.add(chunk.session)  # those after it go on from it
            elif not self._try(chunk, now_us):
                held.add(chunk.session)

    def _try(self, chunk: SessionChunk, now_us: int) -> bool:
        """Cut a file if it is due; return False if it has to wait."""
        try:
            if not self._is_due(chunk, self._footage.look(chunk.camera), now_us):
                return False
            self._sessions.made(self._cutter.cut(chunk))
        except WorkerUnavailable as error:
            if now_us - chunk.wanted_end_us < _WAITED_US:
                log.debug("a file of a session waits", number=chunk.number, reason=error.message)
                return False
            self._give_up(chunk, error)
        except GatehouseError as error:
            if error.kind.retry:
                raise
            self._give_up(chunk, error)
        else:
            log.info("file of a session stored", camera=chunk.camera, session=chunk.session, number=chunk.number)
        return True

    def _is_due(self, chunk: SessionChunk, reach: Reach, now_us: int) -> bool:
        if reach.end_us >= chunk.wanted_end_us:
            return True
        stopped = reach.still_us >= _GRACE_US and now_us >= chunk.wanted_end_us + _GRACE_US
        return stopped and self._core.bus.depth("indexer") == 0

    def _give_up(self, chunk: SessionChunk, error: GatehouseError) -> None:
        log.warning("a file of a session could not be made", number=chunk.number, reason=error.message)
        self._sessions.made(replace(chunk, state="failed", detail=error.message))

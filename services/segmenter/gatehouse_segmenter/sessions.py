"""The planned files of recorder sessions, each cut as soon as its footage is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from gatehouse_common.db import RecorderSessions, SessionChunk
from gatehouse_common.errors import DataLoss, GatehouseError, WorkerUnavailable
from gatehouse_common.observability.metrics import CLIP_EXTRACT_SECONDS
from gatehouse_common.runtime import Core

from .camera_pauses import CameraPauses
from .clip_waits import ClipWaits
from .footage_clock import GRACE_US, FootageClock, Reach
from .session_cutter import SHORTEST_US, SessionCutter

log = structlog.get_logger(__name__)

_LOOK_S = 1.0
_TRIES = 4
"""So often a file is tried that fails in a way that nobody thought of."""


class SessionFiles:
    """Follows the planned files of the cameras that are this process's.

    Time is that of the footage, as with clips: a file is due when the footage reaches its end; only if the camera has
    stopped does the wall clock decide. What one camera waits for the others need not wait for.

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
        self._waits = ClipWaits(core.clock)
        self._next_us: dict[str, int] = {}
        self._pauses = CameraPauses("files of sessions wait")

    @property
    def trouble(self) -> str:
        """What files wait for beside footage; empty: nothing."""
        return self._pauses.trouble or self._waits.reason

    def run(self, stop: threading.Event) -> None:
        """Cut files until told to stop."""
        while not self._core.clock.wait(stop, _LOOK_S):
            try:
                self._look(stop)
                self._pauses.well("")
            except GatehouseError as error:
                self._wait_longer("", error)
            except Exception:  # a fault in one look must not end the looking
                log.exception("files of sessions could not be looked after")

    def _look(self, stop: threading.Event) -> None:
        waiting: dict[str, list[SessionChunk]] = {}
        for chunk in self._sessions.planned(self._mine, self._core.clock.now_us()):
            waiting.setdefault(chunk.camera, []).append(chunk)
        self._waits.keep({chunk.id for chunks in waiting.values() for chunk in chunks})
        for camera in [c for c in self._next_us if c not in waiting]:
            self._forget(camera)
        for camera, chunks in waiting.items():
            if stop.is_set():
                return
            if self._core.clock.monotonic_us() >= self._next_us.get(camera, 0):
                self._tend(camera, chunks, stop)

    def _tend(self, camera: str, chunks: Sequence[SessionChunk], stop: threading.Event) -> None:
        """Cut those of a camera's files that are due; one that has to wait holds back those that go on from it."""
        self._next_us[camera] = 0
        try:
            reach, away = self._footage.look_or_away(camera)
            held: set[int] = set()
            for chunk in chunks:
                if stop.is_set() or not self._mine(camera):
                    return
                waits = chunk.session in held or self._waits.holds(chunk.id) or not self._is_due(chunk, reach)
                if waits or not self._try(chunk, away):
                    held.add(chunk.session)
            self._pauses.well(camera)
        except GatehouseError as error:
            self._wait_longer(camera, error)

    def _is_due(self, chunk: SessionChunk, reach: Reach) -> bool:
        now_us = self._core.clock.now_us()
        if reach.has_all(chunk.wanted_end_us, now_us):
            return True
        stopped = reach.still_us >= GRACE_US and now_us >= chunk.wanted_end_us + GRACE_US
        # What the indexer has not told yet, may be there all the same.
        return stopped and self._core.bus.depth("indexer") == 0

    def _try(self, chunk: SessionChunk, away: WorkerUnavailable | None) -> bool:
        """Cut a file that is due; return False if it has to wait, for something that others need not wait for."""
        partial = self._waits.is_long(chunk.id)
        try:
            if away is not None and not partial:
                raise away
            self._finish(chunk, partial=partial)
        except WorkerUnavailable as error:
            if self._waits.hold(chunk.id, error.message) == 1:
                log.warning("a file of a session waits", number=chunk.number, reason=error.message)
            return False
        except GatehouseError as error:
            if error.kind.retry:
                raise
            self._give_up(chunk, error)
        except Exception as error:  # whatever is wrong with one file, there are others
            log.exception("a file of a session could not be cut", number=chunk.number)
            reason = f"it could not be cut: {type(error).__name__}: {error}"
            if self._waits.hold(chunk.id, reason) < _TRIES:
                return False
            self._give_up(chunk, DataLoss(reason))
        self._waits.end(chunk.id)
        return True

    def _finish(self, chunk: SessionChunk, *, partial: bool) -> None:
        with CLIP_EXTRACT_SECONDS.labels("session").time():
            cut = self._cutter.cut(chunk, partial=partial)
        if not self._sessions.made(cut):  # it was deleted, or another process was quicker
            self._cutter.take_back(cut)
            return
        log.info("file of a session stored", camera=chunk.camera, session=chunk.session, number=chunk.number)

    def _give_up(self, chunk: SessionChunk, error: GatehouseError) -> None:
        if chunk.wanted_end_us - chunk.wanted_start_us >= SHORTEST_US:
            log.warning("a file of a session could not be made", number=chunk.number, reason=error.message)
        self._sessions.made(replace(chunk, state="failed", detail=error.message))

    def _wait_longer(self, camera: str, error: GatehouseError) -> None:
        self._next_us[camera] = self._core.clock.monotonic_us() + self._pauses.longer(camera, error)

    def _forget(self, camera: str) -> None:
        del self._next_us[camera]
        self._pauses.well(camera)
        self._footage.forget(camera)

"""Chunks of cameras of which only clips are kept: they wait in the spool until no clip can need them, and go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import CameraRepository, ClipRepository, Hold, HoldRepository, RecorderSessions
from gatehouse_common.errors import GatehouseError, InvalidInput, NotFound
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import LOOKBACK_US
from gatehouse_common.messages import ChunkClosed, ChunkDiscarded
from gatehouse_common.runtime import Core
from gatehouse_common.settings.cameras import CameraSettings, camera_settings, keeps_all, why_no_clips

from .clip_plans import CameraLocks

log = structlog.get_logger(__name__)

_ASK_AGAIN_US = 5 * SECOND


@dataclass(frozen=True, slots=True)
class _Held:
    closed: ChunkClosed
    since_us: int


class Unkept:
    """Holds chunks that are not to be stored. Safe for use by many threads.

    What is held is known to this process alone: after a crash, the worker that has a chunk tells it again, and it is
    held anew. So a chunk may stay for longer than it must, and never for less.

    Args:
        core: what services are built from.
        clips: the plans.
        locks: held while a chunk is let go of, so that no clip is planned in between.
        mine: whether a camera is this process's; what is held of others is theirs to let go of.
    """

    def __init__(
        self,
        core: Core,
        clips: ClipRepository,
        locks: CameraLocks,
        mine: Callable[[str], bool] = lambda _camera: True,
    ) -> None:
        self._core, self._clips, self._locks, self._mine = core, clips, locks, mine
        self._cameras, self._holds = CameraRepository(core.db), HoldRepository(core.db)
        self._sessions = RecorderSessions(core.db)
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._kept: dict[str, tuple[int, bool]] = {}
        """Whether all of a camera is kept, and when that was asked."""
        self._warned: dict[str, str] = {}
        self._idle_us: int | None = None

    def keeps(self, camera: str) -> bool:
        """Return whether all footage of a camera is kept; what it says is believed for five seconds.

        A camera that is gone, or whose settings cannot be read, is taken as the site says. Where there can be no clips,
        all is kept whatever is set: to keep too much can be made good.

        Raises:
            Unavailable: the database does not answer.
        """
        now = self._core.clock.monotonic_us()
        asked_us, kept = self._kept.get(camera, (None, True))
        if asked_us is not None and now - asked_us < _ASK_AGAIN_US:
            return kept
        try:
            own = camera_settings(self._cameras.get(camera).settings)
        except (NotFound, InvalidInput):
            own = CameraSettings()
        kept = keeps_all(self._core.settings.values, own) or self._has_no_clips(camera, own)
        self._kept[camera] = now, kept
        return kept

    def _has_no_clips(self, camera: str, own: CameraSettings) -> bool:
        """Return whether nothing at all would be kept of a camera of which only clips are to be, and say so once."""
        reason = why_no_clips(self._core.settings.values, own)
        if reason and self._warned.get(camera) != reason:
            log.warning("all footage is kept, for there can be no clips", camera=camera, reason=reason)
        self._warned[camera] = reason
        return bool(reason)

    def wants(self, closed: ChunkClosed) -> bool:
        """Return whether a chunk is stored: all footage of its camera is, or somebody has put it on hold.

        Raises:
            Unavailable: the database does not answer.
        """
        return self.keeps(closed.camera) or _is_on_hold(closed, self._holds.list(self._core.clock.now_us()))

    def hold(self, closed: ChunkClosed) -> None:
        """Hold a chunk; one that is held already is not held for longer."""
        with self._lock:
            self._held.setdefault(closed.chunk, _Held(closed, self._core.clock.monotonic_us()))

    def look(self) -> list[ChunkClosed]:
        """Let go of what no clip can need any more; return the chunks that are to be stored after all.

        Stored is also what somebody has put on hold: clips alone would not be what was asked for.

        Raises:
            Unavailable: database or bus do not answer; nothing is lost by that.
        """
        self._note_idle()
        with self._lock:
            held = list(self._held.values())
        holds = self._holds.list(self._core.clock.now_us()) if held else []
        wanted: list[ChunkClosed] = []
        for one in held:
            if not self._mine(one.closed.camera):
                self._forget(one)
            elif self.keeps(one.closed.camera) or _is_on_hold(one.closed, holds):
                wanted.append(one.closed)
                self._forget(one)
            elif self._is_old(one) and self._let_go(one.closed):
                self._forget(one)
        return wanted

    def _note_idle(self) -> None:
        """Note when no message waited: reads of plates that did are known from then on."""
        now = self._core.clock.monotonic_us()
        try:
            if self._core.bus.depth("segmenter") == 0:
                self._idle_us = now
        except GatehouseError as error:
            log.debug("chunks are held for longer", reason=error.message)

    def _is_old(self, one: _Held) -> bool:
        clips = self._core.settings.values.clips
        ripe_us = one.since_us + round((clips.pre_seconds + clips.late_seconds) * SECOND)
        return self._idle_us is not None and self._idle_us >= ripe_us

    def _let_go(self, closed: ChunkClosed) -> bool:
        """Tell that a chunk may go unless a planned clip or file of a session has any of it; return whether it was."""
        core = self._core
        if self._sessions.waits_for(closed.camera, Interval(closed.start_us, max(closed.end_us, closed.start_us))):
            return False
        with self._locks.of(closed.camera):
            for clip in self._clips.planned_of(closed.camera):
                if clip.start_us - LOOKBACK_US < closed.end_us and clip.end_us > closed.start_us - LOOKBACK_US:
                    return False
            core.bus.publish(
                ChunkDiscarded(
                    camera=closed.camera,
                    time_us=core.clock.now_us(),
                    run=closed.run,
                    chunk=closed.chunk,
                    key=closed.key,
                    start_us=closed.start_us,
                    end_us=closed.end_us,
                )
            )
        return True

    def _forget(self, one: _Held) -> None:
        with self._lock:
            self._held.pop(one.closed.chunk, None)


def _is_on_hold(closed: ChunkClosed, holds: Sequence[Hold]) -> bool:
    return any(
        hold.is_of_footage
        and hold.camera in {None, closed.camera}
        and hold.start_us < closed.end_us
        and hold.end_us > closed.start_us
        for hold in holds
    )

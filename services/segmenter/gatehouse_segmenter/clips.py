"""Planned clips, each cut as soon as its last frame is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import structlog

from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.db import Clip, ClipRepository, FootageReader
from gatehouse_common.errors import DataLoss, GatehouseError, NotFound, WorkerUnavailable
from gatehouse_common.messages import ClipStored, FootageWanted
from gatehouse_common.observability.metrics import (
    CLIP_EXTRACT_SECONDS,
    CLIP_FRAMES,
    CLIP_LATENCY,
    CLIPS_PLANNED,
    CLIPS_STORED,
)
from gatehouse_common.runtime import Core

from .camera_pauses import CameraPauses
from .clip_cutter import ClipCutter, Cut
from .clip_waits import ClipWaits
from .footage_clock import GRACE_US, FootageClock, Reach

log = structlog.get_logger(__name__)

_THREADS = 8
_LIST_AGAIN_US = 2 * SECOND
"""Clips that another process has planned, or left, are seen so soon."""
_LIST_SOON_US = SECOND // 20
"""Those planned here are seen at once, but of reads that come one upon the other, not each has all plans read anew."""
_NEAR_US = SECOND // 2
_WANTED_US = SECOND
"""So long before its end whoever records a clip's camera is told that the end is waited for."""
_PREPARED_US, _LAST_US = 4 * SECOND, SECOND
"""A clip of which so much is new is prepared; near its end already if there is so much."""
_SHORTEST_S, _LONGEST_S = 0.04, 1.0
_LONGEST_PAUSE_US = 10 * SECOND
_TRIES = 4
"""So often a clip is tried that fails in a way that nobody thought of."""


class Clips:
    """Follows the planned clips of the cameras that are this process's.

    Time is that of the footage: a clip is due when the footage reaches its end, however late that is. Only if a camera
    has stopped does the wall clock decide. One thread looks; a few cut, each camera's clips in order. While the store
    or the index is away, all of a camera's clips wait; for one with which something is wrong, only those that go on
    from it.

    Args:
        core: what services are built from.
        repository: the plans.
        cutter: makes files of them.
        footage: how far the footage of cameras reaches.
        mine: whether a camera is this process's.
    """

    def __init__(
        self,
        core: Core,
        repository: ClipRepository,
        cutter: ClipCutter,
        footage: FootageClock,
        mine: Callable[[str], bool],
    ) -> None:
        self._core, self._repository, self._cutter, self._footage = core, repository, cutter, footage
        self._mine, self._chunks = mine, FootageReader(core.db)
        self._wake = threading.Event()
        self._planned: list[Clip] = []
        self._done: set[str] = set()
        """Those of the list that have been cut since."""
        self._prepared: dict[str, int] = {}
        """Up to when the footage of a clip has been copied."""
        self._wanted: dict[str, int] = {}
        """Of each camera, the end of a clip that has been told of."""
        self._listed_us: int | None = None
        self._stale = True
        self._busy: set[str] = set()
        self._next_us: dict[str, int] = {}
        self._pauses = CameraPauses("clips wait")
        self._waits = ClipWaits(core.clock)

    @property
    def trouble(self) -> str:
        """What clips wait for beside footage; empty: nothing."""
        return self._pauses.trouble or self._waits.reason

    def changed(self) -> None:
        """Note that clips have been planned."""
        self._stale = True
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Cut clips until told to stop; whoever sets ``stop`` calls :meth:`changed` too."""
        pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="clip")
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    pause_s = self._look(pool)
                    self._pauses.well("")
                except GatehouseError as error:
                    pause_s = self._pauses.longer("", error) / SECOND
                except Exception:  # a fault in one look must not end the looking
                    log.exception("clips could not be looked after")
                    pause_s = _LONGEST_S
                if not stop.is_set():
                    self._wake.wait(pause_s)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self._cutter.close()
            self._busy.clear()

    def _look(self, pool: Executor) -> float:
        """Begin what is due; return seconds until there may be more."""
        now = self._core.clock.monotonic_us()
        if self._listed_us is None or now - self._listed_us >= (_LIST_SOON_US if self._stale else _LIST_AGAIN_US):
            self._listed_us, self._stale = now, False
            self._planned = self._repository.planned(self._mine)
            known = {clip.id for clip in self._planned}
            self._done &= known
            self._prepared = {clip: at for clip, at in list(self._prepared.items()) if clip in known}
            self._waits.keep(known)
            CLIPS_PLANNED.set(len(self._planned))
        waiting: dict[str, list[Clip]] = {}
        for clip in self._planned:
            if clip.id not in self._done:
                waiting.setdefault(clip.camera, []).append(clip)
        for camera in [c for c in list(self._next_us) if c not in waiting and c not in self._busy]:
            self._forget(camera)
        for camera, clips in waiting.items():
            if camera not in self._busy and now >= self._next_us.get(camera, 0):
                self._busy.add(camera)
                pool.submit(self._tend, camera, clips)
        soonest = min((self._next_us.get(c, now) for c in waiting if c not in self._busy), default=now + SECOND)
        return min(max((soonest - now) / SECOND, _SHORTEST_S), _SHORTEST_S if self._stale else _LONGEST_S)

    def _tend(self, camera: str, clips: Sequence[Clip]) -> None:
        """Cut those of a camera's clips that are due, and say when to look again."""
        try:
            pause_us = self._cut_due(camera, clips)
            self._pauses.well(camera)
        except GatehouseError as error:
            pause_us = self._pauses.longer(camera, error)
        except Exception:  # whatever is wrong with one camera's footage, the others have clips too
            log.exception("a clip could not be cut", camera=camera)
            pause_us = _LONGEST_PAUSE_US
        self._next_us[camera] = self._core.clock.monotonic_us() + pause_us
        self._busy.discard(camera)

    def _cut_due(self, camera: str, clips: Sequence[Clip]) -> int:
        """Cut what is due; return microseconds until more may be, 0 if anything was cut."""
        self._cutter.forget(camera, {clip.id for clip in clips})
        reach, away = self._footage.look_or_away(camera)
        done, pause_us, first = False, _LONGEST_PAUSE_US, True
        held: set[str | None] = set()
        for clip in clips:
            if clip.previous in held or self._waits.holds(clip.id):
                held.add(clip.id)
            elif not self._is_due(clip, reach):
                held.add(clip.id)
                if first:  # those that end later are not due either, unless they are of before the clock was set back
                    self._prepare(clip, reach)
                    self._want(clip, reach)
                    first, pause_us = False, self._pause_until(clip, reach)
            elif self._try(clip, away):
                done = True
            else:
                held.add(clip.id)
        return 0 if done else self._waits.left_us([clip.id for clip in clips if clip.id in held], pause_us)

    def _try(self, clip: Clip, away: WorkerUnavailable | None) -> bool:
        """Cut a clip that is due; return False if it has to wait, for something that others need not wait for."""
        partial = self._waits.is_long(clip.id)
        try:
            if away is not None and not partial:
                raise away
            self._finish(clip, partial=partial)
        except WorkerUnavailable as error:
            if self._waits.hold(clip.id, error.message) == 1:
                log.warning("a clip waits", camera=clip.camera, clip=clip.id, reason=error.message)
            return False
        except GatehouseError:
            raise
        except Exception as error:  # whatever is wrong with one clip, there are others
            log.exception("a clip could not be cut", camera=clip.camera, clip=clip.id)
            reason = f"it could not be cut: {type(error).__name__}: {error}"
            if self._waits.hold(clip.id, reason) < _TRIES:
                return False
            self._give_up(clip, (clip.start_us, clip.end_us), DataLoss(reason))
        self._waits.end(clip.id)
        return True

    def _prepare(self, clip: Clip, reach: Reach) -> None:
        """Let what there is of a clip be copied now and then, the last time shortly before its end."""
        until_us = min(reach.end_us, clip.end_us)
        grown_us = until_us - self._prepared.get(clip.id, clip.start_us)
        if grown_us < _PREPARED_US and not (clip.end_us - until_us < 2 * _LAST_US and grown_us >= _LAST_US):
            return
        self._prepared[clip.id] = until_us
        try:
            self._cutter.prepare(clip, until_us)
        except GatehouseError as error:  # all of it is done at its end then
            log.debug("a clip was not prepared", camera=clip.camera, clip=clip.id, reason=error.message)
        except Exception:  # and so is what comes of this
            log.exception("a clip was not prepared", camera=clip.camera, clip=clip.id)

    def _want(self, clip: Clip, reach: Reach) -> None:
        """Tell once that the end of a clip is waited for, when it is near."""
        if clip.end_us - reach.end_us > _WANTED_US or self._wanted.get(clip.camera) == clip.end_us:
            return
        self._wanted[clip.camera] = clip.end_us
        now_us = self._core.clock.now_us()
        try:
            self._core.bus.publish(FootageWanted(camera=clip.camera, time_us=now_us, until_us=clip.end_us))
        except GatehouseError as error:  # then its end comes with a whole part
            log.debug("the end of a clip was not told of", camera=clip.camera, reason=error.message)

    def _is_due(self, clip: Clip, reach: Reach) -> bool:
        now_us = self._core.clock.now_us()
        if reach.has_all(clip.end_us, now_us) or reach.has_gone_back(clip.start_us, now_us):
            return True
        stopped = reach.still_us >= GRACE_US and (now_us >= clip.end_us or self._is_of_before(clip, now_us))
        # What the indexer has not told yet, may be there all the same.
        return stopped and self._core.bus.depth("indexer") == 0

    def _is_of_before(self, clip: Clip, now_us: int) -> bool:
        """Whether a clip is all in the future, and its footage is there: it was dated before the clock was set back."""
        if clip.start_us <= now_us + MINUTE:
            return False
        return (self._chunks.last_end_us(clip.camera) or 0) >= clip.end_us

    @staticmethod
    def _pause_until(clip: Clip, reach: Reach) -> int:
        left_us = clip.end_us - reach.end_us - _NEAR_US
        if reach.still_us > 2 * SECOND:
            left_us = max(left_us, _NEAR_US)
        return min(max(left_us, round(_SHORTEST_S * SECOND)), round(_LONGEST_S * SECOND))

    def _finish(self, clip: Clip, *, partial: bool) -> None:
        """Cut a clip and keep what became of it; what a read has added to it since becomes another that goes on.

        ``partial``: without what workers have that do not answer.
        """
        planned = clip.start_us, clip.end_us
        try:
            with CLIP_EXTRACT_SECONDS.labels("event").time():
                cut = self._cutter.cut(clip, partial=partial)
        except GatehouseError as error:
            if error.kind.retry:
                raise
            self._give_up(clip, planned, error)
            return
        shape = cut.bytes, cut.width, cut.height, cut.frames
        at_us = self._core.clock.now_us()
        where = clip.id, cut.key, cut.start_us, cut.end_us
        around = self._core.settings.values.clips.around_us
        try:
            self._repository.stored(*where, *shape, cut.detail, at_us, cut=planned, around=around)
        except NotFound:  # it has become part of another while it was cut
            self._cutter.take_back(clip, cut)
            self.changed()
            return
        self._done.add(clip.id)
        self._tell(clip, cut.key, cut.start_us, cut.end_us, cut.bytes)
        self._count(clip, cut)

    def _give_up(self, clip: Clip, planned: tuple[int, int], error: GatehouseError) -> None:
        try:
            at_us, around = self._core.clock.now_us(), self._core.settings.values.clips.around_us
            self._repository.failed(clip.id, error.message, at_us, cut=planned, around=around)
        except NotFound:
            self.changed()
            return
        self._done.add(clip.id)
        CLIPS_STORED.labels(clip.camera, "failed").inc()
        log.warning("a clip could not be made", camera=clip.camera, clip=clip.id, reason=error.message)
        self._tell(clip, "", clip.start_us, clip.end_us, 0)

    def _tell(self, clip: Clip, key: str, start_us: int, end_us: int, size: int) -> None:
        message = ClipStored(
            camera=clip.camera,
            time_us=self._core.clock.now_us(),
            clip=clip.id,
            key=key,
            start_us=start_us,
            end_us=end_us,
            bytes=size,
            events=list(clip.events),
        )
        try:
            self._core.bus.publish(message)
        except GatehouseError as error:  # it is a hint; the row says the same
            log.debug("a stored clip was not told", reason=error.message)

    def _count(self, clip: Clip, cut: Cut) -> None:
        late_s = max(0, self._core.clock.now_us() - clip.end_us) / SECOND
        CLIP_LATENCY.observe(late_s)
        CLIPS_STORED.labels(clip.camera, "stored").inc()
        CLIP_FRAMES.labels(clip.camera).inc(cut.frames)
        log.info(
            "clip stored", camera=clip.camera, key=cut.key, bytes=cut.bytes, frames=cut.frames, late_s=round(late_s, 3)
        )

    def _forget(self, camera: str) -> None:
        del self._next_us[camera]
        self._wanted.pop(camera, None)
        self._pauses.well(camera)
        self._footage.forget(camera)
        self._cutter.forget(camera)

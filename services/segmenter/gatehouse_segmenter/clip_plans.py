"""What reads of plates make of clips: each one that qualifies begins a clip, or lets one go on for longer."""

from __future__ import annotations

import threading
import zlib

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import ClipRepository
from gatehouse_common.messages import PlateSeen
from gatehouse_common.runtime import Core

log = structlog.get_logger(__name__)

_LOCKS = 64


class CameraLocks:
    """A lock for each camera: what is planned must not change between the last look at it and what follows from it."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def of(self, camera: str) -> threading.Lock:
        """Return the lock of a camera; two cameras may have the same."""
        return self._locks[zlib.crc32(camera.encode()) % _LOCKS]


class ClipPlans:
    """Handles ``plate.seen``: the plan is a row, so that it outlives the process, and no timer has to."""

    def __init__(self, core: Core, clips: ClipRepository, locks: CameraLocks) -> None:
        self._core, self._clips, self._locks = core, clips, locks

    def see(self, seen: PlateSeen) -> bool:
        """Plan what a read asks for; return whether it asked for anything. May be told twice, and late.

        Raises:
            Unavailable: the database does not answer.
        """
        settings = self._core.settings.values.clips
        if not settings.enabled or seen.visit is None or not asks_for_clip(seen):
            return False
        with self._locks.of(seen.camera):
            touched = self._clips.plan(
                seen.camera,
                seen.visit.event,
                seen.read.time_us,
                *settings.around_us,
                round(settings.max_seconds * SECOND),
                self._core.clock.now_us(),
                (seen.read.run, seen.read.pts),
            )
        log.debug("clip planned", camera=seen.camera, plate_event=seen.visit.event, clips=touched)
        return bool(touched)


def asks_for_clip(seen: PlateSeen) -> bool:
    """Return whether a read is strictly surer than the threshold, and not one more of a plate that stands still.

    A parked car is read for hours; it is in a clip for the time after it came, and after it went. Detectors tell of its
    reads twice a minute, too seldom to let a clip go on without a hole, and nothing happens in what it would show.
    """
    first = seen.visit is not None and seen.visit.start_us == seen.read.time_us
    return seen.qualifies and (first or not seen.standing)

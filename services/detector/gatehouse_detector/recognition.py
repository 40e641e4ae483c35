"""From what was read on pictures to what is told of plates: the visits of all cameras of a detector."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.messages import FrameSampled
from gatehouse_common.observability.metrics import (
    DETECTOR_FRAMES,
    DETECTOR_LAG,
    DETECTOR_SECONDS,
    PLATE_CONFIDENCE,
    PLATE_EVENTS,
    PLATE_READS,
)
from gatehouse_common.runtime import Core

from .answers import Answer, Found
from .intake import Picture
from .notes import with_note
from .pictures import Kept, Shot
from .placing import placed
from .telling import Telling
from .visit import Visit
from .visits import CameraVisits, Ended, Judged, Outcome, Rules
from .watched import WatchedCameras

log = structlog.get_logger(__name__)

_GRACE_US = 3 * SECOND
"""Pictures may come so much later than they were taken; only then the clock on the wall ends a visit."""
_ENDED = 1024
"""So many visits that have ended are remembered: for some time, the index still says that they are open."""


@dataclass(slots=True)
class _Camera:
    """The visits of one camera, and when its last picture was looked at."""

    visits: CameraVisits
    known_us: int
    arrived_us: int
    lock: threading.Lock = field(default_factory=threading.Lock)


class Recognition:
    """Keeps the visits of the cameras of this detector. Safe for use by many threads.

    Args:
        core: what services are built from.
        watched: the settings of cameras.
        is_mine: whether a camera is this detector's.
        before: called with a camera before each of its looks: visits of it that go on are taken up.
    """

    def __init__(
        self, core: Core, watched: WatchedCameras, is_mine: Callable[[str], bool], before: Callable[[str], None]
    ) -> None:
        self._core, self._watched, self._is_mine, self._before = core, watched, is_mine, before
        settings = core.settings.values.detection
        self._rules = Rules(round(settings.visit_seconds * SECOND), round(settings.parked_hours * HOUR))
        self._telling = Telling(core)
        self._cameras: dict[str, _Camera] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, picture: Picture, answer: Answer) -> None:
        """Take what was read on a picture of a camera."""
        message = picture.message
        if message is None:
            return
        self._count(message, answer)
        if answer.outcome != "analysed" or not self._is_mine(message.camera):
            return
        self._before(message.camera)
        watched = self._watched.of(message.camera)
        look, shown = placed(message, answer, watched)
        unusable = len(answer.found) - len(shown) + answer.unusable
        if unusable:
            PLATE_READS.labels(message.camera, "rejected").inc(unusable)
        camera = self._camera(message.camera)
        with camera.lock:
            camera.arrived_us = self._core.clock.monotonic_us()
            outcomes = camera.visits.look(look, watched.threshold)
            camera.known_us = camera.visits.newest_us or message.time_us
            for outcome in outcomes:
                self._tell(message, outcome, picture, shown)

    def resume(self, camera_id: str, visit: Visit, kept: Kept | None) -> None:
        """Go on with a visit that another process began; not with one that has ended here, whatever the index says."""
        camera = self._camera(camera_id)
        with camera.lock:
            if visit.event not in camera.visits.open and visit.event not in self._ended:
                self._telling.pictures.resume(camera_id, visit.event, visit.start_us, kept)
                camera.visits.resume(visit)

    def knows(self, camera_id: str, event: str) -> bool:
        """Return whether a visit goes on here, or has ended here not long ago: the index may not have heard of it."""
        camera = self._cameras.get(camera_id)
        if camera is None:
            return event in self._ended
        with camera.lock:
            return event in camera.visits.open or event in self._ended

    def let_go(self) -> list[str]:
        """Let go of the cameras that are another detector's now; return which."""
        gone = [camera for camera in list(self._cameras) if not self._is_mine(camera)]
        for camera in gone:
            self._forget(camera)
        return gone

    def look_after(self, is_idle: Callable[[str], bool]) -> None:
        """Let the time pass of cameras that send nothing, and end the visits of those that are not watched.

        Args:
            is_idle: whether no picture of a camera is on its way.
        """
        now_us = self._core.clock.monotonic_us()
        for camera_id, camera in list(self._cameras.items()):
            with camera.lock:
                outcomes: list[Outcome] = []
                if not self._watched.of(camera_id).enabled:
                    outcomes = camera.visits.end_all()
                elif is_idle(camera_id):
                    passed_us = now_us - camera.arrived_us - _GRACE_US
                    if passed_us > 0:
                        outcomes = camera.visits.pass_time(camera.known_us + passed_us)
                for outcome in outcomes:
                    if not isinstance(outcome, Judged):
                        self._end(camera_id, outcome)

    def close(self) -> None:
        """Tell what there is to tell, and end. Visits stay open: whoever is next goes on with them."""
        self._telling.close()

    def _camera(self, camera_id: str) -> _Camera:
        with self._lock:
            known = self._cameras.get(camera_id)
            if known is None:
                clock = self._core.clock
                known = _Camera(CameraVisits(self._rules), clock.now_us(), clock.monotonic_us())
                self._cameras[camera_id] = known
            return known

    def _forget(self, camera_id: str) -> None:
        with self._lock:
            camera = self._cameras.pop(camera_id)
        with camera.lock:
            for event in camera.visits.open:
                self._telling.pictures.forget(event)

    def _count(self, message: FrameSampled, answer: Answer) -> None:
        DETECTOR_LAG.labels(message.camera).set((self._core.clock.now_us() - message.time_us) / SECOND)
        DETECTOR_FRAMES.labels(message.camera, answer.outcome).inc()
        for stage, seconds in answer.stages.items():
            DETECTOR_SECONDS.labels(stage).observe(seconds)

    def _tell(self, message: FrameSampled, outcome: Outcome, picture: Picture, shown: dict[str, Found]) -> None:
        if not isinstance(outcome, Judged):
            self._end(message.camera, outcome)
            return
        PLATE_CONFIDENCE.observe(outcome.sighting.read.confidence)
        PLATE_READS.labels(message.camera, "accepted" if outcome.qualifies else "below_threshold").inc()
        if outcome.opened and outcome.visit is not None:
            PLATE_EVENTS.labels(message.camera).inc()
            log.debug("a visit has begun", camera=message.camera, visit=outcome.visit.event)
        shot: Shot | None = None
        if outcome.best:
            read = outcome.sighting.read
            shot = Shot(read, _noted(message, picture), shown[read.id].crop)
        self._telling.judged(message.camera, outcome, shot)

    def _end(self, camera_id: str, ended: Ended) -> None:
        with self._lock:
            self._ended[ended.visit.event] = None
            if len(self._ended) > _ENDED:
                self._ended.popitem(last=False)
        self._telling.ended(camera_id, ended)


def _noted(message: FrameSampled, picture: Picture) -> bytes:
    """Return the very JPEG that was read, with a note of where it belongs in the camera's picture and in time."""
    names = ("camera", "time_us", "run", "pts", "x", "y", "width", "height", "picture_width", "picture_height")
    return with_note(bytes(picture.jpeg), {name: getattr(message, name) for name in names})

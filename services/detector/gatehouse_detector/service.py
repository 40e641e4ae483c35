"""The detector as a service: its share of the cameras, what is read in their pictures, and what is told of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import structlog

from gatehouse_common.bus import Delivery, Subscription
from gatehouse_common.bus.port import partition_names, slots_of
from gatehouse_common.bus.subscriptions import Together
from gatehouse_common.clock import SECOND
from gatehouse_common.db import PlateEvent
from gatehouse_common.messages import FrameSampled
from gatehouse_common.observability.metrics import DETECTOR_FRAMES, DETECTOR_LAG
from gatehouse_common.runtime import Check, Core, SharedQueue
from gatehouse_common.runtime.buses import partitions_of

from .intake import Intake, Picture
from .pictures import Kept
from .pool import Pool
from .process import COMMAND
from .recognition import Recognition
from .requests import Requests
from .succession import Succession
from .visit import Visit
from .watched import WatchedCameras

log = structlog.get_logger(__name__)

NAME = "detector"
_LOOK_S = 1.0
_REFRESH_LOOKS = 3
_LATE_US = 30 * SECOND


class Detector:
    """Takes pictures, each camera in its turn, has them read, and tells what becomes of the plates in them.

    With the reader ``none`` it counts them, as ``skipped``, and looks at nothing.

    Args:
        core: what services are built from.
        command: the program of the processes that read.
    """

    name = NAME

    def __init__(self, core: Core, command: Sequence[str] = COMMAND) -> None:
        self._core, self._command = core, command
        partitions = partitions_of(core.settings)
        self._slots = {name: slots_of(k, partitions) for k, name in enumerate(partition_names(NAME, partitions))}
        self._settings = core.settings.values.detection
        self._watched = WatchedCameras(core)
        self._share: SharedQueue | None = None
        self._intake: Intake | None = None
        self._pool: Pool | None = None
        self._recognition: Recognition | None = None
        self._succession: Succession | None = None

    def run(self, stop: threading.Event) -> None:
        """Take pictures until told to stop."""
        if self._settings.reader == "none":
            self._run_counting(stop)
            return
        self._watched.refresh()
        intake = self._intake = Intake(self._settings.waiting)
        opening = _opening(self._settings.model_dump(mode="json"))
        succession = self._succession = Succession(self._core)
        recognition = self._recognition = Recognition(self._core, self._watched, self._is_mine, succession.wait_for)
        pool = self._pool = Pool(intake, self._command, opening, self._settings.workers, self._settings.timeout_seconds)
        share = self._share = SharedQueue(self._core, NAME, self._subscribe)
        looks = 0
        try:
            while not self._core.clock.wait(stop, _LOOK_S):
                looks += 1
                if looks % _REFRESH_LOOKS == 0:
                    self._watched.refresh()
                succession.take_over(self._adopt)
                succession.find_lost(self._adopt, self._is_lost)
                for camera in recognition.let_go():
                    intake.forget(camera)
                recognition.look_after(intake.is_idle)
        finally:
            share.close()
            pool.close()
            recognition.close()
            self._intake = self._pool = self._recognition = self._succession = self._share = None

    def _run_counting(self, stop: threading.Event) -> None:
        share = SharedQueue(self._core, NAME, self._subscribe)
        try:
            stop.wait()
        finally:
            share.close()

    def handle(self, delivery: Delivery) -> None:
        """Let a picture wait for its turn."""
        message = delivery.message
        if not isinstance(message, FrameSampled):
            return
        intake, recognition = self._intake, self._recognition
        watched = self._watched.of(message.camera)
        if intake is None or recognition is None or not watched.enabled:
            DETECTOR_LAG.labels(message.camera).set((self._core.clock.now_us() - message.time_us) / SECOND)
            DETECTOR_FRAMES.labels(message.camera, "skipped").inc()
            return
        intake.put(Picture(delivery.body or b"", watched.region, recognition.take, message))

    def health(self) -> list[Check]:
        """Return whether pictures are read, and in time."""
        pool, intake = self._pool, self._intake
        if pool is None or intake is None:
            return []
        trouble = pool.trouble
        checks = [Check("plate reader", ok=not trouble, detail=trouble)]
        oldest = intake.oldest_us()
        late_us = 0 if oldest is None else self._core.clock.now_us() - oldest
        if late_us > _LATE_US and not trouble:
            detail = f"pictures wait for {late_us // SECOND} s to be read: more detectors, or fewer pictures"
            checks.append(Check("plates in time", ok=False, detail=detail))
        return checks

    def _subscribe(self, partition: str) -> Subscription:
        slots = self._slots[partition]
        if self._succession is not None:
            self._succession.begin(slots)
        look = None if self._pool is None else self._pool.look
        pictures = self._core.bus.subscribe_transient(
            [FrameSampled], self.handle, slots=slots, maxlen=self._settings.waiting
        )
        return Together([pictures, Requests(self._core, look).subscribe(slots)])

    def _adopt(self, camera: str, visit: Visit, kept: Kept | None) -> None:
        if self._recognition is not None:
            self._recognition.resume(camera, visit, kept)

    def _is_mine(self, camera: str) -> bool:
        share = self._share
        return share is None or share.is_mine(camera)

    def _is_lost(self, event: PlateEvent) -> bool:
        known = self._recognition
        return known is not None and self._is_mine(event.camera) and not known.knows(event.camera, event.id)


def _opening(settings: dict[str, Any]) -> dict[str, Any]:
    """Return what of the settings an engine is made of."""
    return {name: settings[name] for name in ("reader", "detector_model", "recogniser_model")}


def build(core: Core) -> Detector:
    """Return the detector."""
    return Detector(core)

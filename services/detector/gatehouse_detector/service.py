"""The detector as a service: its share of the cameras, and what becomes of each of their pictures."""

from __future__ import annotations

import threading

from gatehouse_common.bus import Delivery, Subscription
from gatehouse_common.bus.port import partition_names, slots_of
from gatehouse_common.clock import SECOND
from gatehouse_common.messages import FrameSampled
from gatehouse_common.observability.metrics import DETECTOR_FRAMES, DETECTOR_LAG
from gatehouse_common.runtime import Check, Core, SharedQueue
from gatehouse_common.runtime.buses import partitions_of

NAME = "detector"


class Detector:
    """Takes pictures, the newest first to be kept where they come faster than they are looked at.

    With the reader ``none`` it counts them, as ``skipped``, and looks at nothing.
    """

    name = NAME

    def __init__(self, core: Core) -> None:
        self._core = core
        partitions = partitions_of(core.settings)
        self._slots = {name: slots_of(k, partitions) for k, name in enumerate(partition_names(NAME, partitions))}

    def run(self, stop: threading.Event) -> None:
        """Take pictures until told to stop."""
        share = SharedQueue(self._core, NAME, self._subscribe)
        try:
            stop.wait()
        finally:
            share.close()

    def handle(self, delivery: Delivery) -> None:
        """Do with a picture what there is to do."""
        message = delivery.message
        if not isinstance(message, FrameSampled):
            return
        DETECTOR_LAG.labels(message.camera).set((self._core.clock.now_us() - message.time_us) / SECOND)
        DETECTOR_FRAMES.labels(message.camera, "skipped").inc()

    def health(self) -> list[Check]:
        """Return nothing: nobody waits for what it finds."""
        return []

    def _subscribe(self, partition: str) -> Subscription:
        waiting = self._core.settings.values.detection.waiting
        slots = self._slots[partition]
        return self._core.bus.subscribe_transient([FrameSampled], self.handle, slots=slots, maxlen=waiting)


def build(core: Core) -> Detector:
    """Return the detector."""
    return Detector(core)

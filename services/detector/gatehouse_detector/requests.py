"""Pictures that somebody asks about, and waits: read beside those of cameras, and answered over the bus."""

from __future__ import annotations

from collections.abc import Callable, Collection

from gatehouse_common.bus import Delivery, Subscription
from gatehouse_common.errors import GatehouseError
from gatehouse_common.messages import DetectionAnswered, DetectionRequested, ReadingFields
from gatehouse_common.messages.detections import MAX_READINGS
from gatehouse_common.messages.plates import MAX_ALTERNATIVES
from gatehouse_common.runtime import Core

from .reading.port import Reading

Look = Callable[[bytes, str], list[Reading]]
"""Reads the plates in a JPEG, preferring a region's syntaxes; may be called beside itself, and raises ours alone."""

_WAITING = 8
NO_READER = "this detector only counts pictures: the setting detection.reader is 'none'"


class Requests:
    """Answers ``detection.requested``.

    Args:
        core: what services are built from.
        look: reads a picture; None: there is no reader, and the answer says so.
    """

    def __init__(self, core: Core, look: Look | None) -> None:
        self._core, self._look = core, look

    def subscribe(self, slots: Collection[int] | None = None) -> Subscription:
        """Answer the questions of some slots of the cameras, so that of many detectors one does; None: all."""
        return self._core.bus.subscribe_transient([DetectionRequested], self.handle, slots=slots, maxlen=_WAITING)

    def handle(self, delivery: Delivery) -> None:
        """Look at a picture and publish what is in it."""
        asked = delivery.message
        if not isinstance(asked, DetectionRequested):
            return
        readings, trouble = self._answer(bytes(delivery.body or b""), asked.region)
        answer = DetectionAnswered(
            camera=asked.camera,
            time_us=self._core.clock.now_us(),
            request=asked.id,
            readings=readings,
            trouble=trouble[:500],
        )
        self._core.bus.publish(answer)

    def _answer(self, jpeg: bytes, region: str) -> tuple[list[ReadingFields], str]:
        if self._look is None:
            return [], NO_READER
        try:
            return [_fields(one) for one in self._look(jpeg, region)[:MAX_READINGS]], ""
        except GatehouseError as error:
            return [], error.message


def _fields(reading: Reading) -> ReadingFields:
    return ReadingFields(
        text=reading.text,
        confidence=reading.confidence,
        characters=list(reading.characters),
        region=reading.region,
        pattern=reading.pattern,
        alternatives=list(reading.alternatives[:MAX_ALTERNATIVES]),
        quad=reading.quad,
    )

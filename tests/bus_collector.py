"""What the tests of the bus publish, and who collects it."""

from __future__ import annotations

from collections.abc import Callable

from gatehouse_common.bus import Delivery
from gatehouse_common.messages import GapRecorded

QUEUE = "indexer"


def gap(camera: str, at: int = 0) -> GapRecorded:
    return GapRecorded(camera=camera, time_us=at, start_us=0, end_us=1, cause="dropped")


class Collector:
    """A handler that remembers, and fails as it is told."""

    def __init__(self, fail: Callable[[Delivery], None] = lambda _: None) -> None:
        self.seen: list[Delivery] = []
        self._fail = fail

    def __call__(self, delivery: Delivery) -> None:
        self.seen.append(delivery)
        self._fail(delivery)

    @property
    def cameras(self) -> list[str]:
        return [d.message.camera for d in self.seen]

    def of(self, camera: str) -> list[int]:
        return [d.message.time_us for d in self.seen if d.message.camera == camera]

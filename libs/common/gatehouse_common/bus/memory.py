"""The in-memory bus of unit tests: the embedded bus over a journal that dies with the process."""

from __future__ import annotations

from gatehouse_common.clock import Clock

from .embedded import EmbeddedBus


class MemoryBus(EmbeddedBus):
    """Every rule of the embedded bus, and nothing on the disk; ``join`` lets tests go on without sleeping."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(":memory:", clock)

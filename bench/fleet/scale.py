"""How large what is measured is, and by which of it figures are per day."""

from __future__ import annotations

import os
from dataclasses import dataclass

DAY_S = 86_400
GOP_S = 2
"""Of the virtual cameras, and of nearly every real one."""
STATUS_S = 30
"""So often a camera says how it is, while it is recorded."""
REAL_CHUNK_S = 600
"""``recording.chunk_seconds``, by default."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much.

    Attributes:
        cameras: how many there are in each of the sites that are compared, smallest first.
        days: of chunks in the index, before anything is recorded.
        live_s: how much each camera sends, of its own time: half of a chunk before all of them begin another, and on.
        chunk_s: length of the chunks that are recorded then. Real ones are of ten minutes: chunks are as much more.
        parts_cameras: the same where services are in parts: over RabbitMQ, with MariaDB.
        parts_days: days of chunks there: a database of 64 MiB of memory takes long to be filled.
        asks: how often each question is asked.
        plates: visits of plates a camera, over all days.
        old: chunks of each camera that have come of age.
    """

    cameras: tuple[int, ...] = (10, 100, 500, 2000)
    days: int = 30
    live_s: int = 18
    chunk_s: int = 24
    parts_cameras: tuple[int, ...] = (10, 100, 500)
    parts_days: int = 7
    asks: int = 30
    plates: int = 100
    old: int = 3
    frames_s: int = 400
    """Frames of all cameras together in a second of the wall clock, at most. One process cannot record thousands of
    cameras in real time (P2), so time goes more slowly for many: what a message costs then is measured, not how many
    there can be."""

    def slower(self, count: int) -> float:
        """Return how many seconds of the wall clock a second of so many cameras takes."""
        return max(1.0, count / self.frames_s)

    @classmethod
    def from_environment(cls) -> Scale:
        """Return the whole, or what ``GATEHOUSE_BENCH_FLEET`` asks for, as ``3,30``: so many cameras, a day of them."""
        asked = os.environ.get("GATEHOUSE_BENCH_FLEET", "")
        if not asked:
            return cls()
        sizes = tuple(int(n) for n in asked.split(","))
        days = int(os.environ.get("GATEHOUSE_BENCH_FLEET_DAYS", "1"))
        return cls(sizes, days, 10, 12, sizes, days, asks=5)

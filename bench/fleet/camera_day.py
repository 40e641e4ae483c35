"""What a real camera costs in a day, from what messages cost: a GOP of two seconds, chunks of ten minutes."""

from __future__ import annotations

from dataclasses import dataclass

from .live import Live
from .scale import DAY_S, GOP_S, REAL_CHUNK_S, STATUS_S

CHUNKS = DAY_S // REAL_CHUNK_S
RATES = {
    ("indexer", "gop.written"): DAY_S // GOP_S,
    ("indexer", "camera.status"): DAY_S // STATUS_S,
    ("indexer", "chunk.opened"): CHUNKS,
    ("indexer", "chunk.closed"): CHUNKS,
    ("indexer", "chunk.stored"): CHUNKS,
    ("segmenter", "chunk.closed"): CHUNKS,
}
"""How many of a service's messages there are in a day. Runs are long: what begins and ends them is left out."""


@dataclass(frozen=True, slots=True)
class CameraDay:
    """Of one camera and day.

    Attributes:
        published: durable messages.
        delivered: the same, by how many queues each goes to.
        statements: sent to the index by indexer and segmenter.
        indexer_s: seconds of a processor that the indexer takes, the bus included.
        segmenter_s: the same of the segmenter.
    """

    published: int
    delivered: int
    statements: float
    indexer_s: float
    segmenter_s: float

    @property
    def cameras_of_an_indexer(self) -> float:
        """How many cameras keep one core busy."""
        return DAY_S / self.indexer_s


def camera_day(live: Live) -> CameraDay:
    """Return what follows from what was measured of each type of message."""
    delivered = sum(RATES.values())
    seconds, statements = {"indexer": 0.0, "segmenter": 0.0}, 0.0
    for (service, kind), count in RATES.items():
        one = live.handled[service, kind]
        seconds[service] += count * (one.cpu_s / one.count + overhead_s(live, service))
        statements += count * one.statements / one.count
    return CameraDay(delivered - CHUNKS, delivered, statements, seconds["indexer"], seconds["segmenter"])


def overhead_s(live: Live, service: str) -> float:
    """Return what taking a message and putting it away costs, beside handling it; seconds of a processor."""
    mine = {kind: one for (of, kind), one in live.handled.items() if of == service}
    count = sum(one.count for one in mine.values())
    shared = live.spent.cpu_s["consuming"] * count / sum(one.count for one in live.handled.values())
    return max(0.0, live.spent.cpu_s[service] + shared - sum(one.cpu_s for one in mine.values())) / count


def cost_of_chunk_s(live: Live) -> float:
    """Return what the indexer takes of a processor for a chunk, from its beginning to its row; GOPs apart."""
    kinds = [live.handled["indexer", kind] for kind in ("chunk.opened", "chunk.closed", "chunk.stored")]
    return sum(one.cpu_s / one.count for one in kinds)


__all__ = ["CHUNKS", "CameraDay", "camera_day", "cost_of_chunk_s", "overhead_s"]

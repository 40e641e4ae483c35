"""The one table of messages: who publishes what, who reads it, and whether it survives a restart."""

from __future__ import annotations

from dataclasses import dataclass

from .cameras import CameraChanged, CameraStatus
from .chunks import ChunkClosed, ChunkDiscarded, ChunkFreed, ChunkIndexed, ChunkOpened, ChunkStored, GopWritten
from .clips import ClipStored, FootageWanted
from .detections import DetectionAnswered, DetectionRequested
from .envelope import Message
from .frames import FrameSampled
from .gaps import GapRecorded
from .jobs import JobChanged
from .live import LiveMedia, LivePreview, LiveRequested
from .plates import PlateClosed, PlateIndexed, PlateListed, PlateSeen
from .purges import FootagePurged
from .runs import RunEnded, RunStarted


@dataclass(frozen=True, slots=True)
class Entry:
    """One message type.

    Attributes:
        model: its class.
        durable: journalled and delivered at least once; otherwise bounded, drop-oldest, and with a body.
        publishers: services that publish it.
        consumers: services that read it; for durable types each is the name of a queue.
    """

    model: type[Message]
    durable: bool
    publishers: tuple[str, ...]
    consumers: tuple[str, ...]

    @property
    def meaning(self) -> str:
        """What the message says, in one sentence: the first line of its class's docstring."""
        return (self.model.__doc__ or "").strip().split("\n", maxsplit=1)[0]


CATALOG: tuple[Entry, ...] = (
    Entry(CameraChanged, False, ("api", "gatehouse"), ("capture",)),
    Entry(CameraStatus, True, ("capture",), ("indexer",)),
    Entry(RunStarted, True, ("capture",), ("indexer",)),
    Entry(RunEnded, True, ("capture",), ("indexer",)),
    Entry(ChunkOpened, True, ("capture",), ("indexer",)),
    Entry(GopWritten, True, ("capture",), ("indexer",)),
    Entry(ChunkClosed, True, ("capture", "segmenter"), ("indexer", "segmenter")),
    Entry(ChunkStored, True, ("segmenter", "janitor"), ("indexer",)),
    Entry(ChunkIndexed, False, ("indexer",), ("capture",)),
    Entry(ChunkDiscarded, True, ("segmenter",), ("indexer",)),
    Entry(ChunkFreed, False, ("indexer",), ("capture",)),
    Entry(GapRecorded, True, ("capture", "segmenter"), ("indexer",)),
    Entry(FootagePurged, True, ("janitor",), ("indexer",)),
    Entry(LiveRequested, False, ("api",), ("capture",)),
    Entry(LiveMedia, False, ("capture",), ("api",)),
    Entry(LivePreview, False, ("capture",), ("api",)),
    Entry(FrameSampled, False, ("capture",), ("detector",)),
    Entry(PlateSeen, True, ("detector",), ("indexer", "segmenter")),
    Entry(PlateClosed, True, ("detector",), ("indexer",)),
    Entry(PlateIndexed, False, ("indexer", "api"), ("api",)),
    Entry(PlateListed, False, ("indexer", "api"), ("api",)),
    Entry(FootageWanted, False, ("segmenter",), ("capture",)),
    Entry(ClipStored, False, ("segmenter",), ("api",)),
    Entry(JobChanged, False, ("api", "janitor", "transcoder"), ("api", "transcoder")),
    Entry(DetectionRequested, False, ("api",), ("detector",)),
    Entry(DetectionAnswered, False, ("detector",), ("api",)),
)

_BY_MODEL = {entry.model: entry for entry in CATALOG}


def entry_of(model: type[Message]) -> Entry:
    """Return the table's line for a message class.

    Raises:
        KeyError: the class is not in the table.
    """
    return _BY_MODEL[model]


def queues() -> dict[str, list[type[Message]]]:
    """Return every durable queue with the types it receives."""
    found: dict[str, list[type[Message]]] = {}
    for entry in CATALOG:
        if entry.durable:
            for consumer in entry.consumers:
                found.setdefault(consumer, []).append(entry.model)
    return found

"""The contract between services: every message there is."""

from .cameras import CameraChanged, CameraStatus
from .chunks import ChunkClosed, ChunkDiscarded, ChunkFreed, ChunkIndexed, ChunkOpened, ChunkStored, GopWritten
from .clips import ClipStored, FootageWanted
from .detections import DetectionAnswered, DetectionRequested, ReadingFields
from .envelope import Message, decode, encode
from .frames import FrameSampled
from .gaps import GapRecorded
from .jobs import SITE, JobChanged
from .live import LiveMedia, LivePreview, LiveRequested
from .plates import Direction, PlateClosed, PlateIndexed, PlateListed, PlateSeen, ReadFields, VisitFields
from .purges import FootagePurged
from .runs import Interruption, RunEnded, RunStarted
from .vocabulary import CameraState, GapCause

__all__ = [
    "SITE",
    "CameraChanged",
    "CameraState",
    "CameraStatus",
    "ChunkClosed",
    "ChunkDiscarded",
    "ChunkFreed",
    "ChunkIndexed",
    "ChunkOpened",
    "ChunkStored",
    "ClipStored",
    "DetectionAnswered",
    "DetectionRequested",
    "Direction",
    "FootagePurged",
    "FootageWanted",
    "FrameSampled",
    "GapCause",
    "GapRecorded",
    "GopWritten",
    "Interruption",
    "JobChanged",
    "LiveMedia",
    "LivePreview",
    "LiveRequested",
    "Message",
    "PlateClosed",
    "PlateIndexed",
    "PlateListed",
    "PlateSeen",
    "ReadFields",
    "ReadingFields",
    "RunEnded",
    "RunStarted",
    "VisitFields",
    "decode",
    "encode",
]

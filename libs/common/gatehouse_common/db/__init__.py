"""The SQL index: the database, its records, and the repositories."""

from .cameras import CameraRepository
from .clips import ClipRepository
from .coverage_reader import CoverageReader, present_cause
from .engine import Database
from .footage import FootageReader
from .leases import Lease, LeaseRepository, Member, Sight
from .ledger import FootageWriter
from .plate_reader import PlateReader
from .plate_records import Clip, ClipQuery, ClipStats, Match, PlateEvent, PlateQuery, PlateReadRecord
from .plates import PlateWriter
from .records import Camera, Chunk, Day, Gap, Run, Timeline
from .timeline import TimelineReader

__all__ = [
    "Camera",
    "CameraRepository",
    "Chunk",
    "Clip",
    "ClipQuery",
    "ClipRepository",
    "ClipStats",
    "CoverageReader",
    "Database",
    "Day",
    "FootageReader",
    "FootageWriter",
    "Gap",
    "Lease",
    "LeaseRepository",
    "Match",
    "Member",
    "PlateEvent",
    "PlateQuery",
    "PlateReadRecord",
    "PlateReader",
    "PlateWriter",
    "Run",
    "Sight",
    "Timeline",
    "TimelineReader",
    "present_cause",
]

"""The SQL index: the database, its records, and the repositories."""

from .cameras import CameraRepository
from .engine import Database
from .footage import FootageReader
from .leases import Lease, LeaseRepository, Member, Sight
from .ledger import FootageWriter
from .records import Camera, Chunk, Day, Gap, Run, Timeline
from .timeline import TimelineReader

__all__ = [
    "Camera",
    "CameraRepository",
    "Chunk",
    "Database",
    "Day",
    "FootageReader",
    "FootageWriter",
    "Gap",
    "Lease",
    "LeaseRepository",
    "Member",
    "Run",
    "Sight",
    "Timeline",
    "TimelineReader",
]

"""The SQL index: the database, its records, and the repositories."""

from .cameras import CameraRepository
from .engine import Database
from .footage import FootageReader
from .ledger import FootageWriter
from .records import Camera, Chunk, Gap, Run

__all__ = ["Camera", "CameraRepository", "Chunk", "Database", "FootageReader", "FootageWriter", "Gap", "Run"]

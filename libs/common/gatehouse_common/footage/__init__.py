"""Recorded media of a range, for whoever serves or cuts it: where it is, what is in it, and its bytes."""

from .chunk_reader import ChunkReader
from .index_cache import IndexCache
from .library import Found, Library
from .session_info import session_info
from .session_place import place_session_file
from .virtual_source import VirtualSource

__all__ = ["ChunkReader", "Found", "IndexCache", "Library", "VirtualSource", "place_session_file", "session_info"]

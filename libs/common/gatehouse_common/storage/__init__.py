"""Where media objects live: the port, the local adapter, and the keys."""

from .local import LocalStore
from .port import Capacity, ObjectInfo, ObjectStore
from .reader import MediaReader

__all__ = ["Capacity", "LocalStore", "MediaReader", "ObjectInfo", "ObjectStore"]

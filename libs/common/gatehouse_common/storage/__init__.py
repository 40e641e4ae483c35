"""Where media objects live: the port, the local adapter, and the keys. The adapter for S3 is in ``storage.s3``."""

from .local import LocalStore
from .port import Capacity, Growing, ObjectInfo, ObjectStore
from .reader import MediaReader

__all__ = ["Capacity", "Growing", "LocalStore", "MediaReader", "ObjectInfo", "ObjectStore"]

"""Where media objects live: the port, the local adapter, and the keys. The adapter for S3 is in ``storage.s3``."""

from .ballast import Ballast
from .local import LocalStore
from .meant import is_meant
from .port import Capacity, Draft, Growing, ObjectInfo, ObjectStore
from .reader import MediaReader
from .same import same_bytes
from .source import FileSource, Source
from .spools import Spools

__all__ = [
    "Ballast",
    "Capacity",
    "Draft",
    "FileSource",
    "Growing",
    "LocalStore",
    "MediaReader",
    "ObjectInfo",
    "ObjectStore",
    "Source",
    "Spools",
    "is_meant",
    "same_bytes",
]

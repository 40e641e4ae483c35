"""One reader for all recorded media: open chunks from the spool, published ones from the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import keys
from .local import LocalStore
from .port import ObjectInfo, ObjectStore


class MediaReader:
    """Reads any key that the index knows, wherever its bytes are.

    A spool key whose chunk was published and freed since it was looked up is ``NotFound``: look it up again.

    Args:
        spool: the directory above ``spool/``, as a store.
        store: where published objects are.
    """

    def __init__(self, spool: LocalStore, store: ObjectStore) -> None:
        self._spool = spool
        self._store = store

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces; see ``ObjectStore.open_range``."""
        return self._of(key).open_range(key, offset, length)

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a range in one piece."""
        return self._of(key).read(key, offset, length)

    def stat(self, key: str) -> ObjectInfo:
        """Return what is known of an object."""
        return self._of(key).stat(key)

    def local_path(self, key: str) -> Path | None:
        """Return the file that holds the bytes, or None where there is no such file on this machine."""
        return self._of(key).local_path(key)

    def _of(self, key: str) -> ObjectStore:
        return self._spool if key.startswith(keys.SPOOL) else self._store

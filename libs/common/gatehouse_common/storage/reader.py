"""One reader for all recorded media: open chunks from a spool, published ones from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from . import keys
from .port import ObjectInfo, ObjectStore
from .spools import Spools


class _Readable(Protocol):
    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]: ...

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes: ...

    def stat(self, key: str) -> ObjectInfo: ...


class MediaReader:
    """Reads any key that the index knows, wherever its bytes are.

    A spool key whose chunk was published and freed since it was looked up is ``NotFound``: look it up again.

    Args:
        spools: where open chunks are.
        store: where published objects are.
        address: returns the inner address of the worker that wrote a run, by the run's id; empty: this machine.
    """

    def __init__(self, spools: Spools, store: ObjectStore, address: Callable[[str], str] | None = None) -> None:
        self._spools, self._store, self._address = spools, store, address

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
        if not key.startswith(keys.SPOOL):
            return self._store.local_path(key)
        return self._spools.local.local_path(key) if self._spools.is_local(self.address(key)) else None

    def address(self, key: str) -> str:
        """Return the inner address of the worker that has a spool file; empty: this machine."""
        name = keys.parse_spool(key)
        if name is None or self._address is None or (self._spools.local.root / key).exists():
            return ""
        return self._address(name.run)

    def _of(self, key: str) -> _Readable:
        if not key.startswith(keys.SPOOL):
            return self._store
        url = self.address(key)
        return self._spools.local if self._spools.is_local(url) else self._spools.at(url)

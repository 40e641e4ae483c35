"""The quarantine: what nobody can explain is kept there, byte by byte, its reason beside it."""

from __future__ import annotations

from gatehouse_common.clock import Clock
from gatehouse_common.storage import FileSource, ObjectStore, Source, keys

_LONGEST_NAME = 180


class ObjectSource:
    """An object of a store as a source, to be copied to another key.

    Args:
        store: where it is.
        key: its key.

    Raises:
        NotFound: there is no such object.
    """

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store, self._key = store, key
        self._size = store.stat(key).size

    @property
    def key(self) -> str:
        """Its key, for messages."""
        return self._key

    def size(self) -> int:
        """Return how many bytes there are."""
        return self._size

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        length = min(length, self._size - offset)
        return self._store.read(self._key, offset, length) if length > 0 else b""


def set_aside(store: ObjectStore, key: str, reason: str, clock: Clock) -> str:
    """Move an object to the quarantine, and return the key that it has there; on a disk that is a new name.

    It is deleted only once it is there with its reason, so a crash costs a second copy at most.

    Raises:
        NotFound: there is no such object.
        GatehouseError: the store does not take it; then it stays.
    """
    name = key if len(key) <= _LONGEST_NAME else key[-_LONGEST_NAME:]
    target = keys.quarantine(name, clock.now_us())
    path = store.local_path(key)
    source: Source = FileSource(path, key) if path is not None else ObjectSource(store, key)
    store.put(source, target)
    store.put_bytes(f"{target}.reason.txt", f"{key}: {reason}\n".encode(), overwrite=True)
    store.delete(key)
    return target

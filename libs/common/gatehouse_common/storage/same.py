"""Whether an object is what a crash, or another process, has made of the same file before."""

from __future__ import annotations

from .port import ObjectStore
from .source import Source

_COMPARED_BYTES = 8 << 20


def same_bytes(store: ObjectStore, key: str, source: Source) -> bool:
    """Return whether an object has the bytes of a file, all of them and no more.

    Raises:
        NotFound: there is no such object, or no such file.
        GatehouseError: one of them cannot be read.
    """
    size = source.size()
    if store.stat(key).size != size:
        return False
    for at in range(0, size, _COMPARED_BYTES):
        length = min(_COMPARED_BYTES, size - at)
        if store.read(key, at, length) != source.pread(at, length):
            return False
    return True

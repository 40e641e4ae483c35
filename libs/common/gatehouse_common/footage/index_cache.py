"""Decoded sample indexes, kept as long as there is room for them."""

from __future__ import annotations

import threading
from collections import OrderedDict

from gatehouse_common.media.samples import ChunkMedia

_BYTES_PER_SAMPLE = 41
"""Five columns of int64 and one of bool."""


class IndexCache:
    """The least recently used are forgotten beyond a number of bytes. Safe for many threads.

    A chunk of ten minutes takes about two megabytes, one of a minute a tenth of that: so bytes are counted, not chunks.

    Args:
        most_bytes: how much to keep; the one that was added last is always kept.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, ChunkMedia] = OrderedDict()
        self._bytes = 0

    def get(self, chunk_id: str, key: str, origin_us: int) -> ChunkMedia | None:
        """Return a chunk's media if it is kept and speaks of the same object at the same time."""
        with self._lock:
            found = self._kept.get(chunk_id)
            if found is None or (found.key, found.origin_us) != (key, origin_us):
                return None
            self._kept.move_to_end(chunk_id)
            return found

    def put(self, media: ChunkMedia) -> None:
        """Keep a chunk's media."""
        with self._lock:
            before = self._kept.pop(media.chunk_id, None)
            self._bytes += _size(media) - (_size(before) if before else 0)
            self._kept[media.chunk_id] = media
            while self._bytes > self._most and len(self._kept) > 1:
                self._bytes -= _size(self._kept.popitem(last=False)[1])

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._bytes


def _size(media: ChunkMedia) -> int:
    return sum(len(track) for track in media.tracks) * _BYTES_PER_SAMPLE + len(media.parts) * _BYTES_PER_SAMPLE

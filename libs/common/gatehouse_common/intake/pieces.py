"""The pieces of an upload read as the one file that they are."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from gatehouse_common.db import Piece
from gatehouse_common.storage import ObjectStore

_AHEAD = 256 << 10


class PieceBytes:
    """Reads pieces at any offset of the file that they are together; for one thread.

    Args:
        store: has them.
        pieces: in order.
    """

    def __init__(self, store: ObjectStore, pieces: Sequence[Piece]) -> None:
        self._store, self._pieces = store, pieces
        self._starts = [0, *accumulate(piece.bytes for piece in pieces)]
        self.size = self._starts[-1]
        self._kept: tuple[int, bytes] = (0, b"")

    def read(self, at: int, length: int) -> bytes:
        """Return bytes from an offset on, fewer at the end.

        Raises:
            NotFound: a piece is gone.
            DataLoss: a piece is shorter than it was.
        """
        begin, kept = self._kept
        if not begin <= at or at + length > begin + len(kept):
            self._kept = begin, kept = at, self._fetch(at, max(length, _AHEAD))
        return kept[at - begin : at - begin + length]

    def _fetch(self, at: int, length: int) -> bytes:
        found, end = bytearray(), min(at + length, self.size)
        while at < end:
            index = bisect_right(self._starts, at) - 1
            piece, offset = self._pieces[index], at - self._starts[index]
            taken = min(piece.bytes - offset, end - at)
            found += self._store.read(piece.key, offset, taken)
            at += taken
        return bytes(found)

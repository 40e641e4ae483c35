"""Whether a film ends where one of its parts ends: a file that is cut off anywhere else is not whole.

That nothing in the middle is missing it does not say: places are told by numbers, and kept by whoever has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from .file_kinds import M4A, MATROSKA, MP4, QUICKTIME, WEBM, FileKind

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_OPEN: Final = frozenset({_SEGMENT, _CLUSTER})
"""Elements into which one goes, for those of a recording that was not ended say nothing of their size."""
_UNKNOWN = -1
_MOST_HEADER = 16


class Bytes(Protocol):
    """Bytes of which parts are read."""

    size: int

    def read(self, at: int, length: int) -> bytes:
        """Return bytes from an offset on, fewer at the end."""
        ...


def is_whole(kind: FileKind, file: Bytes) -> bool:
    """Return whether a file of boxes or of EBML elements ends with the end of one; of others nobody can tell: False."""
    if kind in {WEBM, MATROSKA}:
        return _ends_with_element(file)
    if kind in {MP4, QUICKTIME, M4A}:
        return _ends_with_box(file)
    return False


def _ends_with_box(file: Bytes) -> bool:
    """Return whether the last box ends at the end (ISO/IEC 14496-12 section 4.2), and there is a ``moov``."""
    at, seen = 0, set[bytes]()
    while at < file.size:
        head = file.read(at, _MOST_HEADER)
        if len(head) < 8:
            return False
        size, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:
            return False
        at += size
        seen.add(kind)
    return at == file.size and b"moov" in seen


def _ends_with_element(file: Bytes) -> bool:
    """Return whether the last element ends at the end (RFC 8794 sections 4 and 5)."""
    end, has_cluster = 0, False
    for at, element in _elements(file):
        end, has_cluster = at, has_cluster or element == _CLUSTER
    return end == file.size and has_cluster


def _elements(file: Bytes) -> Iterator[tuple[int, int]]:
    """Yield where each element ends, and what it is; -1 where one is torn."""
    at = 0
    while at < file.size:
        head = file.read(at, _MOST_HEADER)
        element, length = _number(head, keep_marker=True)
        size, more = _number(head[length:], keep_marker=False)
        if not length or not more:
            yield -1, 0
            return
        at += length + more
        if element not in _OPEN:
            if size == _UNKNOWN:
                yield -1, 0
                return
            at += size
        yield at, element


def _number(data: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """Return a number of variable length, and its length in bytes; length 0: it is torn, or none."""
    if not data or not data[0]:
        return 0, 0
    length = 9 - data[0].bit_length()
    if len(data) < length:
        return 0, 0
    value = int.from_bytes(data[:length], "big")
    if keep_marker:
        return value, length
    bits = 7 * length
    value &= (1 << bits) - 1
    return (_UNKNOWN if value == (1 << bits) - 1 else value), length

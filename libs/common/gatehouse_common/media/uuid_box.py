"""Where a film has the ``uuid`` box of one kind (14496-12 clause 11.1)."""

from __future__ import annotations

from .boxes import U32, U64
from .scan import SizedReader

_MOST_BYTES = 1 << 20


def find_uuid_box(reader: SizedReader, kind: bytes) -> bytes | None:
    """Return the payload of a film's first ``uuid`` box of a kind (16 bytes), None if it has none of a sane size."""
    at, size = 0, reader.size()
    while at + 8 <= size:
        head = reader.pread(at, 24)
        length = int(U32.unpack_from(head)[0])
        if length == 1 and len(head) >= 16:
            length = int(U64.unpack_from(head, 8)[0])
        if length < 8 or at + length > size:
            return None
        if head[4:8] == b"uuid" and head[8:24] == kind and length <= _MOST_BYTES:
            return bytes(reader.pread(at + 24, length - 24))
        at += length
    return None

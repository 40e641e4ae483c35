"""Boxes of ISO/IEC 14496-12: written, walked and found.

Clause 4.2: ``size(32) type(32) [largesize(64) if size == 1] payload``; a *full* box continues with
``version(8) flags(24)``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

U32 = struct.Struct(">I")
U64 = struct.Struct(">Q")

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box lies in a buffer: its first byte, its payload's first byte, and the byte after it."""

    kind: bytes
    start: int
    payload: int
    end: int


def box(kind: bytes, *parts: Buffer) -> bytes:
    """Return a box with a 32-bit size."""
    size = 8 + sum(len(p) for p in parts)
    return b"".join((U32.pack(size), kind, *parts))


def full_box(kind: bytes, version: int, flags: int, *parts: Buffer) -> bytes:
    """Return a full box."""
    return box(kind, U32.pack(version << 24 | flags), *parts)


def iter_boxes(data: Buffer, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the whole boxes that lie one after the other in ``data``; stops where there is none."""
    stop = len(data) if end is None else end
    at = start
    while at + 8 <= stop:
        size, payload = U32.unpack_from(data, at)[0], at + 8
        kind = bytes(data[at + 4 : at + 8])
        if size == 1:
            if at + 16 > stop:
                return
            size, payload = U64.unpack_from(data, at + 8)[0], at + 16
        elif size == 0:  # to the end of the file
            size = stop - at
        if size < payload - at or at + size > stop:
            return
        yield Box(kind, at, payload, at + size)
        at += size


def find_all(data: Buffer, path: str, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes at ``path``, e.g. ``moov/trak/mdia``; containers on the way must be plain boxes."""
    head, _, rest = path.partition("/")
    for found in iter_boxes(data, start, end):
        if found.kind == head.encode():
            if rest:
                yield from find_all(data, rest, found.payload, found.end)
            else:
                yield found


def find(data: Buffer, path: str, start: int = 0, end: int | None = None) -> Box | None:
    """Return the first box at ``path``, or None."""
    return next(find_all(data, path, start, end), None)

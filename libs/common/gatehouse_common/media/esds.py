"""The ``esds`` box: what an ``mp4a`` or ``mp4v`` sample entry says of the coding (ISO/IEC 14496-1 clause 7.2.6)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .boxes import full_box

MPEG4_VISUAL = 0x20
"""objectTypeIndication of ISO/IEC 14496-2, MPEG-4 part 2."""
JPEG = 0x6C
"""objectTypeIndication of ISO/IEC 10918-1: each sample is a JPEG."""

_ES, _DECODER, _SPECIFIC, _SL = 3, 4, 5, 6
_VISUAL_STREAM = 0x11
"""streamType 4 (visual), upstream 0, reserved 1."""


@dataclass(frozen=True, slots=True)
class Description:
    """What of an ``esds`` matters for decoding: the object type, and the codec's own configuration."""

    object_type: int
    specific: bytes


def parse_esds(payload: bytes) -> Description | None:
    """Return what the payload of an ``esds`` says, version and flags included; None if it says nothing.

    ``ES_Descriptor(id 16, flags 8) { DecoderConfigDescriptor(type 8, stream 8, buffer 24, peak rate 32, mean rate
    32) { DecoderSpecificInfo } }``
    """
    body = _descriptor(payload[4:], _ES)
    body = _descriptor(body[3:], _DECODER) if body[2:3] == b"\0" else b""
    return Description(body[0], _descriptor(body[13:], _SPECIFIC)) if body else None


def build_esds(description: Description) -> bytes:
    """Return the ``esds`` box of a video track; the bit rates are not told."""
    config = struct.pack(">BB3xII", description.object_type, _VISUAL_STREAM, 0, 0)
    if description.specific:
        config += _described(_SPECIFIC, description.specific)
    body = struct.pack(">HB", 0, 0) + _described(_DECODER, config) + _described(_SL, b"\x02")
    return full_box(b"esds", 0, 0, _described(_ES, body))


def _described(tag: int, body: bytes) -> bytes:
    """Return a descriptor with its size in four bytes (clause 8.3.3), as most writers have it."""
    size = len(body)
    return bytes((tag, size >> 21 | 0x80, size >> 14 & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size & 0x7F)) + body


def _descriptor(data: bytes, tag: int) -> bytes:
    """Return the body of a descriptor that begins ``data``, nothing if it is another; clause 8.3.3 sizes."""
    if data[:1] != bytes([tag]):
        return b""
    length, at = 0, 1
    while at < min(len(data), 5):
        byte = data[at]
        length, at = length << 7 | byte & 0x7F, at + 1
        if not byte & 0x80:
            break
    return data[at : at + length]

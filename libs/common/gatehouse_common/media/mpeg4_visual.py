"""MPEG-4 part 2 (ISO/IEC 14496-2): its headers in front of keyframes, as parameter sets are in H.264."""

from __future__ import annotations

from .bits import BitReader

_START = b"\0\0\1"
_LAYER = range(0x20, 0x30)
_SIMPLE = 1
_EXTENDED_ASPECT = 15
_SEQUENCE = 0xB0
_PICTURE = 0xB6


def with_header(sample: bytes, header: bytes) -> bytes:
    """Return a keyframe with the video object layer's header in front, unless it has its own.

    Decoding can then begin at any keyframe, whatever was decoded before it.
    """
    for code in _start_codes(sample):
        if code in _LAYER:
            return sample
        if code == _PICTURE:
            break
    return header + sample


def profile_and_level(header: bytes) -> int | None:
    """Return ``profile_and_level_indication`` (clause 6.2.2), None where the header does not say."""
    at = header.find(_START + bytes([_SEQUENCE]))
    return header[at + 4] if at >= 0 and at + 4 < len(header) else None


def may_reorder(header: bytes) -> bool:
    """Return whether pictures may be shown in another order than they are decoded in (clause 6.2.3, ``low_delay``).

    ``random_accessible(1) type(8) is_identified(1) [verid(4) priority(3)] aspect_ratio(4) [width(8) height(8)]
    control_parameters(1) [chroma_format(2) low_delay(1)]``
    """
    for code in _LAYER:
        at = header.find(_START + bytes([code]))
        if at < 0:
            continue
        r = BitReader(header[at + 4 :])
        try:
            r.bits(1)
            kind = r.bits(8)
            if r.flag():
                r.bits(7)
            if r.bits(4) == _EXTENDED_ASPECT:
                r.bits(16)
            if not r.flag():
                return kind != _SIMPLE
            r.bits(2)
            return not r.flag()
        except EOFError:
            return True
    return False


def _start_codes(data: bytes) -> list[int]:
    """Return the start code values up to the first picture."""
    codes: list[int] = []
    at = data.find(_START)
    while 0 <= at < len(data) - 3:
        codes.append(data[at + 3])
        if codes[-1] == _PICTURE:
            break
        at = data.find(_START, at + 3)
    return codes

"""NAL units: from Annex B start codes (H.264/H.265 Annex B) to the length prefixes of ISO/IEC 14496-15."""

from __future__ import annotations

from collections.abc import Iterator

from .boxes import U32
from .parameter_sets import ParameterSets


def split_annex_b(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a byte stream, without start codes and trailing zeros."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        begin = at + 3
        at = data.find(b"\0\0\1", begin)
        nal = data[begin:] if at < 0 else data[begin:at]
        # A NAL unit never ends in a zero byte: zeros belong to the next start code or are padding.
        nal = nal.rstrip(b"\0")
        if nal:
            yield nal


def split_length_prefixed(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of a sample with 4-byte lengths; stops where a length leads outside."""
    at = 0
    while at + 4 <= len(data):
        length = U32.unpack_from(data, at)[0]
        if length == 0 or at + 4 + length > len(data):
            return
        yield data[at + 4 : at + 4 + length]
        at += 4 + length


def is_annex_b(extradata: bytes | None) -> bool:
    """Return whether a stream's samples have start codes, judging by its decoder configuration.

    The samples themselves cannot tell: the length 0x00000100 to 0x000001FF looks like a start code.
    """
    return not extradata or extradata[0] != 1


def to_length_prefixed(data: bytes) -> bytes:
    """Return an Annex B sample with 4-byte length prefixes in place of its start codes."""
    pieces: list[bytes] = []
    for nal in split_annex_b(data):
        pieces.append(U32.pack(len(nal)))
        pieces.append(nal)
    return b"".join(pieces)


def nal_type(nal: bytes, codec: str) -> int:
    """Return the NAL unit type (H.264 clause 7.3.1, H.265 clause 7.3.1.2)."""
    return nal[0] & 31 if codec == "h264" else nal[0] >> 1 & 63


def sets_in(sample: bytes, codec: str) -> tuple[bytes, ...]:
    """Return the parameter sets that stand in a length-prefixed sample."""
    wanted = ParameterSets(codec, ()).types()
    return tuple(nal for nal in split_length_prefixed(sample) if nal_type(nal, codec) in wanted)


def with_sets(sample: bytes, sets: ParameterSets) -> bytes:
    """Return a length-prefixed keyframe with its parameter sets in front, unless it has its own SPS.

    A slice over runs with other settings can then be decoded with one sample entry.
    """
    sps = 7 if sets.codec == "h264" else 33
    for nal in split_length_prefixed(sample):
        kind = nal_type(nal, sets.codec)
        if kind == sps:
            return sample
        if kind < 6 or (sets.codec == "hevc" and kind < 32):
            break  # the picture begins: none stood before it
    return b"".join(piece for nal in sets.nals for piece in (U32.pack(len(nal)), nal)) + sample

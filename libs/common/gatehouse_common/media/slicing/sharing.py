"""Which recorded samples can share a track: those that one sample entry decodes."""

from __future__ import annotations

from gatehouse_common.media.init_segment import decoder_config
from gatehouse_common.media.samples import TrackFormat

IN_BAND = frozenset({"avc1", "hvc1"})
"""Codecs whose parameter sets stand in front of every keyframe, so that any sample entry of theirs will do."""

_ES, _DECODER, _SPECIFIC = 3, 4, 5


def sharing_key(format_: TrackFormat) -> tuple[object, ...]:
    """Return what formats must have in common for their samples to share a track."""
    if format_.codec in IN_BAND:
        return format_.kind, format_.codec
    return format_.kind, format_.codec, format_.timescale, _decoding_part(format_)


def _decoding_part(format_: TrackFormat) -> bytes:
    """Return what of a sample entry matters for decoding: for AAC its AudioSpecificConfig, not the bit rates."""
    config = decoder_config(format_.sample_entry)
    if config is None or config[0] != b"esds":
        return format_.sample_entry
    # ISO/IEC 14496-1 clause 7.2.6: ES_Descriptor(id 16, flags 8) { DecoderConfigDescriptor(type 8, stream 8,
    # buffer 24, peak rate 32, mean rate 32) { DecoderSpecificInfo } }
    body = _descriptor(config[1][4:], _ES)
    body = _descriptor(body[3:], _DECODER) if body[2:3] == b"\0" else b""
    return body[:1] + _descriptor(body[13:], _SPECIFIC) if body else format_.sample_entry


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

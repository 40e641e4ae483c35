"""Which recorded samples can share a track: those that one sample entry decodes."""

from __future__ import annotations

from gatehouse_common.media.esds import parse_esds
from gatehouse_common.media.init_segment import decoder_config
from gatehouse_common.media.samples import TrackFormat

IN_BAND = frozenset({"avc1", "hvc1"})
"""Codecs whose parameter sets stand in front of every keyframe, so that any sample entry of theirs will do."""


def sharing_key(format_: TrackFormat) -> tuple[object, ...]:
    """Return what formats must have in common for their samples to share a track."""
    if format_.codec in IN_BAND:
        return format_.kind, format_.codec
    return format_.kind, format_.codec, format_.timescale, _decoding_part(format_)


def _decoding_part(format_: TrackFormat) -> tuple[int, bytes] | bytes:
    """Return what of a sample entry matters for decoding: for AAC its AudioSpecificConfig, not the bit rates."""
    config = decoder_config(format_.sample_entry)
    found = parse_esds(config[1]) if config is not None and config[0] == b"esds" else None
    return format_.sample_entry if found is None else (found.object_type, found.specific)

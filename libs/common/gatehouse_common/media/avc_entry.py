"""The sample entry of H.264 video that we encode ourselves (ISO/IEC 14496-15 clause 5, 14496-12 clause 12.1.3)."""

from __future__ import annotations

import struct

from gatehouse_common.errors import DataLoss

from .boxes import box
from .nal import nal_type, split_annex_b
from .samples import VIDEO_TIMESCALE, TrackFormat

_HIGH = frozenset({100, 110, 122, 144})


def h264_format(extradata: bytes, width: int, height: int) -> TrackFormat:
    """Return the format of a track whose encoder gave ``extradata``: an SPS and a PPS with start codes.

    Raises:
        DataLoss: there is none of them in it.
    """
    nals = list(split_annex_b(extradata))
    sps = [n for n in nals if nal_type(n, "h264") == 7]
    pps = [n for n in nals if nal_type(n, "h264") == 8]
    if not sps or not pps:
        raise DataLoss("the encoder gave no parameter sets")
    entry = _visual_entry(b"avc1", width, height, box(b"avcC", _configuration(sps[0], pps[0])))
    return TrackFormat(1, "video", VIDEO_TIMESCALE, "avc1", f"avc1.{sps[0][1:4].hex()}", entry, width, height)


def _configuration(sps: bytes, pps: bytes) -> bytes:
    """AVCDecoderConfigurationRecord: version, profile, compatibility, level, length size, SPS, PPS."""
    tail = b"\xfd\xf8\xf8\x00" if sps[1] in _HIGH else b""  # 4:2:0, 8 bits, no SPS extensions
    return b"".join(
        (
            bytes((1, sps[1], sps[2], sps[3], 0xFF, 0xE1)),
            struct.pack(">H", len(sps)),
            sps,
            b"\x01",
            struct.pack(">H", len(pps)),
            pps,
            tail,
        )
    )


def _visual_entry(kind: bytes, width: int, height: int, *inner: bytes) -> bytes:
    fields = struct.pack(">6xH16xHHIIIH32sHh", 1, width, height, 0x480000, 0x480000, 0, 1, b"", 24, -1)
    return box(kind, fields, *inner)

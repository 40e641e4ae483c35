"""Sample entries of video that we encode ourselves, or take as JPEGs (ISO/IEC 14496-12 clause 12.1.3, 14496-15)."""

from __future__ import annotations

import struct

from gatehouse_common.errors import DataLoss

from .boxes import box
from .esds import JPEG, MPEG4_VISUAL, Description, build_esds
from .init_segment import codec_string
from .nal import nal_type, split_annex_b
from .samples import VIDEO_TIMESCALE, TrackFormat

_HIGH = frozenset({100, 110, 122, 144})
_VPS, _SPS, _PPS = 32, 33, 34


def h264_format(extradata: bytes, width: int, height: int) -> TrackFormat:
    """Return the format of a track whose encoder gave ``extradata``: an SPS and a PPS with start codes.

    Raises:
        DataLoss: there is none of them in it.
    """
    sps, pps = _sets(extradata, "h264", 7, 8)
    return _format(b"avc1", width, height, box(b"avcC", _avc_configuration(sps, pps)))


def h265_format(extradata: bytes, width: int, height: int) -> TrackFormat:
    """Return the format of a track of 4:2:0 in 8 bits whose encoder gave ``extradata``: VPS, SPS and PPS.

    Raises:
        DataLoss: there is none of them in it.
    """
    vps, sps, pps = _sets(extradata, "hevc", _VPS, _SPS, _PPS)
    return _format(b"hvc1", width, height, box(b"hvcC", _hevc_configuration(vps, sps, pps)))


def mpeg4_format(header: bytes, width: int, height: int) -> TrackFormat:
    """Return the format of a track of MPEG-4 part 2 whose encoder gave ``header``."""
    return _format(b"mp4v", width, height, build_esds(Description(MPEG4_VISUAL, header)))


def jpeg_format(width: int, height: int) -> TrackFormat:
    """Return the format of a track whose samples are JPEGs of a size."""
    return _format(b"mp4v", width, height, build_esds(Description(JPEG, b"")))


def _sets(extradata: bytes, codec: str, *kinds: int) -> list[bytes]:
    """Return the first NAL unit of each kind."""
    found = {nal_type(n, codec): n for n in reversed(list(split_annex_b(extradata)))}
    if not set(kinds) <= set(found):
        raise DataLoss("the encoder gave no parameter sets")
    return [found[kind] for kind in kinds]


def _format(kind: bytes, width: int, height: int, config: bytes) -> TrackFormat:
    fields = struct.pack(">6xH16xHHIIIH32sHh", 1, width, height, 0x480000, 0x480000, 0, 1, b"", 24, -1)
    entry = box(kind, fields, config)
    codec = kind.decode()
    return TrackFormat(1, "video", VIDEO_TIMESCALE, codec, codec_string(codec, entry), entry, width, height)


def _avc_configuration(sps: bytes, pps: bytes) -> bytes:
    """AVCDecoderConfigurationRecord: version, profile, compatibility, level, length size, SPS, PPS."""
    tail = b"\xfd\xf8\xf8\x00" if sps[1] in _HIGH else b""  # 4:2:0, 8 bits, no SPS extensions
    head = bytes((1, sps[1], sps[2], sps[3], 0xFF, 0xE1))
    return head + struct.pack(">H", len(sps)) + sps + b"\x01" + struct.pack(">H", len(pps)) + pps + tail


def _hevc_configuration(vps: bytes, sps: bytes, pps: bytes) -> bytes:
    """HEVCDecoderConfigurationRecord (14496-15 clause 8.3.3.1).

    ``version(8) profile, tier and level (96) min_spatial_segmentation(4+12) parallelism(6+2) chroma(6+2) luma
    depth(5+3) chroma depth(5+3) frame rate(16) constant(2) layers(3) nested(1) length size(2) arrays(8)``
    """
    # H.265 clause 7.3.2.2: the NAL header's 16 bits, ids and layers in 8, then profile_tier_level.
    plain = sps[:24].replace(b"\0\0\3", b"\0\0")
    layers, nested = (plain[2] >> 1 & 7) + 1, plain[2] & 1
    head = b"\x01" + plain[3:15] + b"\xf0\0\xfc\xfd\xf8\xf8\0\0" + bytes((layers << 3 | nested << 2 | 3, 3))
    arrays = [struct.pack(">BHH", 0x80 | kind, 1, len(n)) + n for kind, n in ((_VPS, vps), (_SPS, sps), (_PPS, pps))]
    return head + b"".join(arrays)

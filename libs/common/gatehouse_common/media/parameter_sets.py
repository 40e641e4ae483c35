"""SPS, PPS and VPS: out of ``avcC`` and ``hvcC``, and what they say about the order of pictures.

``avcC`` and ``hvcC`` are laid out in ISO/IEC 14496-15 clauses 5.3.3.1 and 8.3.3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from .bits import BitReader

HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
DEFAULT_DEPTH = 4


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The parameter sets of a stream, in the order in which they must stand before a keyframe."""

    codec: str
    nals: tuple[bytes, ...]

    def types(self) -> frozenset[int]:
        """Return the NAL unit types that are parameter sets of this codec."""
        return frozenset({7, 8}) if self.codec == "h264" else frozenset({32, 33, 34})


def from_avcc(data: bytes) -> ParameterSets:
    """Return what an AVCDecoderConfigurationRecord holds."""
    nals, at = [], 6
    for _ in range(data[5] & 31):
        length = int.from_bytes(data[at : at + 2], "big")
        nals.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    count, at = data[at], at + 1
    for _ in range(count):
        length = int.from_bytes(data[at : at + 2], "big")
        nals.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return ParameterSets("h264", tuple(nals))


def from_hvcc(data: bytes) -> ParameterSets:
    """Return the VPS, SPS and PPS of an HEVCDecoderConfigurationRecord."""
    nals, at = [], 23
    for _ in range(data[22]):
        kind, count = data[at] & 63, int.from_bytes(data[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            length = int.from_bytes(data[at : at + 2], "big")
            if kind in {32, 33, 34}:
                nals.append(data[at + 2 : at + 2 + length])
            at += 2 + length
    return ParameterSets("hevc", tuple(nals))


def reorder_depth(sets: ParameterSets) -> int:
    """Return how many pictures may precede one in decoding and follow it in presentation.

    As the stream states it; ``DEFAULT_DEPTH`` when it does not say and may reorder.
    """
    try:
        if sets.codec == "h264":
            depths = [_h264_depth(n) for n in sets.nals if n[0] & 31 == 7]
        else:
            depths = [_hevc_depth(n) for n in sets.nals if n[0] >> 1 & 63 == 32]
    except (EOFError, IndexError):
        return DEFAULT_DEPTH
    return max(depths, default=DEFAULT_DEPTH)


def _h264_depth(nal: bytes) -> int:
    """Read ``max_num_reorder_frames`` of an SPS (H.264 clauses 7.3.2.1.1 and E.1.1)."""
    r = BitReader(nal[1:])
    profile = r.bits(8)
    r.bits(16)
    r.ue()  # seq_parameter_set_id
    if profile == 66:
        return 0
    if profile in HIGH_PROFILES:
        _skip_chroma(r)
    r.ue()  # log2_max_frame_num_minus4
    order = r.ue()
    if order == 2:  # output order is decoding order
        return 0
    if order == 0:
        r.ue()
    else:
        r.bits(1), r.se(), r.se()
        for _ in range(r.ue()):
            r.se()
    r.ue()  # max_num_ref_frames
    r.bits(1)
    r.ue(), r.ue()  # size in macroblocks
    if not r.flag():  # frame_mbs_only_flag
        r.bits(1)
    r.bits(1)
    if r.flag():  # frame_cropping_flag
        r.ue(), r.ue(), r.ue(), r.ue()
    return _vui_depth(r) if r.flag() else DEFAULT_DEPTH


def _skip_chroma(r: BitReader) -> None:
    chroma = r.ue()
    if chroma == 3:
        r.bits(1)
    r.ue(), r.ue()  # bit depths
    r.bits(1)
    if r.flag():  # seq_scaling_matrix_present_flag
        for i in range(12 if chroma == 3 else 8):
            if r.flag():
                last = following = 8
                for _ in range(16 if i < 6 else 64):
                    if following:
                        following = (last + r.se()) % 256
                    last = following or last


def _vui_depth(r: BitReader) -> int:
    if r.flag() and r.bits(8) == 255:  # aspect_ratio_idc: extended
        r.bits(32)
    if r.flag():  # overscan_info_present_flag
        r.bits(1)
    if r.flag():  # video_signal_type_present_flag
        r.bits(4)
        if r.flag():
            r.bits(24)
    if r.flag():  # chroma_loc_info_present_flag
        r.ue(), r.ue()
    if r.flag():  # timing_info_present_flag
        r.bits(65)
    hrd = 0
    for _ in range(2):  # NAL and VCL
        if r.flag():
            hrd += 1
            _skip_hrd(r)
    if hrd:
        r.bits(1)
    r.bits(1)
    if not r.flag():  # bitstream_restriction_flag
        return DEFAULT_DEPTH
    r.bits(1)
    r.ue(), r.ue(), r.ue(), r.ue()
    return min(r.ue(), 16)


def _skip_hrd(r: BitReader) -> None:
    count = r.ue() + 1
    r.bits(8)
    for _ in range(count):
        r.ue(), r.ue(), r.bits(1)
    r.bits(20)


def _hevc_depth(nal: bytes) -> int:
    """Read ``vps_max_num_reorder_pics`` of the highest sub-layer of a VPS (H.265 clause 7.3.2.1)."""
    r = BitReader(nal[2:])
    r.bits(12)  # id, base layer flags, max_layers_minus1
    layers = r.bits(3)
    r.bits(17)
    r.bits(96)  # general profile, tier and level
    present = [(r.flag(), r.flag()) for _ in range(layers)]
    if layers:
        r.bits(2 * (8 - layers))
    for profile, level in present:
        r.bits(88 * profile + 8 * level)
    each = r.flag()
    depth = 0
    for _ in range(layers + 1 if each else 1):
        r.ue()
        depth = r.ue()
        r.ue()
    return min(depth, 16)

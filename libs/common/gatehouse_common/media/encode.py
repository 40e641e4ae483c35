"""Encoding the few frames of a smart cut's head, the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.frame import PictureType

from gatehouse_common.errors import DataLoss

from .decode import configuration, video_codec
from .mpeg4_visual import may_reorder
from .nal import to_length_prefixed
from .samples import VIDEO_TIMESCALE, TrackFormat

_ENCODERS = {
    "h264": (
        "libx264",
        {
            "preset": "veryfast",
            "crf": "18",
            "x264-params": "sps-id=1:keyint=9999:scenecut=0:bframes=0:repeat-headers=1:annexb=1",
        },
    ),
    "hevc": (
        "libx265",
        {
            "preset": "ultrafast",
            "crf": "20",
            "x265-params": "log-level=none:keyint=9999:scenecut=0:bframes=0:repeat-headers=1:annexb=1"
            ":frame-threads=1:pools=none:open-gop=0",
        },
    ),
    "mpeg4": ("mpeg4", {"flags": "+qscale+bitexact", "global_quality": "236", "g": "9999"}),
}
REENCODED = frozenset(_ENCODERS)
"""Codecs with an encoder, by libavcodec's names. Of JPEGs each is a keyframe, so that none is needed."""


_END_OF_SEQUENCE = {"hevc": b"\0\0\0\x02\x48\x01"}
"""What ends the encoded pictures. A CRA picture after an end of sequence NAL unit (H.265 clause 7.4.2.4.4, type 36)
begins a sequence of its own, so that its picture order does not have to go on from the encoder's. The camera's H.264
goes on with an IDR picture, and needs none; x264's parameter sets have an id of their own."""

MPEG4_STEP = 2
"""MPEG-4 part 2 counts at most 65535 ticks a second (14496-2 clause 6.3.3), so its encoder is told every other tick."""

_COLOUR = ("color_range", "color_primaries", "color_trc", "colorspace")


@dataclass(frozen=True, slots=True)
class EncodedSample:
    """A sample with its parameter sets in-band; ``pts`` in ticks of 1/90000 s.

    It is length-prefixed where the codec has NAL units.
    """

    pts: int
    sync: bool
    data: bytes


def encode_head(format_: TrackFormat, frames: Sequence[av.VideoFrame]) -> list[EncodedSample]:
    """Return ``frames`` encoded with the codec of ``format_``, the first as keyframe, none reordered.

    Raises:
        DataLoss: there are no frames, or no encoder for the codec.
    """
    codec = video_codec(format_)
    if not frames or codec not in _ENCODERS:
        raise DataLoss(f"the start of the range cannot be encoded anew ({codec}, {len(frames)} frames)")
    name, options = _ENCODERS[codec]
    encoder = av.CodecContext.create(name, "w")
    if not isinstance(encoder, av.VideoCodecContext):
        raise DataLoss(f"{name} makes no video")
    first = frames[0]
    encoder.width, encoder.height, encoder.pix_fmt = first.width, first.height, first.format.name
    step = MPEG4_STEP if codec == "mpeg4" else 1
    encoder.time_base = Fraction(step, VIDEO_TIMESCALE)
    encoder.framerate = Fraction(30)
    encoder.thread_count = 1  # more threads may give other bytes
    encoder.options = options
    config = configuration(format_)
    # A decoder that goes on with pictures that may be reordered, after some that may not, shows the last one twice.
    if codec == "mpeg4" and config is not None and may_reorder(config.specific):
        encoder.max_b_frames = 1
    for name in _COLOUR:
        setattr(encoder, name, getattr(first, name))
    times = [frame.pts or 0 for frame in frames]
    packets = []
    for frame in frames:
        frame.pict_type = PictureType.P if codec == "mpeg4" and frame is not first else PictureType.NONE
        frame.pts, frame.time_base = (frame.pts or 0) // step, encoder.time_base
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    # None is reordered, so the packets are those of the frames, one by one.
    samples = [
        EncodedSample(pts, p.is_keyframe, bytes(p) if codec == "mpeg4" else to_length_prefixed(bytes(p)))
        for pts, p in zip(times, packets, strict=True)
    ]
    last = samples[-1]
    samples[-1] = EncodedSample(last.pts, last.sync, last.data + _END_OF_SEQUENCE.get(codec, b""))
    return samples

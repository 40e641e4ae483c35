"""Encoding the few frames of a smart cut's head, the same bytes every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.frame import PictureType

from gatehouse_common.errors import DataLoss

from .nal import to_length_prefixed
from .samples import VIDEO_TIMESCALE, TrackFormat

_ENCODERS = {
    "avc1": (
        "libx264",
        {
            "preset": "veryfast",
            "crf": "18",
            "x264-params": "sps-id=1:keyint=9999:scenecut=0:bframes=0:repeat-headers=1:annexb=1",
        },
    ),
    "hvc1": (
        "libx265",
        {
            "preset": "ultrafast",
            "crf": "20",
            "x265-params": "log-level=none:keyint=9999:scenecut=0:bframes=0:repeat-headers=1:annexb=1"
            ":frame-threads=1:pools=none:open-gop=0",
        },
    ),
}


_END_OF_SEQUENCE = {"avc1": b"", "hvc1": b"\0\0\0\x02\x48\x01"}
"""What ends the encoded pictures. A CRA picture after an end of sequence NAL unit (H.265 clause 7.4.2.4.4, type 36)
begins a sequence of its own, so that its picture order does not have to go on from the encoder's. The camera's H.264
goes on with an IDR picture, and needs none; x264's parameter sets have an id of their own."""

_COLOUR = ("color_range", "color_primaries", "color_trc", "colorspace")


@dataclass(frozen=True, slots=True)
class EncodedSample:
    """A length-prefixed sample with its parameter sets in-band; ``pts`` in ticks of 1/90000 s."""

    pts: int
    sync: bool
    data: bytes


def encode_head(format_: TrackFormat, frames: Sequence[av.VideoFrame]) -> list[EncodedSample]:
    """Return ``frames`` encoded with the codec of ``format_``, the first as keyframe, none reordered.

    Raises:
        DataLoss: there are no frames, or no encoder for the codec.
    """
    if not frames or format_.codec not in _ENCODERS:
        raise DataLoss(f"the start of the range cannot be encoded anew ({format_.codec}, {len(frames)} frames)")
    name, options = _ENCODERS[format_.codec]
    encoder = av.CodecContext.create(name, "w")
    if not isinstance(encoder, av.VideoCodecContext):
        raise DataLoss(f"{name} makes no video")
    first = frames[0]
    encoder.width, encoder.height, encoder.pix_fmt = first.width, first.height, first.format.name
    encoder.time_base = Fraction(1, VIDEO_TIMESCALE)
    encoder.framerate = Fraction(30)
    encoder.thread_count = 1  # more threads may give other bytes
    encoder.options = options
    for name in _COLOUR:
        setattr(encoder, name, getattr(first, name))
    packets = []
    for frame in frames:
        frame.pict_type = PictureType.NONE
        frame.time_base = Fraction(1, VIDEO_TIMESCALE)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    samples = [EncodedSample(p.pts or 0, p.is_keyframe, to_length_prefixed(bytes(p))) for p in packets]
    last = samples[-1]
    samples[-1] = EncodedSample(last.pts, last.sync, last.data + _END_OF_SEQUENCE[format_.codec])
    return samples

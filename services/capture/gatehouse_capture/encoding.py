"""Pictures that cannot be stored as they come are encoded once, with closed GOPs of two seconds, or as JPEGs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Protocol

import av
from av.video.frame import PictureType
from av.video.reformatter import ColorRange

from gatehouse_capture.sources.jpeg import with_tables
from gatehouse_capture.sources.port import Packet, StreamInfo
from gatehouse_common.camera_url import Codec
from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.media import nal
from gatehouse_common.media.encode import MPEG4_STEP
from gatehouse_common.media.init_segment import parameter_sets
from gatehouse_common.media.live_stream import build_video_init
from gatehouse_common.media.mpeg4_visual import with_header
from gatehouse_common.media.pictures import encode_jpeg
from gatehouse_common.media.samples import VIDEO_TIMESCALE, TrackFormat
from gatehouse_common.media.visual_entries import h264_format, h265_format, jpeg_format, mpeg4_format

GOP_S = 2
_MOST_FRAMES = 600
"""Where we ask for keyframes ourselves: more pictures than that in ``GOP_S`` do not come. Not every encoder in
hardware does what is asked, so that those are told a number of pictures."""
_LEAST_FPS = 10.0
"""What a slower camera's bit rate is reckoned with."""
_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a codec is encoded: in hardware if it can be, else by ``software`` with ``options``."""

    hardware: tuple[str, ...]
    software: str
    options: dict[str, str]
    describe: Callable[[bytes, int, int], TrackFormat]
    step: int = 1
    """How many ticks of 1/90000 s the encoder counts as one."""


_H265_OPTIONS = "log-level=none:info=0:keyint=600:bframes=0:open-gop=0:scenecut=0:repeat-headers=0:frame-threads=1"
_PLANS: dict[Codec, _Plan] = {
    "h264": _Plan(
        ("h264_nvenc", "h264_videotoolbox", "h264_v4l2m2m"),
        "libx264",
        {"preset": "superfast", "tune": "zerolatency"},
        h264_format,
    ),
    "h265": _Plan(
        ("hevc_nvenc", "hevc_videotoolbox", "hevc_v4l2m2m"),
        "libx265",
        {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1", "x265-params": f"pools=1:{_H265_OPTIONS}"},
        h265_format,
    ),
    "mpeg4": _Plan((), "mpeg4", {}, mpeg4_format, MPEG4_STEP),
}


@cache
def best_encoder(codec: Codec = "h264") -> str:
    """Return the first hardware encoder of a codec that really encodes a picture here, else that in software."""
    plan = _PLANS[codec]
    for name in plan.hardware:
        try:
            encoder = _make(plan, name, 640, 480, Fraction(30))
            encoder.encode(av.VideoFrame(640, 480, "yuv420p"))
            encoder.encode(None)
        except (av.FFmpegError, ValueError, OSError):
            continue
        return name
    return plan.software


def _make(plan: _Plan, name: str, width: int, height: int, fps: Fraction) -> av.VideoCodecContext:
    encoder = av.CodecContext.create(name, "w")
    if not isinstance(encoder, av.VideoCodecContext):
        raise SourceUnavailable(f"{name} makes no video")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(plan.step, VIDEO_TIMESCALE)
    encoder.framerate = fps
    encoder.gop_size = _MOST_FRAMES if name == plan.software else max(1, round(fps * GOP_S))
    encoder.max_b_frames = 0
    # About 0.1 bit per pixel, what cameras of this size send. A keyframe costs as much however few pictures follow.
    encoder.bit_rate = round(width * height * max(float(fps), _LEAST_FPS) * 0.1)
    encoder.flags |= av.codec.context.Flags.global_header
    if name == plan.software:
        encoder.options = plan.options
        encoder.thread_count = 1
    encoder.open()
    return encoder


class Encoder(Protocol):
    """Makes the packets of a track out of pictures.

    Attributes:
        info: what it makes.
        takes_jpegs: whether it takes a camera's JPEGs as they are, so that nothing has to be decoded.
    """

    info: StreamInfo
    takes_jpegs: bool

    def encode(
        self, frame: av.VideoFrame | None, pts: int, arrival_us: int, jpeg: bytes | None = None
    ) -> Iterator[Packet]:
        """Yield the packets that a picture completes.

        Args:
            frame: the picture; None where it is a JPEG that nothing was decoded of.
            pts: its time in ticks of 1/90000 s.
            arrival_us: the wall time at which it was here.
            jpeg: the picture as the camera sent it, if that was a JPEG.
        """
        ...


def make_encoder(
    codec: Codec | None, width: int, height: int, fps: float, backend: str, *, live: bool = True
) -> Encoder:
    """Return the encoder for a camera's pictures; see ``PictureEncoder``.

    Raises:
        SourceUnavailable: no encoder takes pictures of this size.
    """
    if codec == "mjpeg":
        return JpegTrack(width, height, fps, backend, live=live)
    return PictureEncoder(width, height, fps, backend, live=live, codec=codec or "h264")


class JpegTrack:
    """Stores pictures as JPEGs: those that a camera sends untouched, others encoded; see ``PictureEncoder``."""

    takes_jpegs = True

    def __init__(self, width: int, height: int, fps: float, backend: str, *, live: bool = True) -> None:
        format_ = jpeg_format(width, height)
        self.info = StreamInfo(build_video_init(format_), (format_,), None, 0, fps or 30.0, backend, live=live)

    def encode(
        self, frame: av.VideoFrame | None, pts: int, arrival_us: int, jpeg: bytes | None = None
    ) -> Iterator[Packet]:
        """Yield the picture; see ``Encoder``."""
        if jpeg is not None:
            data = with_tables(jpeg)
        elif frame is not None:
            data = encode_jpeg(frame, frame.width, _JPEG_QUALITY)[0]
        else:
            return
        yield Packet(0, pts, 0, True, data, arrival_us, jpeg=data)


class PictureEncoder:
    """Encodes the pictures of one source.

    Args:
        width: of the pictures, in pixels; of an odd number one is left out, as encoders of 4:2:0 take even ones.
        height: likewise.
        fps: frames per second to be expected, 0 if unknown; may be wrong, it only guides the bit rate and GOPs.
        backend: how they are read, for people.
        live: whether pictures arrive when they happen.
        codec: what to encode to.

    Raises:
        SourceUnavailable: no encoder takes pictures of this size.
    """

    takes_jpegs = False

    def __init__(
        self, width: int, height: int, fps: float, backend: str, *, live: bool = True, codec: Codec = "h264"
    ) -> None:
        rate = Fraction(fps).limit_denominator(1001) if fps > 0 else Fraction(30)
        plan = _PLANS[codec]
        width, height = width // 2 * 2, height // 2 * 2
        try:
            self._encoder = _make(plan, best_encoder(codec), width, height, rate)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise SourceUnavailable(f"pictures of {width}x{height} cannot be encoded: {error}") from error
        self._keyframe_at: int | None = None
        self._step, self._last = plan.step, -1
        self._header = self._encoder.extradata or b""
        format_ = plan.describe(self._header, width, height)
        self._sets = parameter_sets(format_)
        self.info = StreamInfo(build_video_init(format_), (format_,), self._sets, 0, float(rate), backend, live=live)

    def encode(
        self, frame: av.VideoFrame | None, pts: int, arrival_us: int, jpeg: bytes | None = None
    ) -> Iterator[Packet]:
        """Yield the packets that a picture completes; see ``Encoder``."""
        if frame is None:
            return
        frame = self._fitting(frame)
        self._last = max(pts // self._step, self._last + 1)
        frame.pts, frame.time_base = self._last, self._encoder.time_base
        # Raw pictures say "I", which would make every one a keyframe; and what a rate of pictures is said to be is
        # often wrong, so that keyframes go by time.
        due = self._keyframe_at is None or pts - self._keyframe_at >= GOP_S * VIDEO_TIMESCALE
        frame.pict_type = PictureType.I if due else PictureType.NONE
        if due:
            self._keyframe_at = pts
        for made in self._encoder.encode(frame):
            data = self._stored(bytes(made), sync=made.is_keyframe)
            yield Packet(0, (made.pts or 0) * self._step, 0, made.is_keyframe, data, arrival_us, jpeg=jpeg)

    def _stored(self, data: bytes, *, sync: bool) -> bytes:
        """Return a packet as samples are: with its parameters in front if decoding can begin with it."""
        if self._sets is None:
            return with_header(data, self._header) if sync else data
        data = nal.to_length_prefixed(data)
        return nal.with_sets(data, self._sets) if sync else data

    def _fitting(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return a frame of the size, format and range that are encoded.

        JPEGs use the whole range of values, 0 to 255, and H.264 without a word about it does not: 16 to 235.
        """
        width, height = self._encoder.width, self._encoder.height
        whole = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        if frame.format.name == "yuv420p" and (frame.width, frame.height) == (width, height) and not whole:
            return frame
        if whole:
            return frame.reformat(
                width, height, "yuv420p", src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG
            )
        return frame.reformat(width, height, "yuv420p")

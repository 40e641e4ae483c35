"""Pictures that cannot be stored as they come are encoded once, to H.264 with closed GOPs of two seconds."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import av
from av.video.frame import PictureType
from av.video.reformatter import ColorRange

from gatehouse_capture.sources.port import Packet, StreamInfo
from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.media import nal
from gatehouse_common.media.avc_entry import h264_format
from gatehouse_common.media.init_segment import parameter_sets
from gatehouse_common.media.live_stream import build_video_init
from gatehouse_common.media.samples import VIDEO_TIMESCALE

GOP_S = 2
_MOST_FRAMES = 600
"""Where we ask for keyframes ourselves: more pictures than that in ``GOP_S`` do not come. Not every encoder in
hardware does what is asked, so that those are told a number of pictures."""
HARDWARE = ("h264_nvenc", "h264_videotoolbox", "h264_v4l2m2m")


@cache
def best_encoder() -> str:
    """Return the first hardware encoder that really encodes a picture here, else ``libx264``."""
    for name in HARDWARE:
        try:
            encoder = _make(name, 640, 480, Fraction(30))
            encoder.encode(av.VideoFrame(640, 480, "yuv420p"))
            encoder.encode(None)
        except (av.FFmpegError, ValueError, OSError):
            continue
        return name
    return "libx264"


def _make(name: str, width: int, height: int, fps: Fraction) -> av.VideoCodecContext:
    encoder = av.CodecContext.create(name, "w")
    if not isinstance(encoder, av.VideoCodecContext):
        raise SourceUnavailable(f"{name} makes no video")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base = Fraction(1, VIDEO_TIMESCALE)
    encoder.framerate = fps
    encoder.gop_size = _MOST_FRAMES if name == "libx264" else max(1, round(fps * GOP_S))
    encoder.max_b_frames = 0
    # About 0.1 bit per pixel, what cameras of this size send.
    encoder.bit_rate = round(width * height * float(fps) * 0.1)
    encoder.flags |= av.codec.context.Flags.global_header
    if name == "libx264":
        encoder.options = {"preset": "superfast", "tune": "zerolatency"}
        encoder.thread_count = 1
    encoder.open()
    return encoder


class PictureEncoder:
    """Encodes the pictures of one source.

    Args:
        width: of the pictures, in pixels; of an odd number one is left out, as encoders of 4:2:0 take even ones.
        height: likewise.
        fps: frames per second to be expected, 0 if unknown; may be wrong, it only guides the bit rate and GOPs.
        backend: how they are read, for people.
        live: whether pictures arrive when they happen.

    Raises:
        SourceUnavailable: no encoder takes pictures of this size.
    """

    def __init__(self, width: int, height: int, fps: float, backend: str, *, live: bool = True) -> None:
        rate = Fraction(fps).limit_denominator(1001) if fps > 0 else Fraction(30)
        name = best_encoder()
        width, height = width // 2 * 2, height // 2 * 2
        try:
            self._encoder = _make(name, width, height, rate)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise SourceUnavailable(f"pictures of {width}x{height} cannot be encoded: {error}") from error
        self._keyframe_at: int | None = None
        format_ = h264_format(self._encoder.extradata or b"", width, height)
        self._sets = parameter_sets(format_)
        self.info = StreamInfo(build_video_init(format_), (format_,), self._sets, 0, float(rate), backend, live=live)

    def encode(self, frame: av.VideoFrame, pts: int, arrival_us: int, jpeg: bytes | None = None) -> Iterator[Packet]:
        """Yield the packets that a picture completes.

        Args:
            frame: the picture.
            pts: its time in ticks of 1/90000 s.
            arrival_us: the wall time at which it was here.
            jpeg: the picture as the camera sent it, if that was a JPEG.
        """
        frame = self._fitting(frame)
        frame.pts, frame.time_base = pts, Fraction(1, VIDEO_TIMESCALE)
        # Raw pictures say "I", which would make every one a keyframe; and what a rate of pictures is said to be is
        # often wrong, so that keyframes go by time.
        due = self._keyframe_at is None or pts - self._keyframe_at >= GOP_S * VIDEO_TIMESCALE
        frame.pict_type = PictureType.I if due else PictureType.NONE
        if due:
            self._keyframe_at = pts
        for made in self._encoder.encode(frame):
            data = nal.to_length_prefixed(bytes(made))
            if made.is_keyframe and self._sets is not None:
                data = nal.with_sets(data, self._sets)
            yield Packet(0, made.pts or 0, 0, made.is_keyframe, data, arrival_us, jpeg=jpeg)

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

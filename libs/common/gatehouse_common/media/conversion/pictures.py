"""The pictures of a conversion: of any size and codec, encoded to one track of one size."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from gatehouse_common.media.samples import VIDEO_TIMESCALE

from .targets import Target

_GOP_S = 2
_THREADS = 2
_BLACK = (16, 128, 128)


class PictureTrack:
    """Takes decoded pictures in the order in which they are shown, and writes one track.

    Args:
        out: the container.
        target: says how to encode.
        width: of the track in pixels; pictures of another shape get black edges.
        height: likewise.
        fps: frames per second to be expected; only the bit rate goes by it.
    """

    def __init__(self, out: OutputContainer, target: Target, width: int, height: int, fps: float) -> None:
        stream = out.add_stream(target.video or "", rate=max(1, round(fps)))
        assert isinstance(stream, VideoStream)  # noqa: S101 - for the type: the encoder is of pictures
        stream.width, stream.height, stream.pix_fmt = width // 2 * 2, height // 2 * 2, "yuv420p"
        scale = 1000 if target.container == "webm" else VIDEO_TIMESCALE
        stream.time_base = stream.codec_context.time_base = Fraction(1, scale)
        stream.codec_context.gop_size = 9999
        if "crf" not in target.encoding:
            stream.bit_rate = round(width * height * min(fps, 60) * 0.1)
        stream.codec_context.thread_count = _THREADS
        stream.options = dict(target.encoding)
        self._out, self._stream = out, stream
        self._last = -1
        self.taken = 0
        """How many pictures there have been."""
        self._keyframe_at: int | None = None

    def take(self, frame: av.VideoFrame, at: Fraction) -> None:
        """Encode a picture that is shown ``at`` so many seconds."""
        base = self._stream.codec_context.time_base
        pts = round(at / base)
        fitted = self._fitting(frame)
        self._last = fitted.pts = max(pts, self._last + 1)
        fitted.time_base = base
        due = self._keyframe_at is None or (self._last - self._keyframe_at) * base >= _GOP_S
        fitted.pict_type = PictureType.I if due else PictureType.NONE
        if due:
            self._keyframe_at = self._last
        self.taken += 1
        self._out.mux(self._stream.encode(fitted))

    def finish(self) -> None:
        """End the track."""
        self._out.mux(self._stream.encode(None))

    def _fitting(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the picture in the track's size and format, in the range of values that video has."""
        width, height = self._stream.width, self._stream.height
        shrink = min(width / frame.width, height / frame.height)
        inner = min(width, round(frame.width * shrink / 2) * 2), min(height, round(frame.height * shrink / 2) * 2)
        whole = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
        if whole:
            fitted = frame.reformat(*inner, "yuv420p", src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG)
        else:
            fitted = frame.reformat(*inner, "yuv420p")
        return fitted if inner == (width, height) else _framed(fitted, width, height)


def _framed(frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """Return a picture in the middle of a black one."""
    large = av.VideoFrame(width, height, "yuv420p")
    for number, (source, plane) in enumerate(zip(frame.planes, large.planes, strict=True)):
        part = 2 if number else 1
        rows = np.frombuffer(memoryview(source), np.uint8).reshape(-1, source.line_size)
        rows = rows[: frame.height // part, : frame.width // part]
        whole = np.full((plane.height, plane.line_size), _BLACK[number], np.uint8)
        top, left = (height // part - rows.shape[0]) // 2, (width // part - rows.shape[1]) // 2
        whole[top : top + rows.shape[0], left : left + rows.shape[1]] = rows
        plane.update(whole.tobytes())
    return large

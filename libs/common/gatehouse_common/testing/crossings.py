"""Films of a place where nothing happens, but for things that cross it now and then; where they are is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType
from av.video.stream import VideoStream
from numpy.typing import NDArray

from gatehouse_common.media.samples import VIDEO_TIMESCALE

U8 = NDArray[np.uint8]
_STRETCHES = 1 << 20


@dataclass(frozen=True, slots=True)
class Crossing:
    """Something that comes in on the left and goes out on the right, at a constant speed.

    Attributes:
        first: the frame in which its front is seen first.
        frames: how many until its back is gone.
        y: its upper edge as a fraction of the picture's height.
        width: of it as a fraction of the picture's width.
        stops: if given, the frame from which on it stands still for good.
        contrast: how much brighter and darker than its surroundings it is, of 255 levels.
    """

    first: int
    frames: int = 60
    y: float = 0.5
    width: float = 0.15
    stops: int | None = None
    contrast: int = 60

    def left(self, frame: int, picture: int) -> int | None:
        """Return the column of its left edge in a frame of ``picture`` columns, None if it is not there."""
        at = min(frame, self.stops) if self.stops is not None else frame
        if at < self.first or at >= self.first + self.frames:
            return None
        wide = round(self.width * picture)
        return round((at - self.first + 1) / self.frames * (picture + wide)) - wide


@dataclass(frozen=True, slots=True)
class PlaceSpec:
    """What the film is like.

    Attributes:
        crossings: what crosses.
        codec: ``h264``, ``hevc`` or ``mjpeg``.
        frames: how many.
        fps: frames a second.
        gop: frames from keyframe to keyframe.
        bframes: pictures between references; with ``hevc`` the GOPs are open.
        width: pixels.
        height: pixels.
        noise: standard deviation of each pixel, another in each frame, of 255 levels.
        bit_rate: bits a second that the encoder always uses up; 0: as many as a constant quality takes.
        preset: of the encoder.
    """

    crossings: tuple[Crossing, ...] = field(default_factory=tuple)
    codec: str = "h264"
    frames: int = 900
    fps: int = 30
    gop: int = 60
    bframes: int = 0
    width: int = 640
    height: int = 360
    noise: float = 2.0
    bit_rate: int = 0
    preset: str = "ultrafast"


def make_place(path: Path, spec: PlaceSpec) -> Path:
    """Write the film as MP4 to ``path`` and return that."""
    with av.open(str(path), "w", format="mp4") as out:
        stream = _stream(out, spec)
        for number, luma in enumerate(pictures(spec)):
            frame = _frame(luma, "yuvj420p" if spec.codec == "mjpeg" else "yuv420p")
            frame.pts, frame.time_base = number * VIDEO_TIMESCALE // spec.fps, Fraction(1, VIDEO_TIMESCALE)
            frame.pict_type = PictureType.I if number % spec.gop == 0 else PictureType.NONE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def pictures(spec: PlaceSpec) -> Iterator[U8]:
    """Yield the luma of each picture as it is before encoding, shape ``(height, width)``."""
    rng = np.random.default_rng(5)
    ground = _texture(rng, spec.height, spec.width, 110, 35).astype(np.int16)
    # Noise of a frame is any stretch of a longer one: as good as another, and made in no time.
    noise = rng.normal(0, spec.noise, ground.size + _STRETCHES).round().astype(np.int16)
    things = [_thing(rng, spec, crossing).astype(np.int16) for crossing in spec.crossings]
    for number in range(spec.frames):
        begin = int(rng.integers(0, _STRETCHES))
        grain = noise[begin : begin + ground.size].reshape(ground.shape)
        picture = (ground + grain).astype(np.uint8)
        for crossing, thing in zip(spec.crossings, things, strict=True):
            left = crossing.left(number, spec.width)
            if left is None:
                continue
            y, (high, wide) = round(crossing.y * spec.height), thing.shape
            there = np.s_[y : y + high, max(0, left) : min(spec.width, left + wide)]
            seen = thing[: spec.height - y, max(0, left) - left : min(spec.width, left + wide) - left]
            picture[there] = np.clip(seen + grain[there], 16, 235)
        yield picture


def _texture(rng: np.random.Generator, rows: int, columns: int, level: float, contrast: float) -> NDArray[np.float32]:
    """Make something with edges of all sizes, as walls, trees and streets have."""
    total = np.zeros((rows, columns), np.float32)
    for size in (64, 16, 5):
        coarse = rng.uniform(-1, 1, (rows // size + 2, columns // size + 2)).astype(np.float32)
        total += np.repeat(np.repeat(coarse, size, 0), size, 1)[:rows, :columns]
    total *= contrast / 2
    total += level
    return total


def _thing(rng: np.random.Generator, spec: PlaceSpec, crossing: Crossing) -> NDArray[np.float32]:
    wide = round(crossing.width * spec.width)
    body = _texture(rng, max(8, wide // 2), wide, 110, 15)
    body += crossing.contrast * np.where(np.arange(wide) // max(4, wide // 4) % 2, 1, -1).astype(np.float32)
    return body


def _stream(out: av.container.OutputContainer, spec: PlaceSpec) -> VideoStream:
    stream = out.add_stream({"h264": "libx264", "hevc": "libx265"}.get(spec.codec, spec.codec), rate=spec.fps)
    if not isinstance(stream, VideoStream):
        raise TypeError(spec.codec)
    stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, "yuv420p"
    stream.codec_context.time_base = Fraction(1, VIDEO_TIMESCALE)
    gop = f"keyint={spec.gop}:min-keyint={spec.gop}:scenecut=0:bframes={spec.bframes}"
    options: dict[str, str] = {"preset": spec.preset}
    if spec.bit_rate:
        stream.codec_context.bit_rate = spec.bit_rate
        options |= {"maxrate": str(spec.bit_rate), "bufsize": str(spec.bit_rate)}
    else:
        options["crf"] = "26"
    if spec.codec == "hevc":
        options["x265-params"] = f"log-level=none:pools=1:{gop}:open-gop={int(spec.bframes > 0)}"
        stream.codec_context.codec_tag = "hvc1"
    elif spec.codec == "mjpeg":
        stream.pix_fmt = "yuvj420p"
        options = {"qmin": "4", "qmax": "4"}
    else:
        options["x264-params"] = gop + (":b-pyramid=normal:b-adapt=0" if spec.bframes > 1 else "")
    stream.options = {**options}
    return stream


def _frame(luma: U8, format_: str) -> av.VideoFrame:
    rows, columns = luma.shape
    frame = av.VideoFrame(columns, rows, format_)
    for number, plane in enumerate(frame.planes):
        pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        if number:
            pixels[:] = 128
        else:
            pixels[:rows, :columns] = luma
    return frame

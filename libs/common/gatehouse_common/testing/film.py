"""Films made at test time, with frame numbers burned in, in every shape that cameras send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.frame import PictureType
from av.video.stream import VideoStream
from numpy.typing import NDArray

from gatehouse_common.media.encode import MPEG4_STEP
from gatehouse_common.media.samples import VIDEO_TIMESCALE

from . import barcode

AUDIO_RATE = 48_000


@dataclass(frozen=True, slots=True)
class FilmSpec:
    """What a film is like.

    Attributes:
        codec: ``h264``, ``hevc``, ``mpeg4`` or ``mjpeg``.
        frames: how many.
        fps: nominal rate.
        gop: frames from keyframe to keyframe.
        bframes: pictures between references; with ``hevc`` the GOPs are open.
        width: pixels.
        height: pixels.
        vfr: leave out frames at random, so that the rate varies (frame numbers then count what is left).
        audio: add an AAC track of noise, in which every instant differs from every other.
        first: number of the first frame.
    """

    codec: str = "h264"
    frames: int = 300
    fps: int = 30
    gop: int = 60
    bframes: int = 0
    width: int = 640
    height: int = 360
    vfr: bool = False
    audio: bool = False
    first: int = 0


def make_film(path: Path, spec: FilmSpec) -> Path:
    """Write the film as MP4 to ``path`` and return that."""
    with av.open(str(path), "w", format="mp4") as out:
        video = _video_stream(out, spec)
        audio = _audio_stream(out) if spec.audio else None
        times = _times(spec)
        samples = 0
        noise = np.random.default_rng(7)
        for index, pts in enumerate(times):
            frame = _picture(spec, index)
            frame.pts, frame.time_base = pts, Fraction(1, VIDEO_TIMESCALE)
            frame.pict_type = (
                PictureType.I if (spec.vfr or spec.codec == "mpeg4") and index % spec.gop == 0 else PictureType.NONE
            )
            out.mux(video.encode(frame))
            while audio is not None and samples * VIDEO_TIMESCALE < pts * AUDIO_RATE:
                out.mux(audio.encode(_sound(noise, samples)))
                samples += 1024
        out.mux(video.encode(None))
        if audio is not None:
            out.mux(audio.encode(None))
    return path


def frame_numbers(film: Path | bytes, *, raw: bool = False) -> list[tuple[int, float]]:
    """Decode a whole film; return ``(burned-in number, presentation seconds)`` of each frame shown.

    Args:
        film: a file, or its bytes.
        raw: ignore edit lists, as some players do: shows what is in the file and not meant to be seen.
    """
    options = {"ignore_editlist": "1"} if raw else {}
    source = BytesIO(film) if isinstance(film, bytes) else str(film)
    with av.open(source, "r", options=options) as container:
        stream = container.streams.video[0]
        scale = stream.time_base or Fraction(1, VIDEO_TIMESCALE)
        return [(barcode.read(luma(f)), float((f.pts or 0) * scale)) for f in container.decode(stream)]


def luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return the luma plane of a planar YUV frame, shape ``(height, width)``."""
    plane = frame.planes[0]
    rows: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _times(spec: FilmSpec) -> Iterator[int]:
    """Yield presentation times in ticks of 1/90000 s."""
    step = VIDEO_TIMESCALE // spec.fps
    rng = np.random.default_rng(11)
    at = 0
    for _ in range(spec.frames):
        yield at
        at += step * (int(rng.integers(1, 5)) if spec.vfr else 1)


def _video_stream(out: av.container.OutputContainer, spec: FilmSpec) -> VideoStream:
    name = {"h264": "libx264", "hevc": "libx265"}.get(spec.codec, spec.codec)
    stream = out.add_stream(name, rate=spec.fps)
    if not isinstance(stream, VideoStream):
        raise TypeError(name)
    stream.width, stream.height, stream.pix_fmt = spec.width, spec.height, "yuv420p"
    stream.codec_context.time_base = Fraction(MPEG4_STEP if spec.codec == "mpeg4" else 1, VIDEO_TIMESCALE)
    stream.codec_context.gop_size = spec.gop
    stream.codec_context.bit_rate = 400_000
    gop = f"keyint={spec.gop}:min-keyint={spec.gop}:scenecut=0:bframes={spec.bframes}"
    if spec.codec == "hevc":
        stream.options = {
            "preset": "ultrafast",
            "x265-params": f"log-level=none:pools=1:{gop}:open-gop={int(spec.bframes > 0)}",
        }
        stream.codec_context.codec_tag = "hvc1"
    elif spec.codec == "mpeg4":
        stream.codec_context.max_b_frames = spec.bframes
    elif spec.codec == "mjpeg":
        stream.pix_fmt, stream.codec_context.bit_rate = "yuvj420p", 4_000_000
    else:
        pyramid = ":b-pyramid=normal:b-adapt=0" if spec.bframes > 1 else ""
        stream.options = {"preset": "ultrafast", "x264-params": gop + pyramid}
    return stream


def _audio_stream(out: av.container.OutputContainer) -> AudioStream:
    stream = out.add_stream("aac", rate=AUDIO_RATE, layout="mono")
    if not isinstance(stream, AudioStream):
        raise TypeError("aac")
    stream.bit_rate = 64_000
    return stream


def _picture(spec: FilmSpec, index: int) -> av.VideoFrame:
    """Draw a gradient, a box that moves, and the frame number."""
    number = spec.first + index
    frame = av.VideoFrame(spec.width, spec.height, "yuv420p")
    y = np.empty((spec.height, spec.width), np.uint8)
    y[:] = np.linspace(40, 200, spec.width, dtype=np.uint8)
    x = number * 5 % (spec.width - 60)
    y[spec.height // 2 : spec.height // 2 + 60, x : x + 60] = 230
    barcode.draw(y, number)
    grey = np.full((spec.height // 2, spec.width // 2), 128, np.uint8)
    for plane, data in zip(frame.planes, (y, grey, grey), strict=True):
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[: data.shape[0], : data.shape[1]] = data
        plane.update(padded.tobytes())
    return frame


def _sound(rng: np.random.Generator, at: int) -> av.AudioFrame:
    """Make 1024 samples of smoothed noise."""
    noise = np.convolve(rng.uniform(-1, 1, 1024 + 7), np.ones(8) / 8, mode="valid").astype(np.float32)
    frame = av.AudioFrame.from_ndarray(noise.reshape(1, -1), format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, at, Fraction(1, AUDIO_RATE)
    return frame

"""Films for the cameras of these tests."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def make_film(path: Path, *, seconds: int, fps: int = 25, bframes: int = 2) -> Path:
    """Write a film of H.264 with a keyframe a second: a bar that moves over changing grey."""
    with av.open(str(path), "w") as out:
        options = {"preset": "ultrafast", "g": str(fps), "bf": str(bframes)}
        stream = out.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for n in range(seconds * fps):
            picture = np.full((360, 320), (n * 5) % 256, np.uint8)
            picture[:240, n % 280 : n % 280 + 40] = 255
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def make_noise(path: Path, *, seconds: int, fps: int, rate: int) -> Path:
    """Write a film of noise with so many bits a second, all the time; a keyframe a second."""
    chance = np.random.default_rng(7)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 960, 540, "yuv420p"
        stream.bit_rate = rate
        stream.options = {
            "preset": "ultrafast",
            "x264-params": f"keyint={fps}:min-keyint={fps}:scenecut=0:bframes=0:nal-hrd=cbr",
            "maxrate": str(rate),
            "bufsize": str(rate // 4),
        }
        for _ in range(seconds * fps):
            picture = chance.integers(0, 255, (540, 960, 3), np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    return path


def make_numbered(path: Path, *, seconds: int, fps: int = 25, size: tuple[int, int] = (320, 180)) -> Path:
    """Write a film of H.264 with a keyframe a second, and in each picture its number, as synthetic cameras have it."""
    width, height = size
    side = min(32, width // 20 // 2 * 2)
    weights = 1 << np.arange(20)
    with av.open(str(path), "w") as out:
        options = {"preset": "ultrafast", "g": str(fps), "bf": "0", "x264-params": "scenecut=0"}
        stream = out.add_stream("libx264", rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        picture = np.full((height * 3 // 2, width), 128, np.uint8)
        picture[:height] = np.random.default_rng(7).integers(64, 192, (height, width))  # so that files have a size
        for n in range(seconds * fps):
            picture[:side, : 20 * side] = np.repeat(np.where(n & weights, 235, 16), side)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path

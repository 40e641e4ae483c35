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

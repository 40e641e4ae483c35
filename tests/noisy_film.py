"""Films of noise with frame numbers: what a camera of a high bit rate sends, of few pixels."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType

from gatehouse_common.testing import barcode

WIDTH, HEIGHT, FPS = 320, 180, 15


def make_noisy_film(path: Path, seconds: int, bytes_per_second: int) -> Path:
    """Write a film of about so many bytes a second, a keyframe each second."""
    noise = np.random.default_rng(5)
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = FPS
        rate = bytes_per_second * 8 // 1000
        stream.options = {
            "preset": "ultrafast",
            "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0:bframes=0:bitrate={rate}:"
            f"vbv-maxrate={rate}:vbv-bufsize={rate // 2}",
        }
        for index in range(seconds * FPS):
            grey = noise.integers(0, 256, (HEIGHT * 3 // 2, WIDTH), np.uint8)
            barcode.draw(grey[:HEIGHT], index)
            frame = av.VideoFrame.from_ndarray(grey, format="yuv420p")
            frame.pts, frame.time_base, frame.pict_type = index, Fraction(1, FPS), PictureType.NONE
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path

"""Numbered pictures for recorders of the library, and which of them a file shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatehouse.compat.s0 import VideoRecorder
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import frame_numbers
from gatehouse_common.timefmt import parse, zone

START = 1_715_941_380.0
WIDTH, HEIGHT = 320, 96


def picture(number: int, width: int = WIDTH) -> NDArray[np.uint8]:
    grey = np.full((HEIGHT, width), 100, np.uint8)
    barcode.draw(grey, number)
    return np.repeat(grey[:, :, None], 3, axis=2)


def feed(recorder: VideoRecorder, first: int, last: int, fps: float = 10) -> int:
    """Give the pictures ``[first, last)``; return the first that it did not take, -1: none."""
    for number in range(first, last):
        if not recorder.add_frame(picture(number), START + number / fps):
            return number
    return -1


def numbers(path: str | Path) -> list[int]:
    return [n for n, _ in frame_numbers(Path(path))]


def seconds(text: str) -> float:
    return parse(text, zone("UTC")) / 1_000_000

"""Finds lines of text by the bundled network for it (differentiable binarisation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from .networks import Network, Tensor, text_network
from .port import Image
from .quads import Corners, around, grown, size

_ABOVE = 0.3
"""Probability from which a pixel counts as text."""
_SURE = 0.5
"""Mean probability of a box that is kept."""
_SHRUNK = 1.6
"""The network marks the core of a line; its box is this much larger (area times ratio over perimeter)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text somewhere in a picture.

    Attributes:
        corners: where it is.
        score: how sure the finder is, 0 to 1.
    """

    corners: Corners
    score: float


class Finder(Protocol):
    """Finds lines that may be worth reading."""

    def find(self, image: Image) -> list[Line]:
        """Return the lines in a picture."""
        ...


class TextBoxes:
    """Finds lines of text.

    Args:
        side: pixels to which the longer side of a picture is brought.
        least: pixels that the shorter side gets, instead; only pictures with a smaller one are scaled.
        threads: cores that it may use at once.
    """

    def __init__(self, side: int = 960, *, least: int | None = None, threads: int = 1) -> None:
        self._network = Network(text_network("PP-OCRv6_det_small.onnx"), threads)
        self._side = side
        self._least = least

    def find(self, image: Image) -> list[Line]:
        """Return the lines in a picture."""
        rows, columns = image.shape[:2]
        factor = self._side / max(rows, columns)
        if self._least is not None:
            factor = max(1.0, self._least / min(rows, columns))
        width, height = (max(32, round(side * factor / 32) * 32) for side in (columns, rows))
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        picture = (np.asarray(small, np.float32) / 127.5 - 1.0).transpose(2, 0, 1)[None]
        (answer,) = self._network.run(np.ascontiguousarray(picture))
        scale = np.asarray([columns / width, rows / height], np.float32)
        return [Line(line.corners * scale, line.score) for line in lines_of(answer[0, 0])]


def lines_of(chances: Tensor, above: float = _ABOVE, sure: float = _SURE) -> list[Line]:
    """Return the lines of a map of probabilities, in its own pixels."""
    mask = cv2.dilate((chances > above).astype(np.uint8), np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for outline in outlines:
        left, top, width, height = cv2.boundingRect(outline)
        if min(width, height) < 2:
            continue
        inside = np.zeros((height, width), np.uint8)
        cv2.drawContours(inside, [outline - np.asarray([left, top])], -1, 1, -1)
        score = float(chances[top : top + height, left : left + width][inside > 0].mean())
        corners = around(np.asarray(outline.reshape(-1, 2), np.float32))
        if score < sure or corners is None:
            continue
        across, down = size(corners)
        if down < 1:
            continue
        margin = across * down * _SHRUNK / (2 * (across + down)) / down
        found.append(Line(grown(corners, margin, margin), score))
    return found

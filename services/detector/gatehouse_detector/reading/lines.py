"""Lines as plates have them: pieces of one line joined, and what has no plate's shape left out."""

from __future__ import annotations

import numpy as np

from .quads import around, bounds, size
from .text_boxes import Line

_LOWEST = 6.0
_SHAPES = (1.5, 11.0)
_FARTHEST = 1.2


def plate_lines(found: list[Line]) -> list[Line]:
    """Return the lines that may be a plate's, joined ones beside their pieces."""
    return [line for line in joined(found) if _may_be(line)]


def _may_be(line: Line) -> bool:
    width, height = size(line.corners)
    return height > _LOWEST and _SHAPES[0] < width / height < _SHAPES[1]


def joined(found: list[Line]) -> list[Line]:
    """Return all lines, and each two that stand side by side as one: seals and pictures part plates in two."""
    boxes = [bounds(line.corners) for line in found]
    lines = list(found)
    for left, a in zip(found, boxes, strict=True):
        for right, b in zip(found, boxes, strict=True):
            if left is right or a[0] >= b[0] or not _beside(a, b):
                continue
            both = around(np.vstack([left.corners, right.corners]))
            if both is not None:
                lines.append(Line(both, min(left.score, right.score)))
    return lines


def _beside(left: tuple[float, float, float, float], right: tuple[float, float, float, float]) -> bool:
    heights = left[3] - left[1], right[3] - right[1]
    lower, higher = min(heights), max(heights)
    if lower / max(higher, 1.0) < 0.6:
        return False
    if abs((left[1] + left[3]) - (right[1] + right[3])) / 2 > 0.35 * higher:
        return False
    return -0.3 * heights[0] < right[0] - left[2] < _FARTHEST * higher

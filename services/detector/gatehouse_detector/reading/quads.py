"""Geometry of lines of text: corners, sizes, overlaps, and the straightened picture of what is inside."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from .port import Image, Quad

Corners = NDArray[np.float32]
"""Four corners as rows of (x, y): upper left, upper right, lower right, lower left."""

STEEPEST = 50.0
"""Degrees from the horizontal up to which a line is read; plates that stand on end are not."""


def ordered(corners: Corners) -> Corners:
    """Return the corners beginning at the upper left, clockwise."""
    total = corners.sum(axis=1)
    difference = corners[:, 0] - corners[:, 1]
    picked = [total.argmin(), difference.argmax(), total.argmax(), difference.argmin()]
    return np.asarray(corners[picked], np.float32)


def size(corners: Corners) -> tuple[float, float]:
    """Return width and height in pixels, along the edges."""
    return float(np.linalg.norm(corners[1] - corners[0])), float(np.linalg.norm(corners[3] - corners[0]))


def bounds(corners: Corners) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the upright box around it."""
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def as_quad(corners: Corners) -> Quad:
    """Return it as numbers of Python, for messages."""
    return cast("Quad", tuple((round(float(x), 1), round(float(y), 1)) for x, y in corners))


def around(points: Corners) -> Corners | None:
    """Return the smallest slanted box around points, or None where it stands on end."""
    (x, y), (width, height), angle = cv2.minAreaRect(points)
    if width < height:
        width, height, angle = height, width, angle + 90.0
    angle = (angle + 90.0) % 180.0 - 90.0
    if abs(angle) > STEEPEST:
        return None
    return ordered(np.asarray(cv2.boxPoints(((x, y), (width, height), angle)), np.float32))


def grown(corners: Corners, sideways: float, upright: float) -> Corners:
    """Return it widened on each side by fractions of its height; negative ones make it smaller."""
    width, height = size(corners)
    across = (corners[1] - corners[0]) / max(width, 1.0) * sideways * height
    down = (corners[3] - corners[0]) / max(height, 1.0) * upright * height
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    moved = [corner + across * right + down * low for corner, (right, low) in zip(corners, signs, strict=True)]
    return np.asarray(moved, np.float32)


def straightened(image: Image, corners: Corners, height: int, widest: int) -> Image:
    """Return what is inside as an upright picture.

    Args:
        image: the whole picture.
        corners: what to cut out; may reach over the edge, which is then repeated.
        height: of the answer, in pixels.
        widest: most pixels of its width, which else follows from the shape of the corners.
    """
    across, down = size(corners)
    width = int(min(widest, max(height // 3, round(height * across / max(down, 1.0)))))
    return stretched(image, corners, width, height)


def stretched(image: Image, corners: Corners, width: int, height: int) -> Image:
    """Return what is inside as an upright picture of a size, whatever its proportions."""
    target = np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    shape = np.asarray(cv2.getPerspectiveTransform(corners, target), np.float64)
    source, shape = _shrunk(image, corners, shape, size(corners)[1] / height)
    warped = cv2.warpPerspective(source, shape, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.uint8)


def _shrunk(
    image: Image, corners: Corners, shape: NDArray[np.float64], factor: float
) -> tuple[Image, NDArray[np.float64]]:
    """Smooth a plate that is much larger than the answer: cubic sampling alone would skip strokes."""
    if factor < 1.5:
        return image, shape
    left, top, right, bottom = bounds(corners)
    margin = 0.1 * (right - left)
    x, y = max(0, int(left - margin)), max(0, int(top - margin))
    part = image[y : int(bottom + margin) + 1, x : int(right + margin) + 1]
    if min(part.shape[:2]) < 2:
        return image, shape
    small = cv2.resize(part, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    scale = (small.shape[1] / part.shape[1], small.shape[0] / part.shape[0])
    back = np.asarray([[1 / scale[0], 0, x], [0, 1 / scale[1], y], [0, 0, 1]], np.float64)
    return np.asarray(small, np.uint8), shape @ back


def shared(first: Corners, second: Corners) -> float:
    """Return which part of the smaller one's upright box the two have in common."""
    a, b = bounds(first), bounds(second)
    across = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    down = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return across * down / max(smaller, 1.0)

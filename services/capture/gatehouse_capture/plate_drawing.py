"""The number plate of the synthetic car: signs drawn with a round pen at any size, as plates are embossed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_PAPER, _INK = 232, 24
_ACROSS, _DOWN = 4, 6
_GAP = 0.45
"""How wide the gap between two groups is, as a share of a sign's place."""

# Each sign is drawn on a grid of 4 x 6: corners as column and row, strokes parted by a bar.
_SIGNS = {
    "0": "10 30 41 45 36 16 05 01 10",
    "1": "11 20 26",
    "2": "01 10 30 41 42 06 46",
    "3": "01 10 30 41 42 33 23|33 44 45 36 16 05",
    "4": "36 30 04 44",
    "5": "40 00 02 32 43 45 36 16 05",
    "6": "41 30 10 01 05 16 36 45 44 33 03",
    "7": "00 40 16",
    "8": "10 30 41 42 33 13 02 01 10|13 04 05 16 36 45 44 33",
    "9": "05 16 36 45 41 30 10 01 02 13 43",
    "A": "06 20 46|14 34",
    "B": "00 30 41 42 33 03|33 44 45 36 06 00",
    "C": "41 30 10 01 05 16 36 45",
    "D": "00 30 41 45 36 06 00",
    "E": "40 00 06 46|03 33",
    "F": "40 00 06|03 33",
    "G": "41 30 10 01 05 16 36 45 43 23",
    "H": "00 06|40 46|03 43",
    "I": "20 26",
    "J": "40 45 36 16 05",
    "K": "00 06|40 03 46",
    "L": "00 06 46",
    "M": "06 00 23 40 46",
    "N": "06 00 46 40",
    "O": "10 30 41 45 36 16 05 01 10",
    "P": "06 00 30 41 42 33 03",
    "Q": "10 30 41 45 36 16 05 01 10|34 46",
    "R": "06 00 30 41 42 33 03|23 46",
    "S": "41 30 10 01 02 13 33 44 45 36 16 05",
    "T": "00 40|20 26",
    "U": "00 05 16 36 45 40",
    "V": "00 26 40",
    "W": "00 16 23 36 40",
    "X": "00 46|40 06",
    "Y": "00 23 40|23 26",
    "Z": "00 40 06 46",
}


def draw_plate(text: str, height: int) -> NDArray[np.uint8]:
    """Return a plate's luma, ``height`` rows; what is no sign of a plate is left blank.

    Args:
        text: what it says.
        height: pixels.
    """
    tall, wide = height * 0.56, height * 0.3
    step = wide + height * 0.17
    steps = [step * (_GAP if sign == " " else 1) for sign in text.upper()]
    width = round(height * 0.36 + sum(steps))
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    ink = _frame(rows, columns, height, width)
    pen = height * 0.045
    left, top = height * 0.265, (height - tall) / 2
    for sign, along in zip(text.upper(), steps, strict=True):
        for (x0, y0), (x1, y1) in _segments(sign):
            begin = left + x0 * wide / _ACROSS, top + y0 * tall / _DOWN
            end = left + x1 * wide / _ACROSS, top + y1 * tall / _DOWN
            ink = np.maximum(ink, np.clip(pen - _distance(columns, rows, begin, end) + 0.5, 0, 1))
        left += along
    return np.round(_PAPER + (_INK - _PAPER) * ink).astype(np.uint8)


def _frame(rows: NDArray[np.float64], columns: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Return the ink of a line along the plate's edge."""
    inset = np.minimum(np.minimum(rows, height - rows), np.minimum(columns, width - columns))
    return np.clip(height * 0.02 - np.abs(inset - height * 0.07) + 0.5, 0, 1)


def _segments(sign: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    found = []
    for stroke in _SIGNS.get(sign, "").split("|"):
        corners = [(int(corner[0]), int(corner[1])) for corner in stroke.split()]
        found += list(pairwise(corners))
    return found


def _distance(
    x: NDArray[np.float64], y: NDArray[np.float64], begin: tuple[float, float], end: tuple[float, float]
) -> NDArray[np.float64]:
    """Return how far each pixel is from a segment."""
    dx, dy = end[0] - begin[0], end[1] - begin[1]
    along = np.clip(((x - begin[0]) * dx + (y - begin[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    distance: NDArray[np.float64] = np.hypot(x - begin[0] - along * dx, y - begin[1] - along * dy)
    return distance

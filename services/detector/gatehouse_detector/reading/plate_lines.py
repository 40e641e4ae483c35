"""Finds the lines of plates by the network that is trained for it."""

from __future__ import annotations

import cv2
import numpy as np

from .networks import BUNDLED, Network, Tensor
from .port import Image
from .quads import Corners, shared, size
from .text_boxes import Line

_CELL = 4
_UNIT = 32.0
_STEP = 32
_ABOVE = 0.3
"""Probability from which a cell counts as a plate's."""
_SMALLEST = 6.0
"""Pixels that a plate's line is wide at least, in the picture that the network sees, to be worth reading."""
_SAME_PLACE = 0.5


class PlateLines:
    """Finds lines that look like plates'.

    Args:
        side: most pixels of the longer side of what the network sees; larger pictures are made smaller.
        least: fewest of them; smaller pictures are made larger.
        most: lines that are given at most.
        threads: cores that it may use at once.
    """

    def __init__(self, side: int = 960, least: int = 640, most: int = 8, threads: int = 1) -> None:
        self._network = Network(BUNDLED / "plate_finder.onnx", threads)
        self._side, self._least, self._most = side, least, most

    def find(self, image: Image) -> list[Line]:
        """Return the lines in a picture, the surest first."""
        rows, columns = image.shape[:2]
        longer = max(rows, columns)
        factor = min(max(longer, self._least), self._side) / longer
        width, height = max(1, round(columns * factor)), max(1, round(rows * factor))
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        padded = cv2.copyMakeBorder(small, 0, -height % _STEP, 0, -width % _STEP, cv2.BORDER_REPLICATE)
        (answer,) = self._network.run(np.asarray(padded, np.float32)[None, None])
        scale = np.asarray([columns / width, rows / height], np.float32)
        found = [Line(line.corners * scale, line.score) for line in lines_in(answer[0])]
        kept: list[Line] = []
        for line in sorted(found, key=lambda each: -each.score):
            if all(shared(line.corners, other.corners) < _SAME_PLACE for other in kept):
                kept.append(line)
        return kept[: self._most]


def lines_in(answer: Tensor) -> list[Line]:
    """Return the lines in a network's answer, in the pixels that it saw.

    Args:
        answer: for each cell the logit of a line, then the distances to its four corners.
    """
    chances = 1.0 / (1.0 + np.exp(-np.clip(answer[0], -30, 30)))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((chances > _ABOVE).astype(np.uint8), connectivity=4)
    found = []
    for label in range(1, count):
        left, top, wide, high, _ = boxes[label]
        rows, columns = np.nonzero(labels[top : top + high, left : left + wide] == label)
        rows, columns = rows + top, columns + left
        weights = chances[rows, columns]
        corners = _corners(answer[1:, rows, columns], rows, columns, weights)
        if size(corners)[0] >= _SMALLEST:
            found.append(Line(corners, float((weights * weights).sum() / weights.sum())))
    return found


def _corners(distances: Tensor, rows: Tensor, columns: Tensor, weights: Tensor) -> Corners:
    """Return what the cells of a line say together of its corners."""
    middle = (_CELL - 1) / 2
    x = columns * _CELL + middle + distances[0::2] * _UNIT
    y = rows * _CELL + middle + distances[1::2] * _UNIT
    share = weights / weights.sum()
    return np.stack([(x * share).sum(axis=1), (y * share).sum(axis=1)], axis=1).astype(np.float32)

"""Boxes from the forms in which networks of the YOLO family answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .networks import Tensor
from .quads import Corners


@dataclass(frozen=True, slots=True)
class Box:
    """Where a plate is: left, top, right, bottom; and how sure that is, 0 to 1."""

    sides: NDArray[np.float32]
    score: float

    @property
    def corners(self) -> Corners:
        """The same as four corners."""
        left, top, right, bottom = self.sides
        return np.asarray([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def boxes_of(answers: list[Tensor], width: int, height: int) -> list[Box] | None:
    """Return the boxes in a network's answers, or None where they are in no known form.

    Known are: (1, n, 6) or (n, 6) with corners, score, class, and (n, 7) with the picture's number before them, chosen
    already; (1, 4 + classes, n) with centres and sizes; (1, n, 5 + classes) with a score of any object before those of
    the classes.

    Args:
        answers: all that the network gave for one picture.
        width: of the picture that it was given, in pixels.
        height: of the picture that it was given, in pixels.
    """
    if not answers:
        return None
    answer = answers[0]
    table = answer[0] if answer.ndim == 3 and answer.shape[0] == 1 else answer
    if table.ndim != 2:
        return None
    rows, columns = table.shape
    found = None
    if columns == 7 and answer.ndim == 2:
        found = _chosen(table[:, [1, 2, 3, 4, 6]], width, height)
    elif columns == 6 and (answer.ndim == 2 or rows <= 1000):
        found = _chosen(table[:, :5], width, height)
    elif 5 <= rows < columns:
        found = _centred(table[:4].T, table[4:].max(axis=0), width, height)
    elif 6 <= columns < rows:
        found = _centred(table[:, :4], table[:, 4] * table[:, 5:].max(axis=1), width, height)
    return found


def _chosen(table: Tensor, width: int, height: int) -> list[Box]:
    sides = _in_pixels(table[:, :4], width, height)
    return [Box(each, float(score)) for each, score in zip(sides, table[:, 4], strict=True)]


def _centred(boxes: Tensor, scores: Tensor, width: int, height: int) -> list[Box]:
    likely = scores > 0.1  # thousands of empty ones
    boxes = _in_pixels(boxes[likely], width, height)
    half = boxes[:, 2:] / 2
    sides = np.hstack([boxes[:, :2] - half, boxes[:, :2] + half])
    return [Box(each, float(score)) for each, score in zip(sides, scores[likely], strict=True)]


def _in_pixels(boxes: Tensor, width: int, height: int) -> Tensor:
    if len(boxes) and float(np.abs(boxes).max()) <= 2.0:  # fractions of the picture
        return boxes * np.asarray([width, height, width, height], np.float32)
    return boxes

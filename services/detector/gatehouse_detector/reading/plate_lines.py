"""Finds the lines of plates by the network that is trained for it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

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
_REACH = 0.7
"""Heights of a line from its end within which cells are asked where that end is."""
_PATCH = (256, 128)
"""Columns and rows of a closer look."""
_PATCH_LINES = (75.0, 110.0)
"""Pixels that a line is wide in the closer looks: the first sees more around, for half a plate may have been found."""
_LEAST_HEIGHT = 15.0
"""Pixels that a line is high at least in a closer look: long ones are wider there."""
_SOFT, _CONTRAST, _DARK = 0.7, 0.3, 10.0
"""How a closer look is softened to be looked at once more: blurred by so many pixels, brightness scaled and lifted."""
_LEAST = 0.2
"""Score below which a line is given up."""
_NOT_AGAIN = 0.5
"""What is left of a line's score where the closer look does not find it."""


class PlateLines:
    """Finds lines that look like plates'.

    Args:
        pixels: most of what the network sees at first; larger pictures are made smaller.
        least: pixels of the longer side that it sees at least; smaller pictures are made larger.
        most: lines that are given at most.
        threads: cores that it may use at once.
    """

    def __init__(self, pixels: int = 540_000, least: int = 640, most: int = 8, threads: int = 1) -> None:
        self._network = Network(BUNDLED / "plate_finder.onnx", threads)
        self._pixels, self._least, self._most = pixels, least, most

    def find(self, image: Image) -> list[Line]:
        """Return the lines in a picture, the surest first."""
        rows, columns = image.shape[:2]
        factor = min(max(1.0, self._least / max(rows, columns)), math.sqrt(self._pixels / (rows * columns)))
        width, height = max(1, round(columns * factor)), max(1, round(rows * factor))
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        padded = cv2.copyMakeBorder(small, 0, -height % _STEP, 0, -width % _STEP, cv2.BORDER_REPLICATE)
        (answer,) = self._network.run(np.asarray(padded, np.float32)[None, None])
        scale = np.asarray([columns / width, rows / height], np.float32)
        found = [Line(line.corners * scale, line.score) for line in lines_in(answer[0])]
        likely = _apart(found, self._most)
        for width in _PATCH_LINES:
            closer = [line for line in self._closer(grey, likely, width) if line.score > _LEAST]
            likely = _apart(closer, self._most)
        return likely

    def _closer(self, grey: Image, lines: list[Line], width: float) -> list[Line]:
        """Look at each line again, turned upright and as wide as the network sees best: its corners get exact.

        As it is and softened, and the surer look counts: to the network, a plate in harsh light that is drawn all too
        sharply falls apart at its gaps.
        """
        if not lines:
            return []
        patches = [_patch(grey, line.corners, max(width, _wide(line.corners))) for line in lines]
        harsh = np.asarray([patch for patch, _ in patches], np.float32)
        soft = np.asarray([cv2.GaussianBlur(patch, (0, 0), _SOFT) for patch in harsh], np.float32)
        (answer,) = self._network.run(np.concatenate([harsh, soft * _CONTRAST + _DARK])[:, None])
        closer = []
        for line, (_, back), *told in zip(lines, patches, answer[: len(lines)], answer[len(lines) :], strict=True):
            seen = [each for look in told for each in lines_in(look) if _in_the_middle(each.corners)]
            if seen:
                best = max(seen, key=lambda each: each.score)
                corners = cv2.perspectiveTransform(best.corners[None], back)[0]
                closer.append(Line(np.asarray(corners, np.float32), best.score))
            else:
                closer.append(Line(line.corners, line.score * _NOT_AGAIN))
        return closer


def _apart(found: list[Line], most: int) -> list[Line]:
    """Return the surest line of each place, the surest first, and no more than so many."""
    kept: list[Line] = []
    for line in sorted(found, key=lambda each: -each.score):
        if len(kept) == most:
            break
        if all(shared(line.corners, other.corners) < _SAME_PLACE for other in kept):
            kept.append(line)
    return kept


def _wide(corners: Corners) -> float:
    """Return how wide a line is in a closer look so that its signs are not too low to be told apart."""
    width, height = size(corners)
    return min(_PATCH[0] * 0.75, width / max(1.0, height) * _LEAST_HEIGHT)


def _patch(grey: Image, corners: Corners, wide: float) -> tuple[Image, NDArray[np.float64]]:
    """Return the surroundings of a line, and the way from their pixels back to the picture's."""
    across = corners[1] - corners[0] + corners[2] - corners[3]
    width = max(1.0, float(np.linalg.norm(across)) / 2)
    turn = np.arctan2(across[1], across[0])
    scale = width / wide
    cos, sin = float(np.cos(turn)) * scale, float(np.sin(turn)) * scale
    x, y = (float(v) for v in corners.mean(axis=0))
    middle = ((_PATCH[0] - 1) / 2, (_PATCH[1] - 1) / 2)
    forth = np.asarray([[cos, -sin, x], [sin, cos, y]])
    forth[:, 2] -= forth[:, :2] @ np.asarray(middle)
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR)
    source = grey if scale < 1.5 else cv2.GaussianBlur(grey, (0, 0), 0.4 * scale)
    patch = cv2.warpAffine(source, forth, _PATCH, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(patch, np.uint8), np.vstack([forth, [0.0, 0.0, 1.0]])


def _in_the_middle(corners: Corners) -> bool:
    x, y = corners.mean(axis=0)
    return bool(abs(x - _PATCH[0] / 2) < _PATCH[0] / 4 and abs(y - _PATCH[1] / 2) < _PATCH[1] / 4)


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
    """Return what the cells of a line say together of its corners.

    Cells near an end know where it is; those far from it guess, and guess too near. So each end is asked of the cells
    within about a line's height of it.
    """
    middle = (_CELL - 1) / 2
    here = np.stack([columns, rows], axis=1) * _CELL + middle
    corners = here[None] + distances.reshape(4, 2, -1).transpose(0, 2, 1) * _UNIT
    whole = (corners * (weights / weights.sum())[None, :, None]).sum(axis=1)
    across = whole[1] - whole[0] + whole[2] - whole[3]
    along = here @ (across / max(1e-6, float(np.linalg.norm(across))))
    reach = max(float(_CELL), float(np.linalg.norm(whole[3] - whole[0] + whole[2] - whole[1])) / 2 * _REACH)
    lefts = weights * np.exp((along.min() - along) / reach)
    rights = weights * np.exp((along - along.max()) / reach)
    shares = np.stack([each / each.sum() for each in (lefts, rights, rights, lefts)])
    return np.asarray((corners * shares[:, :, None]).sum(axis=1), np.float32)

"""What a camera sees when nothing moves, in small and grey, and how a picture differs from that."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from .regions import Mask

Small = NDArray[np.float32]

_CELL = 8
_MOST_COLUMNS = 240
_LEAST_DIFFERENCE = 7.0
"""Of 255 levels. Noise of single pixels is averaged over a cell's."""
_NOISES = 5.0
_NOISE_AT_FIRST, _MOST_NOISE = 1.2, 4.0
"""A cell in which much moves, a tree's or a road's, becomes less sensitive, but never blind: cars differ by more."""
_ADAPT, _NOISE_ADAPT = 0.2, 0.1


def small_grey(frame: av.VideoFrame, width: int, height: int) -> Small:
    """Return a picture in small, shape ``(rows, columns)``: a cell for each eight pixels or more of a side.

    Args:
        frame: the picture, which may have been decoded smaller than it is.
        width: of the picture as it is.
        height: of it.
    """
    columns, rows = grid_of(width, height)
    grey = frame.reformat(columns, rows, "gray", interpolation=Interpolation.AREA)
    plane = grey.planes[0]
    whole = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return whole[:rows, :columns].astype(np.float32)


def grid_of(width: int, height: int) -> tuple[int, int]:
    """Return columns and rows of the small picture."""
    columns = max(8, min(_MOST_COLUMNS, width // _CELL))
    return columns, max(8, round(columns * height / width))


class Scene:
    """The picture in small as it is when nothing moves: it follows the light slowly, and what has come to rest."""

    def __init__(self) -> None:
        self._still: Small | None = None
        self._noise: Small | None = None
        self._before: Small | None = None

    @property
    def known(self) -> bool:
        """Whether there is a picture to compare with."""
        return self._still is not None

    def settle(self, small: Small) -> None:
        """What is seen now is what there is when nothing moves."""
        self._still = self._before = small
        if self._noise is None or self._noise.shape != small.shape:
            self._noise = np.full(small.shape, _NOISE_AT_FIRST, np.float32)

    def changed(self, small: Small, visible: Mask) -> Mask:
        """Return the cells that differ from the scene, but for a change of light of the whole."""
        if self._still is None or self._noise is None or self._still.shape != small.shape:
            self.settle(small)
            return np.zeros(small.shape, bool)
        return self._differ(small, self._still, self._noise, visible)

    def moving(self, small: Small, visible: Mask) -> Mask:
        """Return the cells that differ from the picture that was given before; this one takes its place."""
        before, self._before = self._before, small
        if before is None or self._noise is None or before.shape != small.shape:
            return np.zeros(small.shape, bool)
        return self._differ(small, before, self._noise, visible)

    def adapt(self, small: Small) -> None:
        """Nothing moves in this picture: take over a little of it."""
        if self._still is None or self._noise is None or self._still.shape != small.shape:
            self.settle(small)
            return
        away = np.minimum(np.abs(small - self._still), _MOST_NOISE)
        self._noise = self._noise + _NOISE_ADAPT * (away - self._noise)
        self._still = self._still + _ADAPT * (small - self._still)
        self._before = small

    @staticmethod
    def _differ(small: Small, other: Small, noise: Small, visible: Mask) -> Mask:
        away = small - other
        if visible.any():
            away -= np.median(away[visible][::4])
        found: Mask = (np.abs(away) > np.maximum(_LEAST_DIFFERENCE, _NOISES * noise)) & visible
        return found

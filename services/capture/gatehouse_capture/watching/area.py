"""Where in a camera's picture one may look: not in its masks, and in its zones alone if it has any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Corners = Sequence[tuple[float, float]]


def rasterise(polygons: Sequence[Corners], width: int, height: int) -> Mask:
    """Return which cells of a grid over the picture have their centres in any of the polygons; even-odd rule.

    Args:
        polygons: corners as fractions of the picture's width and height.
        width: columns of the grid.
        height: rows of it.
    """
    found = np.zeros((height, width), bool)
    x = (np.arange(width) + 0.5) / width
    y = (np.arange(height) + 0.5) / height
    for corners in polygons:
        inside = np.zeros_like(found)
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            if y0 == y1:
                continue
            rows = np.flatnonzero((y >= min(y0, y1)) & (y < max(y0, y1)))
            crossing = x0 + (y[rows] - y0) * (x1 - x0) / (y1 - y0)
            inside[rows] ^= x[None, :] < crossing[:, None]
        found |= inside
    return found


@dataclass(frozen=True, slots=True)
class Area:
    """What is visible of a picture.

    Attributes:
        masks: polygons that are not looked at.
        zones: if there are any, only what is in them is looked at.
    """

    masks: tuple[Corners, ...] = ()
    zones: tuple[Corners, ...] = ()
    _known: dict[tuple[int, int], Mask] = field(default_factory=dict, compare=False, repr=False)

    @property
    def everything(self) -> bool:
        """Whether nothing is hidden."""
        return not self.masks and not self.zones

    def visible(self, width: int, height: int) -> Mask:
        """Return the visible cells of a grid over the picture, shape ``(height, width)``."""
        found = self._known.get((width, height))
        if found is None:
            found = ~rasterise(self.masks, width, height)
            if self.zones:
                found &= rasterise(self.zones, width, height)
            self._known[width, height] = found
        return found

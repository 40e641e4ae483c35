"""From cells that move to the regions of the picture that are worth sending."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

BLOCK = 4
"""Cells of a block: what moves within a block, or in blocks that touch, is one thing."""
LEAST_CELLS = 8
"""Cells that must move for something to be worth a look: a thing of about 24 pixels' side of a 1080p picture."""
_PAD = 24
_PAD_SHARE = 0.12
_LEAST_WIDTH, _LEAST_HEIGHT = 160, 96
_MOST = 4
_WHOLE_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the picture in pixels; all even, so that the colour planes can be cut out too."""

    x: int
    y: int
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Its area."""
        return self.width * self.height

    def joined(self, other: Region) -> Region:
        """Return the smallest that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        right, bottom = max(self.right, other.right), max(self.bottom, other.bottom)
        return Region(x, y, right - x, bottom - y)

    def touches(self, other: Region) -> bool:
        """Return whether they share a pixel."""
        across = self.x < other.right and other.x < self.right
        return across and self.y < other.bottom and other.y < self.bottom

    @property
    def right(self) -> int:
        """The first column beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond it."""
        return self.y + self.height


def whole(width: int, height: int) -> Region:
    """Return the whole of a picture, but for a last column or row that is odd."""
    return Region(0, 0, width // 2 * 2, height // 2 * 2)


def groups(mask: Mask, seeds: Mask | None = None) -> list[tuple[int, int, int, int]]:
    """Return the extents ``(left, top, right, bottom)`` in cells of what hangs together, the greater ones first.

    Args:
        mask: the cells, shape ``(rows, columns)``.
        seeds: if given, only what holds enough of these cells counts.
    """
    rows, columns = mask.shape
    high, wide = -(-rows // BLOCK), -(-columns // BLOCK)
    padded = np.zeros((high * BLOCK, wide * BLOCK), bool)
    padded[:rows, :columns] = mask
    blocks = padded.reshape(high, BLOCK, wide, BLOCK).any(axis=(1, 3))
    left = {(int(r), int(c)) for r, c in np.argwhere(blocks)}
    telling = mask if seeds is None else seeds & mask
    found: list[tuple[int, tuple[int, int, int, int]]] = []
    while left:
        together = _flood(left)
        own = np.zeros((high, wide), bool)
        own[tuple(np.array(together).T)] = True
        cells = np.repeat(np.repeat(own, BLOCK, 0), BLOCK, 1)[:rows, :columns]
        if np.count_nonzero(cells & telling) < LEAST_CELLS:
            continue
        r, c = np.nonzero(cells & mask)
        found.append((len(r), (int(c.min()), int(r.min()), int(c.max()) + 1, int(r.max()) + 1)))
    return [extent for _, extent in sorted(found, reverse=True)]


def _flood(left: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Take a block and all that hang together with it out of ``left``."""
    edge = [left.pop()]
    together = []
    while edge:
        row, column = edge.pop()
        together.append((row, column))
        for near in [(row + dr, column + dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1)]:
            if near in left:
                left.remove(near)
                edge.append(near)
    return together


def regions(mask: Mask, seeds: Mask, width: int, height: int) -> list[Region]:
    """Return the regions of a picture to send: padded, not too small, none touching another; one if it is nearly all.

    Args:
        mask: cells that differ, shape ``(rows, columns)``.
        seeds: those of them that move.
        width: of the picture in pixels.
        height: of it.
    """
    rows, columns = mask.shape
    across, down = width / columns, height / rows
    found = [
        _padded(left * across, top * down, right * across, bottom * down, width, height)
        for left, top, right, bottom in groups(mask, seeds)
    ]
    found = _apart(found)
    while len(found) > _MOST:
        last = found.pop()
        found[-1] = found[-1].joined(last)
        found = _apart(found)
    if sum(region.pixels for region in found) > _WHOLE_SHARE * width * height:
        return [whole(width, height)]
    return found


def _padded(left: float, top: float, right: float, bottom: float, width: int, height: int) -> Region:
    grow_x = max(_PAD + _PAD_SHARE * (right - left), (_LEAST_WIDTH - right + left) / 2)
    grow_y = max(_PAD + _PAD_SHARE * (bottom - top), (_LEAST_HEIGHT - bottom + top) / 2)
    x0, x1 = _within(left - grow_x, right + grow_x, width)
    y0, y1 = _within(top - grow_y, bottom + grow_y, height)
    return Region(x0, y0, x1 - x0, y1 - y0)


def _within(low: float, high: float, size: int) -> tuple[int, int]:
    """Return an even span within the picture; the last row or column of one that is odd stays out."""
    return max(0, int(low) // 2 * 2), min(size // 2 * 2, -(-int(high) // 2) * 2)


def _apart(found: list[Region]) -> list[Region]:
    """Join regions that touch until none do, the greater ones first."""
    joined: list[Region] = []
    for region in found:
        one = region
        while (near := next((other for other in joined if other.touches(one)), None)) is not None:
            joined.remove(near)
            one = one.joined(near)
        joined.append(one)
    return sorted(joined, key=lambda region: region.pixels, reverse=True)

"""Where plates are in the picture, as upright boxes, and which way they move."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from gatehouse_common.messages.plates import Direction, Quad

_MOVED = 0.35
"""Of a plate's width: what quads of a standing plate differ by at most."""
_GROWN = 1.3
_STANDS = 0.5
_RADIAL = 0.2
"""Logarithm of the growth that says as much as ``_LATERAL`` of a plate's width to the side."""
_LATERAL = 1.5


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box: pixels of the whole picture."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Its width; at least a pixel, so that it can be measured by."""
        return max(self.right - self.left, 1.0)

    @property
    def height(self) -> float:
        """Its height; at least a pixel."""
        return max(self.bottom - self.top, 1.0)

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def shifted(self, dx: float, dy: float) -> Box:
        """Return it elsewhere."""
        return Box(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def covers(self, other: Box) -> bool:
        """Return whether all of another box lies in it."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )


def box_of(quad: Quad) -> Box:
    """Return the least box around four corners."""
    xs, ys = [x for x, _ in quad], [y for _, y in quad]
    return Box(min(xs), min(ys), max(xs), max(ys))


def shared(a: Box, b: Box) -> float:
    """Return what two boxes share of what they cover together (IoU), 0 to 1."""
    common = _common(a, b)
    return common / (a.width * a.height + b.width * b.height - common) if common else 0.0


def overlap(a: Box, b: Box) -> float:
    """Return what two boxes share of the smaller one, 0 to 1."""
    return _common(a, b) / min(a.width * a.height, b.width * b.height)


def _common(a: Box, b: Box) -> float:
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    return width * height if width > 0 and height > 0 else 0.0


def apart(a: Box, b: Box) -> float:
    """Return how far the middles of two boxes are apart, in widths of a plate."""
    (ax, ay), (bx, by) = a.centre, b.centre
    return math.hypot(ax - bx, ay - by) / max(a.width, b.width)


def has_moved(before: Box, now: Box) -> bool:
    """Return whether a plate is elsewhere, and not only read a little differently."""
    growth = max(before.width / now.width, now.width / before.width)
    return apart(before, now) > _MOVED or growth > _GROWN


def direction(boxes: Sequence[Box]) -> Direction:
    """Return which way a plate went; ``boxes`` in the order of time."""
    if len(boxes) < 2:
        return Direction.UNKNOWN
    some = max(1, min(3, len(boxes) // 3))
    first, last = _middle(boxes[:some]), _middle(boxes[-some:])
    dx = (last.centre[0] - first.centre[0]) / max(first.width, last.width)
    dy = (last.centre[1] - first.centre[1]) / max(first.width, last.width)
    growth = math.log(last.width / first.width)
    if math.hypot(dx, dy) < _STANDS and abs(growth) < _RADIAL:
        return Direction.STANDING
    if abs(growth) / _RADIAL > abs(dx) / _LATERAL:
        return Direction.APPROACHING if growth > 0 else Direction.LEAVING
    if abs(dx) >= abs(dy):
        return Direction.RIGHT if dx > 0 else Direction.LEFT
    # What comes nearer sinks in the picture of a camera that looks down on it, even before it visibly grows.
    return Direction.APPROACHING if dy > 0 else Direction.LEAVING


def _middle(boxes: Sequence[Box]) -> Box:
    return Box(
        median(b.left for b in boxes),
        median(b.top for b in boxes),
        median(b.right for b in boxes),
        median(b.bottom for b in boxes),
    )

"""Half-open ranges of wall time ``[start, end)`` in microseconds UTC, and the arithmetic on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A half-open span ``[start, end)`` in microseconds UTC; ``start <= end``."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"an interval ends before it begins: [{self.start}, {self.end})")

    @property
    def duration(self) -> int:
        """Length in microseconds."""
        return self.end - self.start

    def overlaps(self, other: Interval) -> bool:
        """Return whether the two share at least one instant."""
        return self.start < other.end and other.start < self.end

    def intersect(self, other: Interval) -> Interval | None:
        """Return the part that both share, or None if they share no instant."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Interval(start, end) if start < end else None

    def contains(self, instant: int) -> bool:
        """Return whether ``instant`` lies inside."""
        return self.start <= instant < self.end


def merge(intervals: Iterable[Interval], slack: int = 0) -> list[Interval]:
    """Return the union, sorted and disjoint; intervals at most ``slack`` microseconds apart are joined."""
    merged: list[Interval] = []
    for one in sorted(i for i in intervals if i.duration > 0):
        if merged and one.start <= merged[-1].end + slack:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, one.end))
        else:
            merged.append(one)
    return merged


def subtract(whole: Interval, parts: Iterable[Interval]) -> list[Interval]:
    """Return what is left of ``whole`` without ``parts``, sorted and disjoint."""
    left: list[Interval] = []
    at = whole.start
    for part in merge(parts):
        if part.end <= at:
            continue
        if part.start >= whole.end:
            break
        if part.start > at:
            left.append(Interval(at, part.start))
        at = part.end
    if at < whole.end:
        left.append(Interval(at, whole.end))
    return left

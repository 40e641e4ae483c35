"""Decode times: the i-th sample in decode order gets the i-th smallest presentation time.

A part then starts at its presentation start, whatever the order of pictures is; offsets are signed.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_REORDERED = 16
"""No picture waits for more: decoders hold so many at most (H.264 clause A.3.1, H.265 clause A.4.2)."""


class Reorderer(Generic[T]):
    """Gives samples their decode times, holding back as many as pictures may be reordered.

    Args:
        depth: pictures that may precede one in decoding and follow it in presentation; deepens by itself when
            a stream breaks its promise, to ``MOST_REORDERED``: times that step back are no order. No sample is ever
            dropped, and decode times strictly increase.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._times: list[int] = []
        self._waiting: deque[T] = deque()
        self._last = -1

    def push(self, pts: int, item: T) -> Iterator[tuple[int, T]]:
        """Take the next sample in decode order; yield ``(dts, sample)`` for those whose time is known now."""
        if pts <= self._last and self.depth < MOST_REORDERED:
            self.depth += 1
        heapq.heappush(self._times, pts)
        self._waiting.append(item)
        while len(self._times) > self.depth:
            yield self._pop()

    def flush(self) -> Iterator[tuple[int, T]]:
        """Yield what is held back."""
        while self._times:
            yield self._pop()

    def _pop(self) -> tuple[int, T]:
        self._last = max(heapq.heappop(self._times), self._last + 1)
        return self._last, self._waiting.popleft()

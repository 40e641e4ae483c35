"""The GOPs that can still be decoded from their keyframe on, when what came later tells that it is worth it."""

from __future__ import annotations

from collections import deque

from gatehouse_common.media.fragment import TimedSample

_MOST_BYTES = 24 * 1024 * 1024
"""Twelve seconds at 16 Mbit/s."""


class HeldGops:
    """The newest samples of a run from a keyframe on: the current GOP, and those before it that are not let go."""

    def __init__(self) -> None:
        self._gops: deque[list[TimedSample]] = deque()
        self._bytes = 0

    def add(self, sample: TimedSample) -> None:
        """Take the next sample in decode order."""
        if sample.sync:
            self._gops.append([])
        if not self._gops:
            return  # the GOP was too long to be held, or the run has not begun
        self._gops[-1].append(sample)
        self._bytes += len(sample.data)
        while self._bytes > _MOST_BYTES:
            self._drop()

    def let_go(self, floor: int) -> None:
        """Forget the GOPs that are over before ``floor``, a decode time in ticks; never the current one."""
        while len(self._gops) > 1 and self._gops[1][0].dts <= floor:
            self._drop()

    def since(self, start: int) -> list[TimedSample]:
        """Return the samples from the last keyframe at or before ``start`` on, else from the first that is held."""
        begin = 0
        for number, gop in enumerate(self._gops):
            if gop[0].dts <= start:
                begin = number
        return [sample for gop in list(self._gops)[begin:] for sample in gop]

    @property
    def current(self) -> int | None:
        """Decode time of the current GOP's keyframe, None if it is not held."""
        return self._gops[-1][0].dts if self._gops else None

    def clear(self) -> None:
        """Forget everything."""
        self._gops.clear()
        self._bytes = 0

    def _drop(self) -> None:
        self._bytes -= sum(len(sample.data) for sample in self._gops.popleft())

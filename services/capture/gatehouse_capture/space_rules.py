"""Which cameras are held back while a disk is nearly full: pure arithmetic on bytes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

_STOP_S = 3.0
"""Recording stops before there is less room than for so many seconds of it."""
_RESUME_S = 6.0
"""It is resumed only where there is room for more: what is freed for one second must not switch it on and off."""
_LEAST_FLOOR, _MOST_FLOOR = 1 << 20, 64 << 20
_FLOOR_PARTS = 50
_STOP_PARTS, _RESUME_PARTS = 12, 10
_MOST_STOP, _MOST_RESUME = 200_000_000, 250_000_000
"""Never more than what is kept free of a disk that nobody writes to: else cameras that have stopped would wait for room
that nobody makes."""
_CHUNK_PARTS = 20
_LEAST_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Writer:
    """A camera that is, or would be, recorded.

    Attributes:
        camera: its id.
        priority: those with lower numbers are held back first; among equals those that come last by id.
        rate: bytes a second that it writes, or would.
    """

    camera: str
    priority: int
    rate: float


def held_back(writers: Collection[Writer], held: Collection[str], free: int, total: int) -> frozenset[str]:
    """Return which cameras are not to be recorded now.

    Cameras are stopped, the least important first, until what is free is enough for ``_STOP_S`` of the rest. Where
    nothing has to be stopped, the most important of those that are held back comes on again, one at each look, once
    there is room for ``_RESUME_S`` with it.

    Args:
        writers: all that should be recorded.
        held: those that are held back so far.
        free: bytes that may be written.
        total: size of the file system in bytes.
    """
    order = sorted(writers, key=lambda w: (-w.priority, w.camera))
    kept = [w for w in order if w.camera not in held]
    waiting = [w for w in order if w.camera in held]
    stopped = False
    while kept and free < stop_below(sum(w.rate for w in kept), total):
        waiting.append(kept.pop())
        stopped = True
    if waiting and not stopped and free >= resume_above(sum(w.rate for w in kept) + waiting[0].rate, total):
        waiting.pop(0)
    return frozenset(w.camera for w in waiting)


def stop_below(rate: float, total: int) -> int:
    """Return the free bytes below which cameras that write ``rate`` bytes a second are too many.

    On a small disk it is a part of it at most, so that recording is possible at all.
    """
    return min(floor(total) + round(rate * _STOP_S), max(total // _STOP_PARTS, _LEAST_FLOOR), _MOST_STOP)


def resume_above(rate: float, total: int) -> int:
    """Return the free bytes from which on cameras that write ``rate`` bytes a second may be recorded again."""
    enough = min(2 * floor(total) + round(rate * _RESUME_S), total // _RESUME_PARTS, _MOST_RESUME)
    return max(enough, stop_below(rate, total))


def floor(total: int) -> int:
    """Return what is left free for the ends of chunk files, messages and the index, which may be on the same disk."""
    return min(max(total // _FLOOR_PARTS, _LEAST_FLOOR), _MOST_FLOOR)


def largest_chunk(total: int) -> int:
    """Return from which size on a chunk file ends at the next keyframe.

    What is being written cannot be freed, so no file may be a large part of a disk.
    """
    return max(total // _CHUNK_PARTS, _LEAST_CHUNK)

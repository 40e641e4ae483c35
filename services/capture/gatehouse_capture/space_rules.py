"""Which cameras are held back while a disk is nearly full: pure arithmetic on bytes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gatehouse_common.storage.thresholds import resume_above, stop_below

_CHUNK_PARTS = 20
_CHUNK_CAMERAS = 4
"""All that is being written is a fifth of the disk at most."""
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
    there is room for ``_RESUME_S`` with it; or, where those of lower priority are recorded, in their place.

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
    if waiting and not stopped:
        if free >= resume_above(sum(w.rate for w in kept) + waiting[0].rate, total):
            waiting.pop(0)
        else:
            waiting = _exchanged(kept, waiting, free, total)
    return frozenset(w.camera for w in waiting)


def _exchanged(kept: list[Writer], waiting: list[Writer], free: int, total: int) -> list[Writer]:
    """Return who waits when the first who does takes the place of those that are less important, as few as may be.

    Not of its equals: an exchange costs a pause. And not if there is no room for it even so.
    """
    first, left = waiting[0], list(kept)
    while left and left[-1].priority < first.priority:
        left.pop()
        if free >= stop_below(sum(w.rate for w in left) + first.rate, total):
            return [*kept[len(left) :], *waiting[1:]]
    return waiting


def largest_chunk(total: int, cameras: int = 1) -> int:
    """Return from which size on a chunk file ends at the next keyframe.

    What is being written cannot be freed, so no file may be a large part of a disk, nor the files of all cameras.
    """
    return max(total // (_CHUNK_PARTS * max(1, cameras // _CHUNK_CAMERAS)), _LEAST_CHUNK)

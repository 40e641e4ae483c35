"""What is done for which kind of job, in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gatehouse_common.db import Media

from . import session_chunks
from .work import Work


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a job; idempotent, as whoever did it before may have died after any of its instructions.

    Attributes:
        name: what people read while it goes on; at most 20 characters.
        do: does it.
        weight: its part of the job's progress, beside the others'.
        wanted: whether a medium gets it.
    """

    name: str
    do: Callable[[Work], None]
    weight: int = 1
    wanted: Callable[[Media], bool] = lambda _media: True


def _is_recording(media: Media) -> bool:
    return media.session is not None


PROCESS_STAGES: tuple[Stage, ...] = (Stage("cutting", session_chunks.cut, 10, _is_recording),)
"""What becomes of an upload, after its pieces are merged and what they make is probed."""

"""What is done for which kind of job, in which order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass

from gatehouse_common.db import Media
from gatehouse_common.db.media_records import AUDIO, EXPORT, PROCESS, VIDEO
from gatehouse_common.errors import ResourceExhausted

from . import session_chunks
from .compressing import compress
from .exporting import export
from .films import transcode
from .looking import probe
from .merging import merge
from .picturing import picture
from .remuxing import remux
from .sounds import extract
from .work import Work


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of a job; idempotent, as whoever did it before may have died after any of its instructions.

    Attributes:
        name: what people read while it goes on; at most 20 characters.
        do: does it.
        weight: its part of the job's progress, beside the others'.
        wanted: whether a medium gets it.
        optional: whether the medium is finished without it: where it fails, the job's result says why.
    """

    name: str
    do: Callable[[Work], None]
    weight: int = 1
    wanted: Callable[[Media], bool] = lambda _media: True
    optional: bool = False


def _is_recording(media: Media) -> bool:
    """Return whether it is to be cut; when it began only its upload says, which an index made anew does not have."""
    return media.session is not None and media.upload is not None


def _is_upload(media: Media) -> bool:
    return not _is_recording(media)


def _is_film(media: Media) -> bool:
    return media.type.startswith("video/")


STAGES: dict[str, tuple[Stage, ...]] = {
    PROCESS: (
        Stage("merging", merge, 10),
        Stage("probing", probe, 2),
        Stage("cutting", session_chunks.cut, 20, _is_recording),
        Stage("remuxing", remux, 8, _is_upload),
        Stage("picturing", picture, 5, _is_upload, optional=True),
        Stage("compressing", compress, 75, _is_upload),
    ),
    EXPORT: (
        Stage("reading", export, 20),
        Stage("probing", probe, 2, _is_film, optional=True),
        Stage("picturing", picture, 5, _is_film, optional=True),
    ),
    AUDIO: (Stage("audio", extract),),
    VIDEO: (Stage("video", transcode),),
}
"""By kind of job. Of a session's recording the files that it is cut into are what is played."""


def do_all(work: Work, on_stage: Callable[[Stage, float, float], None]) -> None:
    """Do the stages of a job, one after the other.

    Args:
        work: the job.
        on_stage: is told of each as it begins, and from where to where in the job it is, 0 to 1.

    Raises:
        GatehouseError: one of them failed that is not optional.
    """
    stages = [stage for stage in STAGES[work.job.kind] if stage.wanted(work.media)]
    whole = sum(stage.weight for stage in stages)
    done = 0
    for stage in stages:
        with suppress(ResourceExhausted):  # stages that need room say so, and one makes some
            work.check()
        on_stage(stage, done / whole, (done + stage.weight) / whole)
        with work.optional(stage.name) if stage.optional else nullcontext():
            stage.do(work)
        done += stage.weight

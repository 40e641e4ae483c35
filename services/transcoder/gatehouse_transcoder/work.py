"""A job in hand: what its stages work with, and how they tell how far they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gatehouse_common.db import Job, Media
from gatehouse_common.errors import Cancelled
from gatehouse_common.runtime import Core

Told = Callable[[float], None]
"""Is told which part of a stage is done, 0 to 1."""


class Lost(Cancelled):
    """The job was called off, or another process has it by now: nothing more of it is written."""


@dataclass
class Work:
    """What a stage works with.

    Attributes:
        core: settings, index, store, bus.
        job: as it was taken; ``parameters`` say what was asked for.
        media: the medium as it is known now; a stage that learns of it sets it anew.
        folder: of this job alone, for temporary files; it goes with the job, whatever becomes of it.
        ending: returns why the work is to be broken off, None while it goes on.
        told: is told which part of the stage is done, 0 to 1; the job's row follows about once a second.
    """

    core: Core
    job: Job
    media: Media
    folder: Path
    ending: Callable[[], Cancelled | None]
    told: Told

    def check(self) -> None:
        """Return while the job is this process's to do.

        Raises:
            Lost: it was called off, or another process has it.
            Cancelled: this process is to end.
        """
        reason = self.ending()
        if reason is not None:
            raise reason

    def learn(self, **facts: object) -> None:
        """Know something more of the medium; who writes it into the index is said where it is written."""
        self.media = replace(self.media, **facts)  # type: ignore[arg-type]

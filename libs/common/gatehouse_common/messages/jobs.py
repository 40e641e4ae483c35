"""Messages about longer works."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from .envelope import Message
from .fields import Count

SITE = "site"
"""Stands for the camera in what speaks of none."""
JobState = Literal["queued", "running", "done", "failed", "cancelled"]


class JobChanged(Message):
    """A job is to be done, goes on, or has ended: workers look for it, and who waits for it is told.

    A hint: the row is what counts, and workers look at rows every few seconds.
    """

    TYPE: ClassVar[str] = "job.changed"

    job: str = Field(max_length=36, description="id of the job, UUIDv7")
    kind: str = Field(max_length=32, description="what is done: media-process, ...")
    state: JobState = Field(description="how it is")
    stage: str = Field(default="", max_length=20, description="what is done now; empty: nothing, or it has no stages")
    done: Count = Field(default=0, description="steps done so far")
    total: Count = Field(default=0, description="steps in all, 0: not known")
    user: int | None = Field(default=None, description="number of the user whose it is, null: of the house")
    media: int | None = Field(default=None, description="number of the medium that it is about, null: of none")

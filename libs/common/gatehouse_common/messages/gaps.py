"""Messages about what was not recorded."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .envelope import Message
from .fields import Moment
from .vocabulary import GapCause


class GapRecorded(Message):
    """A span inside a run, or around a file that could not be kept, is missing."""

    TYPE: ClassVar[str] = "gap.recorded"

    start_us: Moment = Field(description="first missing instant, microseconds UTC")
    end_us: Moment = Field(description="first instant that is there again, microseconds UTC")
    cause: GapCause = Field(description="why it is missing")
    detail: str = Field(default="", description="one sentence for a person, without credentials")

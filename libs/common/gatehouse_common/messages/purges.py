"""Messages about what was deleted."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from .envelope import Message
from .fields import Count, Moment


class FootagePurged(Message):
    """Stored recordings of a camera were deleted: their rows are gone, the ledger says so."""

    TYPE: ClassVar[str] = "footage.purged"

    start_us: Moment = Field(description="where the first of them began, microseconds UTC")
    end_us: Moment = Field(description="where the last of them ended, microseconds UTC; not all between need be gone")
    chunks: Count = Field(description="how many")
    bytes: Count = Field(description="their sizes")
    reason: Literal["age", "quota", "emergency", "asked"] = Field(description="why")

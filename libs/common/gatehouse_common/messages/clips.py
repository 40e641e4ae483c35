"""Messages about clips: files around plate events."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .envelope import Message
from .fields import Count, Moment


class FootageWanted(Message):
    """Somebody waits for the footage up to an instant: the part that ends it is written then, not when it is long.

    A hint. Without it the footage is there half a second later.
    """

    TYPE: ClassVar[str] = "footage.wanted"

    until_us: Moment = Field(description="wall time up to which frames are waited for, microseconds UTC")


class ClipStored(Message):
    """A clip is durable in the store, its row committed; or it could not be made, and its row says why."""

    TYPE: ClassVar[str] = "clip.stored"

    clip: str = Field(max_length=36, description="id of the clip, UUIDv7")
    key: str = Field(max_length=255, description="object key in the store; empty: it could not be made")
    start_us: Moment = Field(description="wall time of its first frame, microseconds UTC")
    end_us: Moment = Field(description="wall time at which its last frame ends, microseconds UTC")
    bytes: Count = Field(description="size of the file")
    events: list[str] = Field(max_length=1000, description="ids of the plate events in it")

"""Transient messages of live view: their payload travels beside them as a binary body."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from .envelope import Message
from .fields import Count, Moment

LiveKind = Literal["media", "preview"]


class LiveRequested(Message):
    """Somebody watches a camera: make what ``kinds`` names for the next ``ttl_us``."""

    TYPE: ClassVar[str] = "live.requested"

    kinds: list[LiveKind] = Field(description="fragments, pictures, or both")
    ttl_us: Moment = Field(description="for how long, in microseconds, unless asked again")


class LiveMedia(Message):
    """A frame-level fragment (``moof``, ``mdat``) as the body; goes on where the open chunk's parts end."""

    TYPE: ClassVar[str] = "live.media"

    run: str = Field(description="id of the run")
    chunk: str = Field(description="id of the open chunk that the same samples will be in")
    start_dts: Moment = Field(description="decode time of its first video sample, in ticks of 1/90000 s")
    sync: bool = Field(description="whether it begins with a keyframe")


class LivePreview(Message):
    """One decoded frame; the body is a JPEG."""

    TYPE: ClassVar[str] = "live.preview"

    width: Count = Field(description="pixels")
    height: Count = Field(description="pixels")

"""Messages about chunks: where recorded media is (claim checks; media itself never travels with them)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .envelope import Message
from .fields import Count, InnerUrl, Moment


class ChunkMessage(Message):
    """What all messages about a chunk carry."""

    run: str = Field(description="id of the run")
    chunk: str = Field(description="id of the chunk, UUIDv7")
    key: str = Field(description="object key: in the spool while open, in the store once stored")


class ChunkOpened(ChunkMessage):
    """A chunk file has been begun and can be read up to its last whole part."""

    TYPE: ClassVar[str] = "chunk.opened"

    start_us: Moment = Field(description="wall time of its first frame, microseconds UTC")
    origin_us: Moment = Field(description="wall time of media time zero of the run, microseconds UTC")


class GopWritten(ChunkMessage):
    """All parts of a GOP are in the chunk file, or those of the next 15 s of one that is longer."""

    TYPE: ClassVar[str] = "gop.written"

    offset: Count = Field(description="bytes from the file's start to their first box")
    length: Count = Field(description="bytes")
    start_us: Moment = Field(description="wall time of its first frame, microseconds UTC")
    end_us: Moment = Field(description="wall time at which its last frame ends, microseconds UTC")
    origin_us: Moment = Field(description="wall time of media time zero of the run, as known now")
    frames: Count = Field(description="video frames in it")
    keyframe_length: Count = Field(description="bytes of its keyframe, 0 in what follows of a long GOP")


class ChunkClosed(ChunkMessage):
    """A chunk file is whole, with its sample index at its end, and waits in the spool to be published."""

    TYPE: ClassVar[str] = "chunk.closed"

    start_us: Moment = Field(description="wall time of its first frame, microseconds UTC")
    end_us: Moment = Field(description="wall time at which its last frame ends, microseconds UTC")
    origin_us: Moment = Field(description="wall time of media time zero of the run, microseconds UTC")
    bytes: Count = Field(description="size of the file; 0: nothing of it could be kept, so forget the chunk")
    recovered: bool = Field(default=False, description="whether it was adopted after a crash")
    spool_url: InnerUrl = Field(
        default="", description="inner address of the worker whose spool has it; empty: a local one"
    )


class ChunkStored(ChunkMessage):
    """A chunk is durable in the store under ``key``; the spool still has it too."""

    TYPE: ClassVar[str] = "chunk.stored"

    spool_key: str = Field(description="its key in the spool")
    start_us: Moment = Field(description="wall time of its first frame, microseconds UTC")
    end_us: Moment = Field(description="wall time at which its last frame ends, microseconds UTC")
    origin_us: Moment = Field(description="wall time of media time zero of the run, microseconds UTC")
    bytes: Count = Field(description="size of the file")
    recovered: bool = Field(default=False, description="whether it was adopted after a crash")


class ChunkIndexed(Message):
    """A stored chunk's row and sample index are committed; its spool entry may go."""

    TYPE: ClassVar[str] = "chunk.indexed"

    chunk: str = Field(description="id of the chunk, UUIDv7")
    key: str = Field(description="object key in the store")
    spool_key: str = Field(description="key in the spool")


class ChunkDiscarded(ChunkMessage):
    """A chunk is not to be kept: of its camera only clips are, and no clip can need it any more."""

    TYPE: ClassVar[str] = "chunk.discarded"

    start_us: Moment = Field(description="wall time of its first frame, microseconds UTC")
    end_us: Moment = Field(description="wall time at which its last frame ends, microseconds UTC")


class ChunkFreed(Message):
    """The index has forgotten a chunk that is not to be kept; its spool entry may go."""

    TYPE: ClassVar[str] = "chunk.freed"

    chunk: str = Field(description="id of the chunk, UUIDv7")
    spool_key: str = Field(description="key in the spool")

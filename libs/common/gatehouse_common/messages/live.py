"""Transient messages of live view: their payload travels beside them as a binary body.

They never travel over a broker: in one process they are handed on by reference, between machines they are frames of a
stream: ``length(32) JSON length(32) body``, lengths big-endian; a length of zero is a sign of life.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import ClassVar, Literal

from pydantic import Field

from gatehouse_common.errors import InvalidInput

from .envelope import Message, decode, encode
from .fields import Count, Moment

LiveKind = Literal["media", "preview"]
_LENGTH = struct.Struct(">I")
_MOST_BYTES = 64 << 20


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


def frame(message: Message, body: bytes | memoryview) -> bytes:
    """Return a message with its body as a frame of a stream."""
    head = encode(message)
    return b"".join((_LENGTH.pack(len(head)), head, _LENGTH.pack(len(body)), body))


def read_frames(read: Callable[[int], bytes]) -> Iterator[tuple[Message, bytes] | None]:
    """Yield the frames of a stream, None for each sign of life, until it ends.

    Args:
        read: returns so many bytes, fewer only where the stream ends.

    Raises:
        InvalidInput: the stream is not one of frames.
    """
    while head := _block(read):
        if head == b"-":
            yield None
            continue
        message = decode(head)
        body = _block(read)
        if body is None or body == b"-":
            return
        yield message, body


def _block(read: Callable[[int], bytes]) -> bytes | None:
    """Return the next block, ``b"-"`` for an empty one, None at the end."""
    length = read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    size = int(_LENGTH.unpack(length)[0])
    if size > _MOST_BYTES:
        raise InvalidInput(f"a block of {size} bytes is none of a live stream")
    data = read(size) if size else b"-"
    return data if len(data) >= size else None

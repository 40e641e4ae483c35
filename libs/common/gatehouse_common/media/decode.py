"""Decoding single samples by the sample index, without a demuxer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Protocol

import av
import numpy as np
from numpy.typing import NDArray

from gatehouse_common.errors import DataLoss

from .init_segment import decoder_config
from .samples import I64, VIDEO_TIMESCALE, ChunkMedia, TrackFormat

DECODERS = {"avc1": "h264", "hvc1": "hevc", "mp4v": "mpeg4", "mjpa": "mjpeg", "jpeg": "mjpeg"}


class RangeSource(Protocol):
    """Where the bytes of samples come from."""

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a range of an object in one piece."""
        ...


class VideoColumns(Protocol):
    """The columns that decoding needs; of a track of a chunk or of a span."""

    @property
    def format(self) -> TrackFormat:
        """How to decode."""
        ...

    @property
    def pts(self) -> I64:
        """Presentation times in ticks."""
        ...

    @property
    def off(self) -> I64:
        """Offsets in the source."""
        ...

    @property
    def size(self) -> I64:
        """Sizes in bytes."""
        ...

    @property
    def sync(self) -> NDArray[np.bool_]:
        """Where decoding can start."""
        ...


def make_decoder(format_: TrackFormat) -> av.VideoCodecContext:
    """Return a decoder for a track.

    Raises:
        DataLoss: there is none for its codec.
    """
    name = DECODERS.get(format_.codec)
    config = decoder_config(format_.sample_entry)
    if name is None:
        raise DataLoss(f"there is no decoder for {format_.codec}")
    decoder = av.CodecContext.create(name, "r")
    if not isinstance(decoder, av.VideoCodecContext):
        raise DataLoss(f"{name} is no video codec")
    if config is not None and name in {"h264", "hevc"}:
        decoder.extradata = config[1]
    decoder.thread_count = 1
    return decoder


def decode_frames(
    video: VideoColumns,
    first: int,
    last: int,
    chunks: Sequence[ChunkMedia],
    reader: RangeSource,
    src: I64 | None = None,
) -> Iterator[av.VideoFrame]:
    """Yield the frames of the samples ``[first, last)`` in presentation order, ``pts`` in ticks.

    Raises:
        DataLoss: a sample cannot be decoded.
    """
    numbers = getattr(video, "src", None) if src is None else src
    decoder = make_decoder(video.format)
    pts = video.pts
    try:
        for k in range(first, last):
            chunk = chunks[int(numbers[k])] if numbers is not None else chunks[0]
            packet = av.Packet(reader.read(chunk.key, int(video.off[k]), int(video.size[k])))
            packet.pts = int(pts[k])
            packet.time_base = Fraction(1, VIDEO_TIMESCALE)
            yield from decoder.decode(packet)
        yield from decoder.decode(None)
    except av.FFmpegError as error:
        raise DataLoss(f"a recorded picture cannot be decoded: {error}") from error

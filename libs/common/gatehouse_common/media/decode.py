"""Decoding single samples by the sample index, without a demuxer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Protocol, cast

import av
import numpy as np
from av.video.stream import VideoStream

from gatehouse_common.errors import DataLoss

from .boxes import Buffer
from .esds import JPEG, Description, parse_esds
from .init_segment import decoder_config
from .samples import I64, VIDEO_TIMESCALE, ChunkMedia, TrackFormat

DECODERS = {"avc1": "h264", "hvc1": "hevc", "mp4v": "mpeg4"}
"""Decoders by the sample entry; films of JPEGs have that of MPEG-4, and say in it what they are."""


class RangeSource(Protocol):
    """Where the bytes of samples come from."""

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a range of an object in one piece."""
        ...


class SampleColumns(Protocol):
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


def video_codec(format_: TrackFormat) -> str:
    """Return libavcodec's name of a track's codec.

    Raises:
        DataLoss: it is none that is recorded.
    """
    name = DECODERS.get(format_.codec)
    if name is None:
        raise DataLoss(f"there is no decoder for {format_.codec}")
    found = configuration(format_) if name == "mpeg4" else None
    return "mjpeg" if found is not None and found.object_type == JPEG else name


def configuration(format_: TrackFormat) -> Description | None:
    """Return what the ``esds`` of a track says, None if it has none."""
    config = decoder_config(format_.sample_entry)
    return parse_esds(config[1]) if config is not None and config[0] == b"esds" else None


def make_decoder(format_: TrackFormat) -> av.VideoCodecContext:
    """Return a decoder for a track.

    Raises:
        DataLoss: there is none for its codec.
    """
    name = video_codec(format_)
    config = decoder_config(format_.sample_entry)
    decoder = av.CodecContext.create(name, "r")
    if not isinstance(decoder, av.VideoCodecContext):
        raise DataLoss(f"{name} is no video codec")
    if config is not None and name in {"h264", "hevc"}:
        decoder.extradata = config[1]
    elif name == "mpeg4" and (found := configuration(format_)) is not None:
        decoder.extradata = found.specific
    decoder.thread_count = 1
    return decoder


def packet_of(data: Buffer) -> av.Packet[VideoStream]:
    """Return a packet with a copy of a sample, and room behind it.

    Decoders read up to 64 bytes beyond the end (``AV_INPUT_BUFFER_PADDING_SIZE``). ``av.Packet(data)`` only points to
    the bytes, so that pictures would depend on what happens to lie in memory behind them.
    """
    packet = av.Packet(len(data))
    packet.update(bytes(data))
    return cast("av.Packet[VideoStream]", packet)


def read_samples(
    track: SampleColumns, which: Sequence[int] | I64, chunks: Sequence[ChunkMedia], reader: RangeSource
) -> list[bytes]:
    """Return the bytes of the samples at positions ``which``; each chunk is read once, from first to last of them.

    ``chunks`` are those that the track's ``src`` counts; a track without it is of the only one.
    """
    numbers = getattr(track, "src", None)
    positions = np.asarray(which, np.int64)
    source = np.zeros(len(positions), np.int64) if numbers is None else numbers[positions]
    off, size = track.off[positions], track.size[positions]
    found = [b""] * len(positions)
    for number in np.unique(source):
        mine = np.flatnonzero(source == number)
        low, high = int(off[mine].min()), int((off[mine] + size[mine]).max())
        data = memoryview(reader.read(chunks[int(number)].key, low, high - low))
        for k in mine:
            at = int(off[k]) - low
            found[int(k)] = bytes(data[at : at + int(size[k])])
    return found


def decode_frames(
    video: SampleColumns, first: int, last: int, chunks: Sequence[ChunkMedia], reader: RangeSource
) -> Iterator[av.VideoFrame]:
    """Yield the frames of the samples ``[first, last)`` in presentation order, ``pts`` in ticks.

    Raises:
        DataLoss: a sample cannot be decoded.
    """
    decoder = make_decoder(video.format)
    pts = video.pts
    try:
        for k, data in enumerate(read_samples(video, range(first, last), chunks, reader), first):
            packet = packet_of(data)
            packet.pts = int(pts[k])
            packet.time_base = Fraction(1, VIDEO_TIMESCALE)
            yield from decoder.decode(packet)
        yield from decoder.decode(None)
    except av.FFmpegError as error:
        raise DataLoss(f"a recorded picture cannot be decoded: {error}") from error

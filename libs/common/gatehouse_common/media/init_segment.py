"""Init segments (``ftyp moov`` with empty sample tables): made by libavformat whatever the codec, read by us."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from gatehouse_common.errors import DataLoss

from .boxes import U32, Box, find, find_all, iter_boxes
from .esds import MPEG4_VISUAL, parse_esds
from .mpeg4_visual import profile_and_level
from .parameter_sets import ParameterSets, from_avcc, from_hvcc
from .samples import VIDEO_TIMESCALE, TrackFormat

_OPTIONS = {"movflags": "empty_moov+default_base_moof+frag_custom", "fflags": "bitexact"}


class _Sink(io.BytesIO):
    """A file that libavformat cannot seek in, so it writes straight on."""

    def seekable(self) -> bool:
        return False


def build_init(streams: Sequence[VideoStream | AudioStream]) -> bytes:
    """Return an init segment for demuxed streams, video first; bit-exact for equal parameters."""
    sink = _Sink()
    with av.open(sink, "w", format="mp4", options=_OPTIONS) as out:
        for stream in streams:
            made = out.add_stream_from_template(stream)
            if isinstance(made, VideoStream):
                made.time_base = Fraction(1, VIDEO_TIMESCALE)
                if stream.codec_context.name == "hevc":
                    made.codec_context.codec_tag = "hvc1"
        out.start_encoding()
        return _trimmed(sink.getvalue())


def _trimmed(data: bytes) -> bytes:
    boxes = {b.kind: b for b in iter_boxes(data)}
    if b"ftyp" not in boxes or b"moov" not in boxes:
        raise DataLoss("libavformat wrote no init segment")
    return data[: boxes[b"moov"].end]


def parse_init(data: bytes) -> tuple[TrackFormat, ...]:
    """Return the formats of the tracks of an init segment, in file order.

    Raises:
        DataLoss: it is not an init segment.
    """
    try:
        formats = tuple(_track(data, trak) for trak in find_all(data, "moov/trak"))
    except (struct.error, IndexError, ValueError, AttributeError) as error:
        raise DataLoss(f"the init segment is damaged: {error}") from error
    if not formats:
        raise DataLoss("the init segment has no tracks")
    return formats


def decoder_config(entry: bytes) -> tuple[bytes, bytes] | None:
    """Return ``(kind, payload)`` of the ``avcC``, ``hvcC``, ``esds`` or ``dOps`` box in a sample entry."""
    # 14496-12 clause 12.1.3: a VisualSampleEntry has 78 bytes of fields, an AudioSampleEntry (12.2.3) 28.
    for skip in (86, 36):
        for inner in iter_boxes(entry, skip):
            if inner.kind in {b"avcC", b"hvcC", b"esds", b"dOps"}:
                return inner.kind, entry[inner.payload : inner.end]
    return None


def parameter_sets(format_: TrackFormat) -> ParameterSets | None:
    """Return the parameter sets of a track's sample entry, None for codecs that have none."""
    config = decoder_config(format_.sample_entry)
    if config and config[0] == b"avcC":
        return from_avcc(config[1])
    if config and config[0] == b"hvcC":
        return from_hvcc(config[1])
    return None


def _track(data: bytes, trak: Box) -> TrackFormat:
    tkhd = _required(data, "tkhd", trak)
    mdhd = _required(data, "mdia/mdhd", trak)
    hdlr = _required(data, "mdia/hdlr", trak)
    stsd = _required(data, "mdia/minf/stbl/stsd", trak)
    track_id = U32.unpack_from(data, tkhd.payload + (20 if data[tkhd.payload] else 12))[0]
    timescale = U32.unpack_from(data, mdhd.payload + (20 if data[mdhd.payload] else 12))[0]
    video = data[hdlr.payload + 8 : hdlr.payload + 12] == b"vide"
    first = next(iter_boxes(data, stsd.payload + 8, stsd.end), None)
    if first is None or timescale == 0:
        raise ValueError("a track without sample entry or timescale")
    entry = data[first.start : first.end]
    return TrackFormat(
        track_id=track_id,
        kind="video" if video else "audio",
        timescale=timescale,
        codec=first.kind.decode("latin-1"),
        codec_string=codec_string(first.kind.decode("latin-1"), entry),
        sample_entry=entry,
        width=int.from_bytes(entry[32:34], "big") if video else 0,
        height=int.from_bytes(entry[34:36], "big") if video else 0,
    )


def _required(data: bytes, path: str, inside: Box) -> Box:
    found = find(data, path, inside.payload, inside.end)
    if found is None:
        raise ValueError(f"no {path}")
    return found


def codec_string(codec: str, entry: bytes) -> str:
    """Return the codec string of RFC 6381 section 3.3; for HEVC that of 14496-15 Annex E.3.

    Args:
        codec: the sample entry's four characters.
        entry: the whole sample entry.
    """
    config = decoder_config(entry)
    if config is None:
        return codec
    kind, data = config
    if kind == b"avcC":
        return f"{codec}.{data[1:4].hex()}"
    if kind == b"hvcC":
        space = ("", "A", "B", "C")[data[1] >> 6]
        flags = int(f"{int.from_bytes(data[2:6], 'big'):032b}"[::-1], 2)
        tier = "H" if data[1] & 0x20 else "L"
        constraints = data[6:12].rstrip(b"\0")
        tail = "".join(f".{byte:x}" for byte in constraints)
        return f"{codec}.{space}{data[1] & 31}.{flags:x}.{tier}{data[12]}{tail}"
    if kind == b"esds" and codec == "mp4v":
        return _visual_string(data)
    if kind == b"esds":
        return f"{codec}.40.2" if b"\x04" in data and b"\x40" in data else codec
    return "opus" if kind == b"dOps" else codec


def _visual_string(esds: bytes) -> str:
    """Return ``mp4v.`` and the object type in hex; for MPEG-4 part 2 also the profile and level, in decimal."""
    found = parse_esds(esds)
    if found is None:
        return "mp4v"
    profile = profile_and_level(found.specific) if found.object_type == MPEG4_VISUAL else None
    return f"mp4v.{found.object_type:02X}" + (f".{profile}" if profile is not None else "")

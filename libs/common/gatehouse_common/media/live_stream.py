"""Live view for Media Source Extensions: a video-only init segment, and what is recorded of the open GOP."""

from __future__ import annotations

import struct

import numpy as np

from .boxes import U32, box, full_box
from .decode import RangeSource
from .fragment import TimedSample, build_fragment
from .samples import ChunkMedia, TrackFormat

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def build_video_init(format_: TrackFormat) -> bytes:
    """Return ``ftyp moov { mvhd trak mvex { trex } }`` for one video track without samples (14496-12 clause 8.8)."""
    ftyp = box(b"ftyp", b"iso5", U32.pack(0x200), b"iso5iso6mp41")
    mvhd = full_box(
        b"mvhd", 0, 0, struct.pack(">IIIIIHH8x", 0, 0, 1000, 0, 0x10000, 0x100, 0), _MATRIX, bytes(24), U32.pack(2)
    )
    tkhd = full_box(
        b"tkhd",
        0,
        3,
        struct.pack(">III4xI8xHHH2x", 0, 0, format_.track_id, 0, 0, 0, 0),
        _MATRIX,
        struct.pack(">II", format_.width << 16, format_.height << 16),
    )
    mdhd = full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, format_.timescale, 0, 0x55C4, 0))
    hdlr = full_box(b"hdlr", 0, 0, struct.pack(">4x4s12x", b"vide"), b"Video\0")
    empty = [full_box(kind, 0, 0, U32.pack(0)) for kind in (b"stts", b"stsc", b"stco")]
    stbl = box(
        b"stbl",
        full_box(b"stsd", 0, 0, U32.pack(1), format_.sample_entry),
        *empty,
        full_box(b"stsz", 0, 0, struct.pack(">II", 0, 0)),
    )
    dinf = box(b"dinf", full_box(b"dref", 0, 0, U32.pack(1), full_box(b"url ", 0, 1)))
    minf = box(b"minf", full_box(b"vmhd", 0, 1, bytes(8)), dinf, stbl)
    trak = box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf))
    trex = full_box(b"trex", 0, 0, struct.pack(">IIIII", format_.track_id, 1, 0, 0, 0))
    return ftyp + box(b"moov", mvhd, trak, box(b"mvex", trex))


def open_gop(chunk: ChunkMedia, reader: RangeSource) -> tuple[bytes, int]:
    """Return the newest GOP's recorded samples as a fragment, and the decode time at which live view goes on.

    Raises:
        NotFound: the file has gone.
    """
    video = chunk.video
    keys = np.flatnonzero(video.sync)
    first = int(keys[-1]) if len(keys) else 0
    low, high = int(video.off[first:].min()), int((video.off[first:] + video.size[first:]).max())
    data = memoryview(reader.read(chunk.key, low, high - low))
    samples = []
    for k in range(first, len(video)):
        at, size = int(video.off[k]) - low, int(video.size[k])
        samples.append(
            TimedSample(
                int(video.dts[k]), int(video.cts[k]), int(video.dur[k]), bool(video.sync[k]), data[at : at + size]
            )
        )
    fragment = b"".join(build_fragment(1, [(video.format.track_id, samples)]))
    return fragment, int(video.dts[-1] + video.dur[-1])

"""The one model of recorded media: the sample tables of a chunk as numpy columns.

Everything that reads footage (slicing, HLS, live view, thumbnails, checks) works on these, however they
were obtained: read from the compact index, or scanned from the ``moof`` boxes of the file itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.clock import TICKS, ticks_us

I64 = NDArray[np.int64]
VIDEO_TIMESCALE = TICKS
"""Ticks per second of every video track Gatehouse writes: the clock of RTP video (RFC 6184 section 8.2.1)."""

_MOST_REORDERED = 32
_TAIL = 128


@dataclass(frozen=True, slots=True)
class TrackFormat:
    """How to decode a track: taken from the run's init segment (``moov``), constant for the run.

    Attributes:
        track_id: ``tkhd.track_ID``; 1 is video.
        kind: video or audio.
        timescale: ticks per second of all times of the track.
        codec: the sample entry's four characters: ``avc1``, ``hvc1``, ``mp4a``, ``Opus``, ``mp4v``...
        codec_string: RFC 6381, e.g. ``avc1.640028``, for MSE and HLS.
        sample_entry: the whole sample entry box inside ``stsd`` (size and type included).
        width: pixels, 0 for audio.
        height: pixels, 0 for audio.
    """

    track_id: int
    kind: Literal["video", "audio"]
    timescale: int
    codec: str
    codec_string: str
    sample_entry: bytes
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class TrackSamples:
    """The samples of one track in decode order; every column is int64 of one length, ``sync`` is bool.

    Attributes:
        format: how to decode them.
        dts: decode time in ticks, non-decreasing; continuous inside a run, across its chunks.
        dur: duration in ticks, so that ``dts[i] + dur[i] == dts[i + 1]`` except where frames were lost.
        cts: composition offset in ticks, may be negative: presentation time is ``dts + cts``.
        size: bytes.
        off: byte offset in the chunk's file.
        sync: whether decoding can start here.
    """

    format: TrackFormat
    dts: I64
    dur: I64
    cts: I64
    size: I64
    off: I64
    sync: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.dts)

    @property
    def pts(self) -> I64:
        """Presentation times in ticks, in decode order."""
        return self.dts + self.cts


@dataclass(frozen=True, slots=True)
class PartTable:
    """The parts of a chunk file in file order; every column is int64 of one length, ``sync`` is bool.

    Attributes:
        off: byte offset of the part's first box (its ``prft``, else its ``moof``).
        size: bytes up to the end of its ``mdat``.
        dts: decode time of its first video sample, in ticks.
        end: decode time at which its last video sample ends, in ticks.
        sync: whether it begins with a keyframe.
    """

    off: I64
    size: I64
    dts: I64
    end: I64
    sync: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.off)


@dataclass(frozen=True, slots=True)
class ChunkMedia:
    """All samples of one chunk file, with the wall time they were recorded at.

    The wall time of media time ``t`` ticks is ``origin_us + t * 1_000_000 / timescale``.

    Attributes:
        chunk_id: the chunk's id in the index.
        key: object key in the store, or of the spool while the chunk is open.
        run_id: the unbroken connection it belongs to.
        origin_us: wall time of media time zero of the run, microseconds UTC.
        tracks: video first, then audio if there is any.
        parts: where the parts lie in the file.
        indexed_bytes: how much of the file the columns describe: the end of the last whole part.
        init_bytes: length of the init segment at the file's beginning.
    """

    chunk_id: str
    key: str
    run_id: str
    origin_us: int
    tracks: tuple[TrackSamples, ...]
    parts: PartTable
    indexed_bytes: int
    init_bytes: int

    @property
    def video(self) -> TrackSamples:
        """The video track."""
        return self.tracks[0]

    def wall_us(self, ticks: int, timescale: int = VIDEO_TIMESCALE) -> int:
        """Return the wall time of media time ``ticks``, rounded to the nearest microsecond."""
        return self.origin_us + ticks_us(ticks, timescale)

    def ticks(self, wall_us: int) -> int:
        """Return the first video time whose wall time is not before ``wall_us``; see ``first_tick``."""
        return first_tick(wall_us - self.origin_us)

    @property
    def start_us(self) -> int:
        """Wall time of the first presented frame."""
        return self.wall_us(int(self.video.pts.min()), self.video.format.timescale)

    @property
    def end_us(self) -> int:
        """Wall time up to which every frame is there: that at which the last one ends."""
        v = self.video
        return self.wall_us(complete_until(v.dts, v.pts, v.dur), v.format.timescale)


def first_tick(since_origin_us: int) -> int:
    """Return the first video time that, rounded to a microsecond, is not before one after the run's origin.

    A frame is thus before an instant exactly if its stated time is: ranges that touch share no frame.
    """
    return -((1 - 2 * since_origin_us) * VIDEO_TIMESCALE // 2_000_000)


def complete_until(dts: I64, pts: I64, dur: I64) -> int:
    """Return the time before which no frame is missing: the end of the last, if the last sample completes a GOP.

    Decode times are the sorted presentation times of the whole run. Where a chunk ends in the middle of a GOP, because
    it is still growing, pictures may be there that are shown after others that are not: the first decode time that is
    no presentation time is the first frame that is missing.
    """
    tail = min(len(dts), _TAIL)
    shown = np.sort(pts[-tail:])
    missing = np.flatnonzero(shown > dts[-tail:])
    if tail < len(dts):
        missing = missing[missing >= _MOST_REORDERED]  # the sorted tail is true but for its own first pictures
    return int(dts[missing[0] - tail]) if len(missing) else int(dts[-1] + dur[-1])

"""Recording a film as a camera would have sent it, as fast as the disk takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from gatehouse_common.clock import SystemClock
from gatehouse_common.ids import new_id
from gatehouse_common.media import nal
from gatehouse_common.media.chunk_file import FileReader, FsyncPolicy
from gatehouse_common.media.decode import configuration, video_codec
from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.init_segment import build_init, parameter_sets, parse_init
from gatehouse_common.media.mpeg4_visual import with_header
from gatehouse_common.media.parameter_sets import reorder_depth
from gatehouse_common.media.recorder import ChunkPolicy, RunListener, RunRecorder, Sample, Written
from gatehouse_common.media.run_box import RunInfo
from gatehouse_common.media.samples import VIDEO_TIMESCALE, ChunkMedia, TrackFormat
from gatehouse_common.media.scan import ChunkScanner


@dataclass
class Heard:
    """A listener that remembers."""

    chunks: list[str] = field(default_factory=list)
    parts: list[Written] = field(default_factory=list)
    gops: list[Written] = field(default_factory=list)
    closed: list[tuple[str, int, int, int]] = field(default_factory=list)

    def chunk_opened(self, _chunk: str, key: str, _start_us: int, /) -> None:
        """Remember."""
        self.chunks.append(key)

    def sample_timed(self, chunk: str, sample: TimedSample, /) -> None:
        """Nobody watches live."""

    def part_written(self, part: Written, /) -> None:
        """Remember."""
        self.parts.append(part)

    def gop_written(self, gop: Written, /) -> None:
        """Remember."""
        self.gops.append(gop)

    def chunk_closed(self, _chunk: str, key: str, start_us: int, end_us: int, size: int, /) -> None:
        """Remember."""
        self.closed.append((key, start_us, end_us, size))


def film_samples(film: Path) -> tuple[bytes, list[Sample]]:
    """Return the init segment of a film, and its samples in file order as a camera source would hand them on."""
    with av.open(str(film), "r") as container:
        streams: list[VideoStream | AudioStream] = [
            container.streams.video[0],
            *container.streams.audio[:1],
        ]  # video first
        init = build_init(streams)
        formats = parse_init(init)
        sets, config = parameter_sets(formats[0]), configuration(formats[0])
        samples = []
        for packet in container.demux(streams):
            if packet.size == 0 or packet.pts is None or packet.time_base is None:
                continue
            track = 0 if packet.stream is streams[0] else 1
            scale = VIDEO_TIMESCALE if track == 0 else formats[1].timescale
            data = bytes(packet)
            if track == 0 and packet.is_keyframe and sets:
                data = nal.with_sets(data, sets)
            if track == 0 and packet.is_keyframe and video_codec(formats[0]) == "mpeg4" and config is not None:
                data = with_header(data, config.specific)
            pts = round(packet.pts * packet.time_base * scale)
            dur = round((packet.duration or 0) * packet.time_base * scale)
            samples.append(Sample(track, pts, dur, packet.is_keyframe or track == 1, data))
    start = min(s.pts for s in samples if s.track == 0)
    shifted = [
        Sample(s.track, s.pts - start * _scale(formats, s) // VIDEO_TIMESCALE, s.dur, s.sync, s.data) for s in samples
    ]
    return init, shifted


def record_film(
    film: Path,
    root: Path,
    *,
    start_us: int,
    chunk_us: int = 600_000_000,
    camera: str = "cam",
    leave_open: bool = False,
) -> Heard:
    """Record a film as one run that starts at ``start_us``; return what the recorder told.

    Args:
        film: an MP4 file.
        root: the directory that keys are relative to.
        start_us: wall time of its first frame.
        chunk_us: length of a chunk.
        camera: id of the camera.
        leave_open: stop as a killed process would, with the last part not written.
    """
    init, samples = film_samples(film)
    return record_samples(
        init, samples, root, start_us=start_us, chunk_us=chunk_us, camera=camera, leave_open=leave_open
    )


def recorder_of(
    init: bytes,
    root: Path,
    listener: RunListener,
    *,
    start_us: int,
    policy: ChunkPolicy,
    camera: str = "cam",
    run: str = "run",
    wanted_us: Callable[[], int] = int,
    chunk_bytes: Callable[[], int] | None = None,
) -> RunRecorder:
    """Return a recorder of one run of a camera, with its files below ``root``; see ``RunRecorder``."""
    formats = parse_init(init)
    sets = parameter_sets(formats[0])
    return RunRecorder(
        root=root,
        key_of=lambda at: f"spool/{camera}/{run}/{at}.mp4",
        info=RunInfo(camera, run, "", start_us),
        init=init,
        formats=formats,
        depth=reorder_depth(sets) if sets else 1,
        policy=policy,
        clock=SystemClock(),
        listener=listener,
        wanted_us=wanted_us,
        chunk_bytes=chunk_bytes,
    )


def record_samples(
    init: bytes,
    samples: list[Sample],
    root: Path,
    *,
    start_us: int,
    chunk_us: int = 600_000_000,
    camera: str = "cam",
    leave_open: bool = False,
    repeat: int = 1,
) -> Heard:
    """Record samples as ``record_film`` does; ``repeat`` plays them so many times without a break."""
    formats, heard = parse_init(init), Heard()
    policy = ChunkPolicy(chunk_us=chunk_us, fsync=FsyncPolicy(None))
    recorder = recorder_of(init, root, heard, start_us=start_us, policy=policy, camera=camera, run=new_id())
    length = max(s.pts + s.dur for s in samples if s.track == 0)
    for turn in range(repeat):
        for s in samples:
            shift = turn * length * _scale(formats, s) // VIDEO_TIMESCALE
            recorder.add(Sample(s.track, s.pts + shift, s.dur, s.sync, s.data))
    if leave_open:
        told = heard.closed.copy()
        recorder.abandon()  # with a process its hold on the file ends
        heard.closed = told
    else:
        recorder.close()
    return heard


def scan_file(root: Path, key: str, origin_us: int | None = None) -> ChunkMedia:
    """Return the samples of a chunk file, by its own boxes."""
    reader = FileReader(root / key)
    try:
        scanner = ChunkScanner(reader, key)
        scanner.update()
        return scanner.media(origin_us)
    finally:
        reader.close()


def _scale(formats: tuple[TrackFormat, ...], sample: Sample) -> int:
    return formats[sample.track].timescale

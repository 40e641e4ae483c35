"""A camera whose film goes on when it is told to, and reads of plates on it: what tests of clips share."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.clock import SECOND, SystemClock
from gatehouse_common.db import Clip, ClipQuery, ClipRepository, FootageWriter
from gatehouse_common.ids import new_id
from gatehouse_common.media.chunk_file import FsyncPolicy
from gatehouse_common.media.fragment import TimedSample
from gatehouse_common.media.init_segment import parameter_sets, parse_init
from gatehouse_common.media.parameter_sets import reorder_depth
from gatehouse_common.media.recorder import ChunkPolicy, RunRecorder, Sample, Written
from gatehouse_common.media.run_box import RunInfo
from gatehouse_common.media.samples import VIDEO_TIMESCALE
from gatehouse_common.messages import (
    ChunkClosed,
    ChunkOpened,
    GapCause,
    GopWritten,
    Message,
    PlateSeen,
    ReadFields,
    RunEnded,
    RunStarted,
    VisitFields,
)
from gatehouse_common.runtime import Core, Service, Supervisor
from gatehouse_common.storage import keys
from gatehouse_common.testing.film import FilmSpec, frame_numbers
from gatehouse_common.testing.recording import film_samples
from gatehouse_indexer.service import build as build_indexer
from gatehouse_segmenter.service import build as build_segmenter
from media_kit import film
from pipeline_kit import START_US
from running import wait_for

FPS = 10
SPEC = FilmSpec(frames=120 * FPS, fps=FPS, gop=FPS, width=160, height=96)
QUAD = ((10.0, 10.0), (60.0, 10.0), (60.0, 30.0), (10.0, 30.0))


@cache
def samples_of(spec: FilmSpec) -> tuple[bytes, list[Sample]]:
    return film_samples(film(spec))


@dataclass
class FilmCamera:
    """Records a film as capture would, up to where it is told to; each connection is a run."""

    root: Path
    send: Callable[[Message], None]
    camera: str = "cam"
    spec: FilmSpec = SPEC
    start_us: int = START_US
    chunk_us: int = 600 * SECOND
    part_us: int = SECOND // 2
    run: str = field(default_factory=new_id)
    told: bool = False
    _recorder: RunRecorder | None = None
    _next: int = 0
    _base: int = 0

    def at(self, number: float) -> int:
        """Wall time at which a frame of the present run is on the screen."""
        return self.start_us + round(number * SECOND / self.spec.fps)

    def advance(self, until_us: int) -> None:
        """Record the frames that begin before then; the last part of them is not written yet."""
        init, samples = samples_of(self.spec)
        if self._recorder is None:
            self._recorder = self._begin(init)
        while self._next < len(samples):
            sample = samples[self._next]
            at_us = self.start_us + (sample.pts - self._base) * SECOND // VIDEO_TIMESCALE
            if at_us >= until_us:
                return
            self._next += 1
            self._recorder.add(Sample(sample.track, sample.pts - self._base, sample.dur, sample.sync, sample.data))

    def reconnect(self, start_us: int) -> None:
        """End the run, and let the film go on from its next keyframe, then."""
        self.stop(GapCause.CAMERA_OFFLINE)
        _, samples = samples_of(self.spec)
        while not samples[self._next].sync:
            self._next += 1
        self._base, self.start_us, self.run, self.told = samples[self._next].pts, start_us, new_id(), False

    def stop(self, cause: GapCause = GapCause.SERVICE_DOWN) -> None:
        """Write what is held back, close the chunk, end the run."""
        if self._recorder is not None:
            self._recorder.close()
            end_us, self._recorder = self._recorder.end_us, None
            self.send(RunEnded(camera=self.camera, time_us=end_us, run=self.run, end_us=end_us, cause=cause))

    def _begin(self, init: bytes) -> RunRecorder:
        formats, run = parse_init(init), self.run
        sets = parameter_sets(formats[0])
        return RunRecorder(
            root=self.root,
            key_of=lambda at: f"spool/{self.camera}/{run}/{at}.mp4",
            info=RunInfo(self.camera, run, "", self.start_us),
            init=init,
            formats=formats,
            depth=reorder_depth(sets) if sets else 1,
            policy=ChunkPolicy(self.part_us, self.chunk_us, FsyncPolicy(None)),
            clock=SystemClock(),
            listener=self,
        )

    def chunk_opened(self, chunk: str, key: str, start_us: int, /) -> None:
        if not self.told:
            self.told = True
            init, _ = samples_of(self.spec)
            formats = parse_init(init)
            self.send(
                RunStarted(
                    camera=self.camera,
                    time_us=start_us,
                    run=self.run,
                    origin_us=self.start_us,
                    start_us=self.start_us,
                    init=base64.b64encode(init),
                    width=formats[0].width,
                    height=formats[0].height,
                    fps=self.spec.fps,
                    video_codec=formats[0].codec_string,
                    audio_codec=None,
                    interruptions=[],
                )
            )
        self.send(
            ChunkOpened(
                camera=self.camera,
                time_us=start_us,
                run=self.run,
                chunk=chunk,
                key=key,
                start_us=start_us,
                origin_us=self.start_us,
            )
        )

    def sample_timed(self, _chunk: str, _sample: TimedSample, /) -> None:
        """Nobody watches live."""

    def part_written(self, _part: Written, /) -> None:
        """Nobody watches live."""

    def gop_written(self, gop: Written, /) -> None:
        self.send(
            GopWritten(
                camera=self.camera,
                time_us=gop.start_us,
                run=self.run,
                chunk=gop.chunk,
                key=gop.key,
                offset=gop.offset,
                length=gop.length,
                start_us=gop.start_us,
                end_us=gop.end_us,
                origin_us=self.start_us,
                frames=gop.frames,
                keyframe_length=gop.keyframe_length,
            )
        )

    def chunk_closed(self, chunk: str, key: str, start_us: int, end_us: int, size: int, /) -> None:
        self.send(
            ChunkClosed(
                camera=self.camera,
                time_us=end_us,
                run=self.run,
                chunk=chunk,
                key=key,
                start_us=start_us,
                end_us=end_us,
                origin_us=self.start_us,
                bytes=size,
            )
        )


def read_at(
    time_us: int,
    event: str,
    *,
    confidence: float = 0.9,
    threshold: float = 0.5,
    standing: bool = False,
    first_us: int | None = None,
    camera: str = "cam",
    visit: bool = True,
) -> PlateSeen:
    """A read of a plate on the frame that is on the screen at a time."""
    read = ReadFields(
        id=new_id(),
        time_us=time_us,
        run=new_id(),
        pts=0,
        text="AB123CD",
        confidence=confidence,
        characters=[confidence] * 7,
        quad=QUAD,
        picture_width=160,
        picture_height=96,
        area=(0, 0, 160, 96),
    )
    begun = time_us if first_us is None else first_us
    fields = VisitFields(
        event=event,
        start_us=begun,
        end_us=max(begun, time_us),
        text="AB123CD",
        confidence=confidence,
        characters=[1.0] * 7,
        reads=1,
        best=read,
    )
    return PlateSeen(
        camera=camera,
        time_us=time_us,
        read=read,
        threshold=threshold,
        standing=standing,
        visit=fields if visit else None,
    )


def left_open_by_a_dead_worker(core: Core, start_us: int, end_us: int) -> None:
    """Chunk of a run whose worker, elsewhere, will never answer again."""
    run, chunk = new_id(), new_id()
    key, writer = keys.spool("cam", run, start_us), FootageWriter(core.db)
    place = {"camera": "cam", "run": run, "origin_us": start_us, "start_us": start_us}
    init, _ = samples_of(SPEC)
    formats = {"init": base64.b64encode(init), "width": 160, "height": 96, "fps": FPS, "video_codec": "avc1"}
    address = {"spool_url": "http://127.0.0.1:9", "audio_codec": None, "interruptions": []}
    writer.start_run(RunStarted(time_us=start_us, **place, **formats, **address))
    writer.open_chunk(ChunkOpened(time_us=start_us, chunk=chunk, key=key, **place))
    news = {"offset": 0, "length": 1000, "end_us": end_us, "frames": 10, "keyframe_length": 100}
    writer.extend_chunk(GopWritten(time_us=end_us, chunk=chunk, key=key, **place, **news))


@contextmanager
def at_work(core: Core, *more: Service) -> Iterator[None]:
    """The spool's keeper, indexer and segmenter at work."""
    supervisor = Supervisor([build_spool(core), build_indexer(core), build_segmenter(core), *more], core.clock)
    supervisor.start()
    try:
        yield
    finally:
        assert supervisor.stop()


def clips_of(core: Core, *states: str) -> list[Clip]:
    """Clips of those states, oldest first; of all states if none is named."""
    every = frozenset(states or {"planned", "stored", "failed", "archived", "purged"})
    return ClipRepository(core.db).list(ClipQuery(states=every, limit=1000))[::-1]


def stored_clips(core: Core, count: int, timeout: float = 20.0) -> list[Clip]:
    """Wait until so many clips are stored, and none is planned any more."""

    def found() -> list[Clip] | None:
        clips = clips_of(core)
        done = [c for c in clips if c.state == "stored"]
        return done if len(done) == len(clips) == count else None

    try:
        return wait_for(f"{count} stored clips", found, timeout)
    except AssertionError as error:
        raise AssertionError(f"{error}; there are {clips_of(core)}") from error


def shown(core: Core, clip: Clip) -> list[int]:
    """The numbers of the frames that a clip's file shows."""
    return [number for number, _ in frame_numbers(core.store.read(clip.key))]


def settled(core: Core) -> None:
    """Wait until every message has been handled."""
    assert core.bus.join(20)


never = threading.Event()

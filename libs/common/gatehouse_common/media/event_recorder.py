"""Recording around events as a library: pictures go in, clips that begin before their event come out.

It is the engine of the services in one object: pictures are encoded once, written as parts of chunk files, and a clip
is a slice of them. What has been written is the rolling buffer; what no clip can need any more is deleted.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from numpy.typing import NDArray

from gatehouse_common.clock import SECOND, Clock, SystemClock
from gatehouse_common.errors import InvalidInput, NotFound
from gatehouse_common.ids import new_id

from .chunk_file import FsyncPolicy
from .kept_chunks import KeptChunks
from .recorder import ChunkPolicy, RunRecorder, Sample
from .run_box import RunInfo
from .samples import VIDEO_TIMESCALE, TrackFormat
from .slicing import Slice

Picture = NDArray[np.uint8]
_CHUNK_US = 5 * SECOND
_LEAD_IN_US = 4 * SECOND
"""A clip's first frame is decoded from the keyframe before it: two seconds at most, and a chunk may be longer."""
_TICK_US = 12


class Encoded(Protocol):
    """An encoded picture; ``pts`` in ticks of 1/90000 s."""

    pts: int
    sync: bool
    data: bytes


class Stream(Protocol):
    """What an encoder makes."""

    @property
    def init(self) -> bytes:
        """The init segment."""
        ...

    @property
    def formats(self) -> tuple[TrackFormat, ...]:
        """What ``init`` says."""
        ...


class FrameEncoder(Protocol):
    """Encodes pictures in the order in which they are shown, none reordered."""

    @property
    def info(self) -> Stream:
        """What it makes."""
        ...

    def encode(self, frame: av.VideoFrame, pts: int, arrival_us: int) -> Iterator[Encoded]:
        """Yield what a picture completes."""
        ...


MakeEncoder = Callable[[int, int], FrameEncoder]


@dataclass(slots=True)
class _Run:
    """Pictures of one size without a break."""

    id: str
    size: tuple[int, int]
    origin_us: int
    encoder: FrameEncoder
    recorder: RunRecorder
    pts: int = -1


class EventRecorder:
    """Keeps the last seconds of one source, and cuts clips out of it. For one thread at a time.

    Args:
        make_encoder: returns an encoder for pictures of a width and height.
        buffer_us: how far back a clip may begin, microseconds.
        folder: where to keep what is recorded; a temporary one if not given, deleted with this object.
        clock: for the files; the time of pictures is what is said with them.
    """

    def __init__(
        self, make_encoder: MakeEncoder, buffer_us: int, folder: Path | None = None, clock: Clock | None = None
    ) -> None:
        self._make_encoder, self._buffer_us = make_encoder, buffer_us
        self._folder = folder or Path(tempfile.mkdtemp(prefix="gatehouse-recorder-"))
        # Those who know the class from elsewhere close nothing.
        self._tidy = None if folder else weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._clock = clock or SystemClock()
        self._run: _Run | None = None
        self._kept = KeptChunks(self._folder)
        self._times: list[int] = []
        self._last_us: int | None = None

    @property
    def last_us(self) -> int | None:
        """When the last picture was taken; None: there was none."""
        return self._last_us

    @property
    def times_us(self) -> Sequence[int]:
        """When the pictures were taken that a clip may begin with now, oldest first."""
        return self._times

    def add(self, picture: Picture, at_us: int, *, keep_since_us: int | None = None) -> int:
        """Record a picture; return when it is said to have been taken: to the tick of 1/90000 s.

        Args:
            picture: ``(height, width, 3)`` of bytes, blue first, or ``(height, width)``, grey.
            at_us: when it was taken. One that is not later than the one before is taken as a tick later.
            keep_since_us: what a clip that is going on has begun with; it stays, however long ago.

        Raises:
            InvalidInput: it is no such picture.
            ResourceExhausted: the disk is full.
        """
        frame = frame_of(picture)
        if self._last_us is not None:
            at_us = max(at_us, self._last_us + _TICK_US)
        run = self._run_for(frame.width, frame.height, at_us)
        run.pts = max(round((at_us - run.origin_us) * VIDEO_TIMESCALE / SECOND), run.pts + 1)
        at_us = run.recorder.wall_us(run.pts)
        for made in run.encoder.encode(frame, run.pts, at_us):
            run.recorder.add(Sample(0, made.pts, 0, made.sync, made.data))
        self._last_us = at_us
        self._times.append(at_us)
        self._forget(at_us - self._buffer_us, keep_since_us)
        return at_us

    def cut(self, start_us: int, end_us: int, path: Path) -> Slice:
        """Write what was recorded in ``[start_us, end_us)`` to a file; it is there as a whole or not at all.

        Raises:
            NotFound: nothing was.
            InvalidInput: the range does not end after it begins.
            GatehouseError: it cannot be written.
        """
        self._end_run()
        return self._kept.cut(start_us, end_us, path)

    def pictures(self, start_us: int, end_us: int) -> list[Picture]:
        """Return the pictures of a range as they are recorded: decoded, ``(height, width, 3)``, blue first."""
        self._end_run()
        with tempfile.TemporaryDirectory(prefix="gatehouse-pictures-") as folder:
            path = Path(folder) / "cut.mp4"
            try:
                self._kept.cut(start_us, end_us, path)
            except NotFound:
                return []
            with av.open(str(path)) as film:
                return [frame.to_ndarray(format="bgr24").astype(np.uint8) for frame in film.decode(video=0)]

    def close(self) -> None:
        """End recording; delete what was kept, if that was in a folder of its own."""
        self._end_run()
        if self._tidy is not None:
            self._tidy()

    def _run_for(self, width: int, height: int, at_us: int) -> _Run:
        if self._run is not None and self._run.size != (width, height):
            self._end_run()
        if self._run is None:
            encoder, run = self._make_encoder(width, height), new_id()
            recorder = RunRecorder(
                root=self._folder,
                key_of=lambda start_us: f"{run}/{start_us}.mp4",
                info=RunInfo("recorder", run, "", at_us),
                init=encoder.info.init,
                formats=encoder.info.formats,
                depth=0,
                policy=ChunkPolicy(chunk_us=_CHUNK_US, fsync=FsyncPolicy(None)),
                clock=self._clock,
                listener=self._kept,
            )
            self._run = _Run(run, (width, height), at_us, encoder, recorder)
        return self._run

    def _end_run(self) -> None:
        """Write what is held back; what comes then begins with a keyframe."""
        run, self._run = self._run, None
        if run is not None:
            run.recorder.close()

    def _forget(self, since_us: int, keep_since_us: int | None) -> None:
        while self._times and self._times[0] < since_us:
            self._times.pop(0)
        needed_us = min(since_us, since_us if keep_since_us is None else keep_since_us)
        self._kept.forget(needed_us - _LEAD_IN_US)


def frame_of(picture: Picture) -> av.VideoFrame:
    """Return a picture as encoders take them.

    Raises:
        InvalidInput: it is none.
    """
    if picture.dtype != np.uint8 or picture.ndim not in {2, 3} or (picture.ndim == 3 and picture.shape[2] != 3):
        raise InvalidInput(
            f"a picture is an array of bytes of shape (height, width, 3) or (height, width), not {picture.dtype} of "
            f"{picture.shape}",
            "frame",
        )
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24" if picture.ndim == 3 else "gray")

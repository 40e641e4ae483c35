"""Recording for a while as a library: one stream becomes files of equal length, none of which lacks a picture.

The files are slices of what is written meanwhile, as clips are: each begins with exactly the picture after the last one
of the file before, whether that is a keyframe or not, and nothing is encoded again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.ids import new_id

from .chunk_file import FsyncPolicy
from .kept_chunks import KeptChunks
from .recorder import ChunkPolicy, RunRecorder, Sample
from .run_box import RunInfo
from .samples import TrackFormat

_CHUNK_US = 5 * SECOND
_LEAD_IN_US = 30 * SECOND
"""The first picture of a file is decoded from the keyframe before it, which may be so far back."""

PathOf = Callable[[int, int], Path]
"""Gives the file for a number, from 1, and the wall time it begins at."""


class RecordedStream(Protocol):
    """What pictures are recorded of: those of an encoder, or of a camera."""

    @property
    def init(self) -> bytes:
        """The init segment."""
        ...

    @property
    def formats(self) -> tuple[TrackFormat, ...]:
        """What ``init`` says, video first."""
        ...

    @property
    def depth(self) -> int:
        """How far pictures may be reordered."""
        ...


@dataclass(frozen=True, slots=True)
class RecordedChunk:
    """One file of a recording. Times are wall time; ``number`` counts from 1."""

    number: int
    path: Path
    start_us: int
    end_us: int
    frames: int


class ChunkedRecorder:
    """Records one source for a time. For one thread at a time.

    Args:
        path_of: where to put each file; what is there is replaced.
        chunk_us: how much is in a file, microseconds.
        total_us: how much is recorded, microseconds.
        folder: where to keep what is in no file yet; deleted at the end. After a ``kill -9`` it is still there, and
            ``salvage`` makes files of it.
        clock: for the files; the time of pictures is what is said with them.
    """

    def __init__(self, path_of: PathOf, chunk_us: int, total_us: int, folder: Path, clock: Clock) -> None:
        self._path_of, self._chunk_us, self._total_us = path_of, chunk_us, total_us
        self._folder, self._clock = folder, clock
        self._kept = KeptChunks(folder)
        self._run: RunRecorder | None = None
        self._depth = self._past = 0
        self._begin_us: int | None = None
        self._start_us = self._border_us = 0
        self._newest_us = 0
        self._chunks: list[RecordedChunk] = []
        self.is_over = False

    @property
    def chunks(self) -> Sequence[RecordedChunk]:
        """The files there are, in order."""
        return tuple(self._chunks)

    @property
    def recorded_us(self) -> int:
        """How long it has recorded, by the times of the pictures; never more than ``total_us``."""
        return 0 if self._begin_us is None else min(self._newest_us - self._begin_us, self._total_us)

    def begin_run(self, stream: RecordedStream, origin_us: int) -> None:
        """Say what follows: pictures of a stream, whose media time zero is at a wall time.

        It is said again when a camera was away, or sends something else.

        Raises:
            Conflict: the recording is over.
            GatehouseError: what was recorded before cannot be written.
        """
        if self.is_over:
            raise Conflict("the recording is over.")
        self._end_run()
        run = new_id()
        self._depth = stream.depth
        self._run = RunRecorder(
            root=self._folder,
            key_of=lambda start_us: f"{run}/{start_us}.mp4",
            info=RunInfo("recorder", run, "", origin_us),
            init=stream.init,
            formats=stream.formats,
            depth=stream.depth,
            policy=ChunkPolicy(chunk_us=_CHUNK_US, fsync=FsyncPolicy()),
            clock=self._clock,
            listener=self._kept,
        )

    def add(self, sample: Sample) -> bool:
        """Take the next sample of the run; return whether it goes on. The first of a run is a keyframe at 0.

        Raises:
            ResourceExhausted: the disk is full. What was recorded stays, and becomes a file when there is room.
            GatehouseError: it cannot be written for another reason.
        """
        if self.is_over or self._run is None:
            return False
        if sample.track == 0:
            at_us = self._run.wall_us(sample.pts)
            if self._begin_us is None:
                self._begin_us = self._start_us = at_us
                self._border_us = at_us + self._chunk_us
            self._newest_us = max(self._newest_us, at_us)
            # Of pictures that are sent in another order some that are shown before the end may follow.
            self._past += at_us >= self._begin_us + self._total_us
            if self._past > self._depth:
                self.stop()
                return False
        self._run.add(sample)
        self._finish_files()
        return True

    def stop(self) -> Sequence[RecordedChunk]:
        """End it, and return all files: the last one as long as there was something to record.

        Raises:
            GatehouseError: a file cannot be written. ``stop`` may be called again.
        """
        self._end_run()
        self.is_over = True
        self._finish_files(last=True)
        shutil.rmtree(self._folder, ignore_errors=True)
        return self.chunks

    def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.close()

    def _finish_files(self, *, last: bool = False) -> None:
        """Make files of what is recorded up to their borders; of the rest too, if it is the last."""
        while self._begin_us is not None and self._kept.end_us is not None:
            end_us = min(self._border_us, self._begin_us + self._total_us)
            recorded_us = self._kept.end_us
            if self._start_us >= end_us or recorded_us <= self._start_us or (recorded_us < end_us and not last):
                return
            # The picture that is on the screen at the border belongs to the file before.
            self._start_us = max(self._finish_file(self._start_us, end_us), self._border_us)
            while self._border_us <= self._start_us:
                self._border_us += self._chunk_us
            self._kept.forget(self._start_us - _LEAD_IN_US)

    def _finish_file(self, start_us: int, end_us: int) -> int:
        """Write a file; return when its last picture ends."""
        number = len(self._chunks) + 1
        try:
            path = self._path_of(number, self._kept.slice(start_us, end_us).start_us)
            cut = self._kept.cut(start_us, end_us, path)
        except NotFound:
            return end_us  # the camera was away all the time
        self._chunks.append(RecordedChunk(number, path, cut.start_us, cut.end_us, cut.frames))
        return cut.end_us


def salvage(folder: Path, path_of: PathOf) -> RecordedChunk | None:
    """Make one file of what a recorder that was killed has left in its folder, and delete that.

    Returns:
        The file; None if no picture was whole.

    Raises:
        GatehouseError: it cannot be read or written; the folder stays.
    """
    kept = KeptChunks(folder)
    kept.adopt()
    made = None
    if kept.start_us is not None and kept.end_us is not None:
        path = path_of(1, kept.start_us)
        cut = kept.cut(kept.start_us, kept.end_us, path)
        made = RecordedChunk(1, path, cut.start_us, cut.end_us, cut.frames)
    shutil.rmtree(folder, ignore_errors=True)
    return made

"""Recording for a while as a library: one stream becomes files of equal length, none of which lacks a picture.

The files are slices of what is written meanwhile, as clips are: each begins with exactly the picture after the last one
of the file before, whether that is a keyframe or not, and nothing is encoded again.
"""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gatehouse_common.clock import HOUR, SECOND, Clock
from gatehouse_common.errors import Conflict, GatehouseError, NotFound, from_os_error
from gatehouse_common.ids import new_id

from .chunk_file import FsyncPolicy
from .event_recorder import Stream
from .kept_chunks import KeptChunks
from .recorder import ChunkPolicy, RunRecorder, Sample
from .run_box import RunInfo
from .slicing import Slice

MOST_CHUNK_US = 12 * HOUR
"""A slice is not longer."""
_PART_US = 5 * SECOND
_LEAD_IN_US = 30 * SECOND
"""The first picture of a file is decoded from the keyframe before it, which may be so far back."""
_LATE_SOUND_US = SECOND
_SET_BACK_US = SECOND
"""A stream that begins earlier than that before the end of the last one: the clock was set back in between."""
_AGAIN_US = 5 * SECOND
_FOREVER_US = 1 << 62
_PROGRESS = "finished.json"

PathsOf = Callable[[int, int], Iterable[Path]]
"""Gives names for the file with a number, from 1, that begins at a wall time: the first that nobody has is taken."""


class RecordedStream(Stream, Protocol):
    """What pictures are recorded of: those of an encoder, or of a camera."""

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
    """Records one source for a time. For one thread at a time; files are written by another, so that none waits.

    Args:
        paths_of: where to put each file.
        chunk_us: how much is in a file, microseconds; ``MOST_CHUNK_US`` at most.
        total_us: how much is recorded, microseconds.
        folder: where to keep what is in no file yet, in the file system of the files; deleted at the end. After a
            ``kill -9`` it is still there, and ``salvage`` makes files of it.
        clock: for the files; the time of pictures is what is said with them.
    """

    def __init__(self, paths_of: PathsOf, chunk_us: int, total_us: int, folder: Path, clock: Clock) -> None:
        self._paths_of, self._chunk_us, self._total_us = paths_of, chunk_us, total_us
        self._folder, self._clock = folder, clock
        self._kept = KeptChunks(folder)
        self._run: RunRecorder | None = None
        self._depth = self._past = 0
        self._has_sound = False
        self._before_us = 0
        """What was recorded before the clock was set back."""
        self._begin_us: int | None = None
        self._start_us = self._border_us = self._newest_us = 0
        self._count = self._not_before_us = 0
        self._due: deque[tuple[int, Slice]] = deque()
        self._writing: Future[RecordedChunk] | None = None
        self._writer = ThreadPoolExecutor(1, "recorded-chunks")
        self._chunks: list[RecordedChunk] = []
        self.is_over = False

    @property
    def chunks(self) -> Sequence[RecordedChunk]:
        """The files there are, in order."""
        return tuple(self._chunks)

    @property
    def recorded_us(self) -> int:
        """How long it has recorded, by the times of the pictures; never more than ``total_us``."""
        lately = 0 if self._begin_us is None else self._newest_us - self._begin_us
        return min(self._before_us + lately, self._total_us)

    def begin_run(self, stream: RecordedStream, origin_us: int) -> None:
        """Say what follows: pictures of a stream, whose media time zero is at a wall time.

        It is said again when a camera was away, or sends something else. A stream that begins before the last one has
        ended is said to follow on it; if the clock was set back in between, it is in files of its own.

        Raises:
            Conflict: the recording is over.
            GatehouseError: what was recorded before cannot be written. It may be said again.
        """
        if self.is_over:
            raise Conflict("the recording is over.")
        self._end_run()
        ended_us = self._kept.end_us
        if ended_us is not None and origin_us < ended_us - _SET_BACK_US:
            self._begin_anew()
        elif ended_us is not None:
            origin_us = max(origin_us, ended_us)
        run = new_id()
        self._depth, self._has_sound = stream.depth, len(stream.formats) > 1
        self._run = RunRecorder(
            root=self._folder,
            key_of=lambda start_us: f"{run}/{start_us}.mp4",
            info=RunInfo("recorder", run, "", origin_us),
            init=stream.init,
            formats=stream.formats,
            depth=stream.depth,
            policy=ChunkPolicy(chunk_us=_PART_US, fsync=FsyncPolicy()),
            clock=self._clock,
            listener=self._kept,
        )

    def add(self, sample: Sample) -> bool:
        """Take the next sample of the run; return whether it goes on. The first of a run is a keyframe at 0.

        Raises:
            ResourceExhausted: the disk is full. What was recorded stays, and becomes a file when there is room; the
                run has ended, and another has to be begun.
            GatehouseError: it cannot be written for another reason; likewise.
        """
        run = self._run
        if self.is_over or run is None:
            return not self.is_over
        if sample.track == 0:
            at_us = run.wall_us(sample.pts)
            if self._begin_us is None:
                self._begin_us = self._start_us = at_us
                self._border_us = at_us + self._chunk_us
            self._newest_us = max(self._newest_us, at_us)
            # Of pictures that are sent in another order some that are shown before the end may follow.
            self._past += at_us >= self._ends_us(self._begin_us)
            if self._past > self._depth:
                self.stop()
                return False
        try:
            run.add(sample)
        except GatehouseError:
            self._end_run()
            raise
        self._plan()
        self._write_next()
        return True

    def stop(self) -> Sequence[RecordedChunk]:
        """End it, and return all files: the last one as long as there was something to record.

        Raises:
            GatehouseError: a file cannot be written. Nothing is deleted then, and ``stop`` may be called again.
        """
        self.is_over = True
        self._end_run()
        self._finish()
        self._writer.shutdown()
        shutil.rmtree(self._folder, ignore_errors=True)
        return self.chunks

    def _end_run(self) -> None:
        """Close the run; of one that cannot be closed what was written is kept all the same."""
        run, self._run = self._run, None
        if run is None:
            return
        try:
            run.close()
        except GatehouseError:
            run.abandon()
            raise

    def _begin_anew(self) -> None:
        """Make files of all that there is: what follows is earlier by the clock, but was not recorded earlier."""
        self._finish()
        self._before_us, self._begin_us, self._past = self.recorded_us, None, 0
        self._newest_us = 0
        _note(self._folder, self._count, None)
        self._kept.forget(_FOREVER_US)

    def _finish(self) -> None:
        self._plan(last=True)
        while self._due:
            self._write_next(wait=True)

    def _ends_us(self, begin_us: int) -> int:
        return begin_us + self._total_us - self._before_us

    def _plan(self, *, last: bool = False) -> None:
        """Find the files that are recorded up to their borders; what there is of the rest too, if it is the last."""
        while self._begin_us is not None and (recorded_us := self._kept.end_us) is not None:
            end_us = min(self._border_us, self._ends_us(self._begin_us))
            is_whole = recorded_us >= end_us + (_LATE_SOUND_US if self._has_sound else 0)
            if self._start_us >= end_us or recorded_us <= self._start_us or not (is_whole or last):
                return
            ended_us = end_us
            try:
                cut = self._kept.slice(self._start_us, end_us)
            except NotFound:
                pass  # the camera was away all the time
            else:
                self._count += 1
                self._due.append((self._count, cut))
                ended_us = cut.end_us
            # The picture that is on the screen at the border belongs to the file before.
            self._start_us = max(ended_us, self._border_us)
            while self._border_us <= self._start_us:
                self._border_us += self._chunk_us

    def _write_next(self, *, wait: bool = False) -> None:
        """Have the next file written, and see to what became of the one before.

        Raises:
            GatehouseError: with ``wait``, if it cannot be written; it is the next one still.
        """
        if self._writing is not None and (wait or self._writing.done()):
            writing, self._writing = self._writing, None
            try:
                self._chunks.append(writing.result())
                self._due.popleft()
                self._kept.forget(self._due[0][1].start_us - _LEAD_IN_US if self._due else self._start_us - _LEAD_IN_US)
            except GatehouseError:
                self._not_before_us = self._clock.monotonic_us() + _AGAIN_US
                if wait:
                    raise
        if self._due and self._writing is None and (wait or self._clock.monotonic_us() >= self._not_before_us):
            self._writing = self._writer.submit(self._write, *self._due[0])

    def _write(self, number: int, cut: Slice) -> RecordedChunk:
        return _make_file(self._kept, self._folder, self._paths_of, number, cut)


def salvage(folder: Path, paths_of: PathsOf) -> list[RecordedChunk]:
    """Make files of what a recorder that was killed has left in its folder and is in none, and delete that.

    Raises:
        GatehouseError: it cannot be read or written; the folder stays.
    """
    kept = KeptChunks(folder)
    kept.adopt()
    number, until_us = _noted(folder)
    made: list[RecordedChunk] = []
    start_us, end_us = kept.start_us, kept.end_us
    while start_us is not None and end_us is not None and (start_us := max(start_us, until_us or start_us)) < end_us:
        number += 1
        try:
            cut = kept.slice(start_us, min(start_us + MOST_CHUNK_US, end_us))
        except NotFound:
            start_us += MOST_CHUNK_US
            continue
        until_us = cut.end_us
        made.append(_make_file(kept, folder, paths_of, number, cut))
        start_us = max(cut.end_us, start_us + 1)
    shutil.rmtree(folder, ignore_errors=True)
    return made


def _make_file(kept: KeptChunks, folder: Path, paths_of: PathsOf, number: int, cut: Slice) -> RecordedChunk:
    """Write a file, and then how far there are files."""
    path = kept.write(cut, paths_of(number, cut.start_us))
    _note(folder, number, cut.end_us)
    return RecordedChunk(number, path, cut.start_us, cut.end_us, cut.frames)


def _note(folder: Path, number: int, until_us: int | None) -> None:
    """Keep how far there are files, for whoever salvages the rest; None: of what is there nothing is in a file."""
    fresh = folder / f"{_PROGRESS}.new"
    try:
        fresh.write_text(json.dumps({"number": number, "until_us": until_us}))
        fresh.replace(folder / _PROGRESS)
    except OSError as error:
        raise from_os_error(error, f"writing {folder / _PROGRESS}") from error


def _noted(folder: Path) -> tuple[int, int | None]:
    try:
        found = json.loads((folder / _PROGRESS).read_text())
        return int(found["number"]), found["until_us"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0, None  # killed before its first file, or while this was written: better twice than never

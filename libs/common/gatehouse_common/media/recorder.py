"""A run becomes chunk files: samples go in, parts come out, files are rotated at keyframes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gatehouse_common.clock import SECOND, Clock, ticks_us
from gatehouse_common.errors import GatehouseError
from gatehouse_common.ids import new_id

from .boxes import Buffer
from .chunk_file import ChunkFile, FsyncPolicy
from .fragment import TimedSample, build_fragment, build_prft
from .reorder import Reorderer
from .run_box import RunInfo
from .samples import VIDEO_TIMESCALE, TrackFormat

_NO_LIMIT = 1 << 62
_PAUSE = 5
_TOLD_TICKS = 15 * VIDEO_TIMESCALE
"""Longer GOPs are told in pieces of so much: until it is told, nobody knows that it is there."""
_OVERSIZE = 2
"""So many times as large as a chunk should be it may become while there is no keyframe to end it at."""
_MOST_AHEAD_S = 600
"""Sound further ahead of all pictures is of another time. In films of slides a picture may last for minutes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample as it comes from a camera, in decode order, in ticks of its track since the run's origin.

    The first video sample of a run is a keyframe at 0. ``track`` is 0 for video and 1 for audio; ``dur`` is
    used for audio, and for the last video sample of a run.
    """

    track: int
    pts: int
    dur: int
    sync: bool
    data: Buffer


@dataclass(frozen=True, slots=True)
class ChunkPolicy:
    """How a run is cut: length of a part and of a chunk in microseconds, and when to force to the disk.

    No chunk may be longer than ``longest_us``, whatever ``chunk_us`` says: it ends at the last keyframe behind which
    there is room for a GOP as long as the longest before. One that is longer is for whoever records to end.
    """

    part_us: int = SECOND // 2
    chunk_us: int = 600 * SECOND
    fsync: FsyncPolicy = field(default_factory=FsyncPolicy)
    longest_us: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A span of a chunk file that is whole: a part, or parts of a GOP. Times are wall time.

    ``sync`` says whether it begins with a keyframe, ``keyframe_length`` how many bytes that has, 0 where it does not.
    """

    chunk: str
    key: str
    offset: int
    length: int
    start_us: int
    end_us: int
    sync: bool
    frames: int
    keyframe_length: int


class RunListener(Protocol):
    """Who is told what a recorder does. Called in the recorder's thread: must be quick and must not raise."""

    def chunk_opened(self, chunk: str, key: str, start_us: int, /) -> None:
        """A chunk file has been begun."""
        ...

    def sample_timed(self, chunk: str, sample: TimedSample, /) -> None:
        """A video sample has its times; it will be in the chunk's next part."""
        ...

    def part_written(self, part: Written, /) -> None:
        """A part is in the file."""
        ...

    def gop_written(self, gop: Written, /) -> None:
        """The parts from a keyframe to the next are in the file, or those of 15 s of a GOP that goes on."""
        ...

    def chunk_closed(self, chunk: str, key: str, start_us: int, end_us: int, size: int, /) -> None:
        """A chunk file is whole and has its sample index."""
        ...


@dataclass(slots=True)
class _OpenChunk:
    id: str
    key: str
    file: ChunkFile
    start_dts: int
    end_dts: int


class RunRecorder:
    """Writes one run.

    Args:
        root: the directory that object keys are relative to.
        key_of: gives the key of a chunk that starts at a wall time.
        info: camera, run, origin and interruptions; its ``chunk`` is not used.
        init: the run's init segment.
        formats: what ``init`` says of the tracks, video first.
        depth: how far pictures may be reordered.
        policy: how to cut.
        clock: for the fsync policy.
        listener: who is told.
        chunk_us: tells the length of a chunk in microseconds, where it may become another while the run is recorded;
            by default it is the policy's.
        wanted_us: tells up to which wall time somebody waits for the footage: the open part ends there.
        chunk_bytes: tells the size from which on a chunk ends at the next keyframe, whatever its length; asked at each.

    Raises:
        ResourceExhausted: from ``add`` and ``close``, when the disk is full; everything before is kept.
        GatehouseError: another error of the file system. After either nothing more is written.
    """

    def __init__(
        self,
        *,
        root: Path,
        key_of: KeyOf,
        info: RunInfo,
        init: bytes,
        formats: Sequence[TrackFormat],
        depth: int,
        policy: ChunkPolicy,
        clock: Clock,
        listener: RunListener,
        chunk_us: Callable[[], int] | None = None,
        wanted_us: Callable[[], int] = int,
        chunk_bytes: Callable[[], int] | None = None,
    ) -> None:
        self._root = root
        self._key_of = key_of
        self._info = info
        self._init = init
        self._formats = tuple(formats)
        self._policy = policy
        self._chunk_us = chunk_us or (lambda: policy.chunk_us)
        self._wanted_us = wanted_us
        self._chunk_bytes = chunk_bytes or (lambda: _NO_LIMIT)
        self._clock = clock
        self._listener = listener
        self._part_ticks = policy.part_us * VIDEO_TIMESCALE // SECOND
        longest = policy.longest_us
        self._longest = _NO_LIMIT if longest is None else longest * VIDEO_TIMESCALE // SECOND
        self._longest_gop = self._gop_dts = 0
        self._largest = _NO_LIMIT
        self._order: Reorderer[Sample] = Reorderer(depth)
        self._video: list[TimedSample] = []
        self._audio: deque[Sample] = deque()
        self._held: tuple[int, Sample] | None = None
        self._newest = 0
        self._usual: int | None = None
        """How long frames last, in ticks: the very last one's end is not known."""
        self._paused = False
        self._chunk: _OpenChunk | None = None
        self._gop: list[tuple[int, int, Written]] = []
        self._link = b""
        self._sequence = 0
        self._audio_end = 0
        self._failed = False
        self._intra = False
        """Whether keyframes follow one another, as JPEGs do: then parts end when they are long enough."""
        self.origin_us = info.origin_us
        self.end_dts = 0
        """Decode time at which the last written part ends, in ticks."""
        self.full_dts = _NO_LIMIT
        """Time in ticks from which on the open chunk has no room for a picture that is no keyframe: it has to end."""

    def wall_us(self, ticks: int) -> int:
        """Return the wall time of media time ``ticks``."""
        return self.origin_us + ticks_us(ticks)

    @property
    def end_us(self) -> int:
        """Wall time at which the last written part ends."""
        return self.wall_us(self.end_dts)

    def add(self, sample: Sample) -> bool:
        """Take the next sample of either track; return whether it will be in a file, as all pictures are."""
        if sample.track:
            return self._add_sound(sample)
        self._newest = max(self._newest, sample.pts)
        try:
            for dts, ready in self._order.push(sample.pts, sample):
                self._timed(dts, ready)
        except GatehouseError:
            self._failed = True
            raise
        return True

    def _add_sound(self, sample: Sample) -> bool:
        """Keep sound until pictures of its time are written, in order of time: an odd one must not hold up the rest."""
        scale, waiting = self._formats[1].timescale, self._audio
        newest = self._newest * scale // VIDEO_TIMESCALE
        # Of what is written already there cannot be two; the end of the last packet is not known to the tick.
        least = max(0, self._audio_end - (sample.dur // 2 or scale))
        if not least <= sample.pts <= newest + _MOST_AHEAD_S * scale:
            return False
        place = len(waiting)
        while place and waiting[place - 1].pts > sample.pts:
            place -= 1
        waiting.insert(place, sample)
        return True

    def close(self) -> None:
        """Write what is held back and close the chunk file; after an error it is as ``abandon``.

        What follows pictures that could not be written refers to them, and must not be written either.
        """
        if self._failed:
            self.abandon()
            return
        for dts, ready in self._order.flush():
            self._timed(dts, ready)
        if self._held is not None:
            dts, last = self._held
            self._held = None
            dur = last.dur or self._usual or VIDEO_TIMESCALE // 30
            self._append(dts, last, dur)
            self._flush(dts + dur)
        self._close_chunk()

    def abandon(self) -> None:
        """Give up after an error of the file system: what is written stays, and is told as closed."""
        chunk, self._chunk = self._chunk, None
        if chunk is not None:
            chunk.file.abandon()
            self._tell_closed(chunk, chunk.file.size)

    def _timed(self, dts: int, sample: Sample) -> None:
        # A sample's duration is known when the next one has its time, so one is always held.
        if self._held is not None:
            before, held = self._held
            self._append(before, held, dts - before)
            self._intra = held.sync and sample.sync
        self._held = dts, sample
        # What waits to be put in order is as unwritten as the open part, so it counts towards its length.
        if self._video and (
            (sample.sync and not self._intra)
            or self._newest - self._video[0].dts + self._video[-1].dur > self._part_ticks
            or self.wall_us(self._video[0].dts) < self._wanted_us() <= self.wall_us(dts)
        ):
            self._flush(dts)

    def _append(self, dts: int, sample: Sample, dur: int) -> None:
        if sample.sync and not self._video:
            self._rotate(dts)
        timed = TimedSample(dts, sample.pts - dts, dur, sample.sync, sample.data)
        self._note_length(dur)
        self._video.append(timed)
        if self._chunk is not None:
            self._listener.sample_timed(self._chunk.id, timed)

    def _note_length(self, dur: int) -> None:
        """Learn how long frames last: one after which nothing came for a while tells nothing of it, two in a row do."""
        self._paused = self._usual is not None and dur > _PAUSE * self._usual and not self._paused
        if not self._paused:
            self._usual = dur

    def _rotate(self, dts: int) -> None:
        """Begin a chunk if there is none, the wall clock has passed a boundary since the last began, or it is large.

        And if it would be too long after another GOP of the length of the longest so far.
        """
        length, start_us, self._largest = self._chunk_us(), self.wall_us(dts), self._chunk_bytes()
        self._longest_gop, self._gop_dts = max(self._longest_gop, dts - self._gop_dts), dts
        if self._chunk is not None:
            passed = start_us // length > self.wall_us(self._chunk.start_dts) // length
            passed |= dts + self._longest_gop - self._chunk.start_dts > self._longest
            if not passed and self._chunk.file.size < self._largest:
                # There is room again, where it was too large at the last look.
                self.full_dts = self._chunk.start_dts + self._longest
                return
            self._close_chunk()
        chunk_id, key = new_id(), self._key_of(start_us)
        info = RunInfo(
            self._info.camera, self._info.run, chunk_id, self.origin_us, self._info.interruptions, self._link
        )
        file = ChunkFile(self._root / key, self._init, info, self._policy.fsync, self._clock)
        self._chunk = _OpenChunk(chunk_id, key, file, dts, dts)
        self.full_dts = dts + self._longest
        self._listener.chunk_opened(chunk_id, key, start_us)

    def _flush(self, next_dts: int) -> None:
        """Write the part that ends at ``next_dts``."""
        chunk, video = self._chunk, self._video
        if chunk is None or not video:
            return
        self._sequence += 1
        tracks = [(self._formats[0].track_id, video)]
        if len(self._formats) > 1:
            tracks.append((self._formats[1].track_id, self._audio_until(next_dts)))
        first = video[0]
        buffers = build_fragment(self._sequence, tracks)
        if first.sync:
            buffers.insert(0, build_prft(self._formats[0].track_id, self.wall_us(first.dts), first.dts))
        offset = chunk.file.append(buffers, begins_gop=first.sync)
        self._video = []
        chunk.end_dts = self.end_dts = next_dts
        part = Written(
            chunk.id,
            chunk.key,
            offset,
            chunk.file.size - offset,
            self.wall_us(first.dts),
            self.wall_us(next_dts),
            first.sync,
            len(video),
            len(first.data) if first.sync else 0,
        )
        if first.sync:
            self._finish_gop()
        self._gop.append((first.dts, next_dts, part))
        self._listener.part_written(part)
        if next_dts - self._gop[0][0] >= _TOLD_TICKS:
            self._finish_gop()
        if chunk.file.size >= _OVERSIZE * self._largest:
            self.full_dts = min(self.full_dts, next_dts)

    def _audio_until(self, video_dts: int) -> list[TimedSample]:
        """Take the audio that begins before ``video_dts``."""
        scale = self._formats[1].timescale
        end = video_dts * scale // VIDEO_TIMESCALE
        taken: list[TimedSample] = []
        while self._audio and self._audio[0].pts < end:
            s = self._audio.popleft()
            dts = max(s.pts, self._audio_end)
            if taken:
                taken[-1].dur = dts - taken[-1].dts
            taken.append(TimedSample(dts, 0, s.dur, True, s.data))
            self._audio_end = dts + 1
        if taken:
            following = self._audio[0].pts if self._audio else taken[-1].dts + taken[-1].dur
            taken[-1].dur = max(following - taken[-1].dts, 1)
        return taken

    def _finish_gop(self) -> None:
        if self._gop:
            (start_dts, _, first), (_, end_dts, last) = self._gop[0], self._gop[-1]
            self._listener.gop_written(
                Written(
                    first.chunk,
                    first.key,
                    first.offset,
                    last.offset + last.length - first.offset,
                    self.wall_us(start_dts),  # by the origin as it is known now: it may have moved within the GOP
                    self.wall_us(end_dts),
                    first.sync,
                    sum(part.frames for _, _, part in self._gop),
                    first.keyframe_length,
                )
            )
            self._gop = []

    def _close_chunk(self) -> None:
        chunk = self._chunk
        if chunk is None:
            return
        self._finish_gop()
        self._chunk = None
        try:
            chunk.file.close(chunk.key)
            self._link = chunk.file.last_link
        finally:
            # Without room for its index the file is whole all the same; whoever publishes it adds the index.
            self._tell_closed(chunk, chunk.file.size)

    def _tell_closed(self, chunk: _OpenChunk, size: int) -> None:
        start_us, end_us = self.wall_us(chunk.start_dts), self.wall_us(chunk.end_dts)
        self._listener.chunk_closed(chunk.id, chunk.key, start_us, end_us, size)


class KeyOf(Protocol):
    """Gives the spool key of a chunk by the wall time it starts at."""

    def __call__(self, start_us: int, /) -> str:
        """Return the key."""
        ...

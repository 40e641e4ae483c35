"""The recorder of a licence plate system, as that system calls it: ``VideoRecorder`` and ``VideoRecordingService``.

Names, arguments and results are those that its callers know. What is behind them is Gatehouse's own engine: H.264 in
MP4 instead of mp4v, one encoding of each picture, and time by the pictures instead of their number (S2-5): fifteen
seconds are fifteen seconds at any rate, a picture that comes late is shown late. Times are seconds since 1970.

What the services do around plates (``gatehouse up``) does not need this: it records what cameras send as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, overload

from gatehouse_capture.encoding import PictureEncoder
from gatehouse_common.clock import SECOND, Clock, SystemClock
from gatehouse_common.errors import NotFound
from gatehouse_common.media.event_recorder import EventRecorder, Picture

BASE_VIDEO_DIR = "data/videos"
MAX_SEGMENT_MINUTES = 5
RETENTION_DAYS = 30

Frame = tuple[Picture, float]


class DetectionRepository(Protocol):
    """Where detections are kept."""

    def update_detection_video(
        self,
        detection_id: str,
        video_path: str,
        video_start_time: datetime | None = None,
        video_end_time: datetime | None = None,
    ) -> Awaitable[None]:
        """Keep the video of a detection; a time that is None stays as it is."""
        ...


class VideoRepository(Protocol):
    """Where videos are kept."""

    def add_video_segment(
        self,
        file_path: str,
        start_time: datetime,
        end_time: datetime,
        duration_seconds: float,
        file_size_bytes: int,
        resolution: str,
        detection_ids: str,
    ) -> Awaitable[str]:
        """Keep a video; return its id. ``detection_ids`` are separated by commas."""
        ...

    def cleanup_old_videos(self, days: int = RETENTION_DAYS) -> Awaitable[int]:
        """Archive videos that are older; return how many."""
        ...


class BufferedFrames(Sequence[Frame]):
    """Pictures of the buffer with their times; they are decoded when one is asked for.

    Args:
        engine: what has recorded them.
        times_us: when they were taken.
    """

    def __init__(self, engine: EventRecorder, times_us: Sequence[int]) -> None:
        self._engine, self._times = engine, list(times_us)
        self._decoded: list[Frame] | None = None

    def __len__(self) -> int:
        return len(self._times)

    @overload
    def __getitem__(self, index: int) -> Frame: ...

    @overload
    def __getitem__(self, index: slice) -> list[Frame]: ...

    def __getitem__(self, index: int | slice) -> Frame | list[Frame]:
        return self._frames()[index]

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames())

    def _frames(self) -> list[Frame]:
        if self._decoded is None:
            times = self._times
            pictures = self._engine.pictures(times[0], times[-1] + 1) if times else []
            self._decoded = [(picture, at / SECOND) for picture, at in zip(pictures, times, strict=True)]
        return self._decoded


class VideoRecorder:
    """Records pictures around events.

    Args:
        buffer_seconds: so much from before an event is in its video.
        post_event_seconds: so much from after it.
        fps: about so many pictures come in a second; guides only how well they are encoded.
        max_segment_minutes: a video that is as long as that shall stop, and another go on.
        clock: the time, for pictures that come without one.

    Attributes:
        recording: whether a video is being recorded.
        current_video_path: its file, once it is finished; None while nothing is recorded.
        frames_written: pictures in it so far.
        recording_start_time: when its recording began, by the time of the pictures; None before the first of them.
    """

    def __init__(
        self,
        buffer_seconds: float = 5,
        post_event_seconds: float = 15,
        fps: float = 15,
        max_segment_minutes: float = MAX_SEGMENT_MINUTES,
        clock: Clock | None = None,
    ) -> None:
        self.buffer_seconds, self.post_event_seconds, self.fps = buffer_seconds, post_event_seconds, fps
        self.recording = False
        self.current_video_path: str | None = None
        self.frames_written = 0
        self.recording_start_time: float | None = None
        self._max_us = round(max_segment_minutes * 60 * SECOND)
        self._clock = clock or SystemClock()
        self._engine = EventRecorder(self._make_encoder, round(buffer_seconds * SECOND), clock=self._clock)
        self._begin_us: int | None = None
        self._event_us: int | None = None
        self._size = (0, 0)

    @property
    def frame_buffer(self) -> BufferedFrames:
        """The pictures of the last ``buffer_seconds`` with their times."""
        return BufferedFrames(self._engine, self._engine.times_us)

    @property
    def resolution(self) -> str:
        """Width and height of the pictures, ``1280x720``; ``unknown`` before the first of them."""
        width, height = self._size
        return f"{width}x{height}" if width else "unknown"

    @property
    def buffer_start_time(self) -> float | None:
        """When the first picture of the buffer was taken; None while there is none."""
        times = self._engine.times_us
        return times[0] / SECOND if times else None

    @property
    def start_time(self) -> float | None:
        """When the first picture of the video was taken; None before it is."""
        return None if self._begin_us is None else self._begin_us / SECOND

    def add_frame(self, frame: Picture, timestamp: float | None = None) -> bool:
        """Take a picture; return whether the recording should stop: this picture is not in its video any more.

        Args:
            frame: ``(height, width, 3)`` of bytes, blue first.
            timestamp: when it was taken; now if not given.

        Raises:
            InvalidInput: it is no picture.
            ResourceExhausted: the disk is full.
        """
        wanted_us = self._clock.now_us() if timestamp is None else round(timestamp * SECOND)
        at_us = self._engine.add(frame, wanted_us, keep_since_us=self._begin_us)
        self._size = frame.shape[1], frame.shape[0]
        if not self.recording:
            return False
        if self._begin_us is None:
            self._begin_us = at_us
        if self._event_us is None:  # the event came before the first picture
            self._event_us = at_us
            self.recording_start_time = at_us / SECOND
        if at_us >= self._end_us(self._begin_us, self._event_us):
            return True
        self.frames_written += 1
        return False

    def start_recording(self, video_path: str) -> tuple[float | None, Sequence[Frame]]:
        """Begin a video with the pictures of the buffer; it is written to ``video_path`` when it stops.

        Returns:
            When its first picture was taken, now if there is none yet; and the pictures of the buffer with their times.
            ``(None, [])`` if a video is being recorded already.
        """
        if self.recording:
            return None, []
        frames, times = self.frame_buffer, self._engine.times_us
        self._begin(video_path, times[0] if times else None, self._engine.last_us)
        self.frames_written = len(frames)
        return self.start_time or self.now(), frames

    def extend(self) -> None:
        """Let the video go on until ``post_event_seconds`` after the last picture."""
        if self.recording:
            self._event_us = self._engine.last_us

    def stop_recording(self) -> tuple[str | None, int, float]:
        """Finish the video.

        Returns:
            Its file, its pictures and its length in seconds; ``(None, 0, 0)`` if none is recorded, or no picture came.

        Raises:
            GatehouseError: it cannot be written; it goes on being recorded.
        """
        path, begin_us, event_us = self.current_video_path, self._begin_us, self._event_us
        if not self.recording or path is None:
            return None, 0, 0.0
        frames, duration = 0, 0.0
        if begin_us is not None and event_us is not None:
            with suppress(NotFound):
                cut = self._engine.cut(begin_us, self._end_us(begin_us, event_us), Path(path))
                frames, duration = cut.frames, (cut.end_us - cut.start_us) / SECOND
        self.recording, self.current_video_path, self._begin_us, self._event_us = False, None, None, None
        self.frames_written, self.recording_start_time = 0, None
        return (path, frames, duration) if frames else (None, 0, 0.0)

    def roll(self, video_path: str) -> tuple[str | None, int, float]:
        """Finish the video as ``stop_recording`` does, and let another go on with the picture after its last."""
        begin_us, event_us = self._begin_us, self._event_us
        finished = self.stop_recording()
        if begin_us is not None and event_us is not None:
            first = [at for at in self._engine.times_us if at >= self._end_us(begin_us, event_us)]
            self._begin(video_path, first[0] if first else None, event_us)
            self.frames_written = len(first)
        return finished

    @property
    def last_time(self) -> float | None:
        """When the newest picture was taken; None before the first."""
        last_us = self._engine.last_us
        return None if last_us is None else last_us / SECOND

    def now(self) -> float:
        """Return the time."""
        return self._clock.now_us() / SECOND

    @property
    def is_full(self) -> bool:
        """Whether the video stops for its length alone, and another should go on."""
        if self._begin_us is None or self._event_us is None:
            return False
        return self._begin_us + self._max_us < self._event_us + round(self.post_event_seconds * SECOND)

    def close(self) -> None:
        """Let go of the buffer; a video that is being recorded is lost, so stop it first."""
        self._engine.close()

    def _begin(self, video_path: str, begin_us: int | None, event_us: int | None) -> None:
        self.recording, self.current_video_path = True, video_path
        self._begin_us, self._event_us = begin_us, event_us
        self.recording_start_time = None if event_us is None else event_us / SECOND

    def _end_us(self, begin_us: int, event_us: int) -> int:
        return min(event_us + round(self.post_event_seconds * SECOND), begin_us + self._max_us)

    def _make_encoder(self, width: int, height: int) -> PictureEncoder:
        return PictureEncoder(width, height, self.fps, "library")


@dataclass
class _Segment:
    """A video that is being recorded, and the detections in it."""

    path: str
    detections: list[str] = field(default_factory=list)


@dataclass
class _Finished:
    """A video that is a file now, and who has yet to hear of it: ``told`` is whether the repository of videos has."""

    path: str
    start: datetime
    end: datetime
    seconds: float
    size: int
    resolution: str
    all_detections: str
    detections: list[str]
    told: bool = False


class VideoRecordingService:
    """Records a video around each detection, and keeps what is known of it in two repositories.

    Pictures are encoded in another thread, one after the other, so that the loop goes on. A video that a repository
    did not take is told to it again when the next is finished, or recording is stopped.

    Args:
        detection_repository: gets the video of each detection.
        video_repository: gets the videos, each once it is finished.
        base_video_dir: videos are ``{base_video_dir}/{YYYY-MM-DD}/{detection}_{epoch}.mp4``, their day in UTC.
        recorder: what records; one of its own if not given.
    """

    def __init__(
        self,
        detection_repository: DetectionRepository,
        video_repository: VideoRepository,
        base_video_dir: str = BASE_VIDEO_DIR,
        recorder: VideoRecorder | None = None,
    ) -> None:
        self.detection_repository, self.video_repository = detection_repository, video_repository
        self.base_video_dir = base_video_dir
        self.recorder = recorder or VideoRecorder()
        self.last_frame_time: float | None = None
        self._lock = asyncio.Lock()
        self._segment: _Segment | None = None
        self._finished: list[_Finished] = []

    @property
    def current_detection_ids(self) -> list[str]:
        """The detections in the video that is being recorded."""
        return list(self._segment.detections) if self._segment else []

    async def initialize(self) -> None:
        """Make the folder of the videos."""
        await asyncio.to_thread(Path(self.base_video_dir).mkdir, parents=True, exist_ok=True)

    async def shutdown(self) -> None:
        """Finish the video that is being recorded, and let go of the buffer."""
        try:
            await self.stop_recording()
        finally:
            await asyncio.to_thread(self.recorder.close)

    async def add_frame(self, frame: Picture, timestamp: float | None = None) -> None:
        """Take a picture; see ``VideoRecorder``. A video that should stop is finished, or goes on in another."""
        async with self._lock:
            due = await asyncio.to_thread(self.recorder.add_frame, frame, timestamp)
            self.last_frame_time = timestamp
            if due:
                await self._finish(rolls=self.recorder.is_full)

    async def trigger_recording(self, detection_id: str) -> None:
        """Record around the last picture; one that is being recorded goes on for longer, and has this detection too."""
        async with self._lock:
            segment = self._segment
            if segment is not None:
                self.recorder.extend()
                if detection_id not in segment.detections:
                    segment.detections.append(detection_id)
                    await self._tell_begin(segment, detection_id)
                return
            begin = self.recorder.buffer_start_time or self.recorder.now()
            self._segment = segment = _Segment(self._path(detection_id, begin), [detection_id])
            self.recorder.start_recording(segment.path)
            await self._tell_begin(segment, detection_id)

    async def stop_recording(self) -> None:
        """Finish the video that is being recorded, if there is one."""
        async with self._lock:
            await self._finish(rolls=False)

    async def cleanup_old_videos(self, retention_days: int = RETENTION_DAYS) -> int:
        """Archive the videos that are older than so many days, and delete those of their files that are ours.

        Returns:
            How many were archived. Files are deleted by the day in their path, so that no list of them is needed.
        """
        archived = await self.video_repository.cleanup_old_videos(days=retention_days)
        oldest = datetime.fromtimestamp(self.recorder.now() - retention_days * 86400, UTC).date().isoformat()
        await asyncio.to_thread(_delete_before, Path(self.base_video_dir), oldest)
        return archived

    async def _finish(self, *, rolls: bool) -> None:
        """Finish the video and keep it; ``rolls``: another goes on with the same detections (S2-6)."""
        await self._end_segment(rolls=rolls)
        while self._finished:
            await self._keep(self._finished[0])
            del self._finished[0]

    async def _end_segment(self, *, rolls: bool) -> None:
        segment, start = self._segment, self.recorder.start_time
        if segment is None:
            return
        following: _Segment | None = None
        resolution = self.recorder.resolution
        if rolls:
            # The picture that did not fit any more is the newest one, and the first of what follows.
            begin = self.recorder.last_time or self.recorder.now()
            following = _Segment(self._path(segment.detections[0], begin), list(segment.detections))
            path, _, duration = await asyncio.to_thread(self.recorder.roll, following.path)
        else:
            path, _, duration = await asyncio.to_thread(self.recorder.stop_recording)
        self._segment = following
        if path is None or start is None:
            return
        start_time, end_time = (datetime.fromtimestamp(at, UTC) for at in (start, start + duration))
        size = (await asyncio.to_thread(Path(path).stat)).st_size
        ids = list(segment.detections)
        self._finished.append(_Finished(path, start_time, end_time, duration, size, resolution, ",".join(ids), ids))

    async def _keep(self, one: _Finished) -> None:
        """Tell the repositories of a video; what one of them has taken it is not told again."""
        if not one.told:
            await self.video_repository.add_video_segment(
                file_path=one.path,
                start_time=one.start,
                end_time=one.end,
                duration_seconds=one.seconds,
                file_size_bytes=one.size,
                resolution=one.resolution,
                detection_ids=one.all_detections,
            )
            one.told = True
        while one.detections:
            await self.detection_repository.update_detection_video(
                detection_id=one.detections[0],
                video_path=one.path,
                video_start_time=one.start,
                video_end_time=one.end,
            )
            del one.detections[0]

    async def _tell_begin(self, segment: _Segment, detection_id: str) -> None:
        start = self.recorder.start_time
        await self.detection_repository.update_detection_video(
            detection_id=detection_id,
            video_path=segment.path,
            video_start_time=None if start is None else datetime.fromtimestamp(start, UTC),
        )

    def _path(self, detection_id: str, at: float) -> str:
        name = "".join(c if c.isalnum() or c in "-_" else "_" for c in detection_id)  # nothing of it climbs a path
        day = datetime.fromtimestamp(at, UTC).date().isoformat()
        return str(Path(self.base_video_dir) / day / f"{name}_{int(at)}.mp4")


def _delete_before(root: Path, oldest: str) -> None:
    """Delete the videos in folders of days before ``oldest``, and the folders that are empty then."""
    for folder in root.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"):
        if folder.name < oldest and folder.is_dir():
            for file in folder.glob("*.mp4"):
                file.unlink(missing_ok=True)
            with suppress(OSError):  # something else is in it
                folder.rmdir()

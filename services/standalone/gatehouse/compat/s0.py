"""The recorder of a webcam recorder, as programs call it: ``VideoRecorder``, fifteen minutes of a user in five files.

Names, arguments and results are those that its callers know. What is behind them is Gatehouse's own engine: files
follow one another without a picture missing, what a camera sends is stored as it is, and what was recorded when a
program was killed becomes a file at the next start. Times in results are RFC 3339, in UTC.

Who records in a browser, or cameras that are recorded anyway, does not need this: ``POST /api/start-recording``.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gatehouse_common.camera_url import CODEC_NAMES, parse_url
from gatehouse_common.clock import SECOND, Clock, SystemClock
from gatehouse_common.errors import Conflict, GatehouseError, InvalidInput, NotFound, from_os_error
from gatehouse_common.ids import new_id
from gatehouse_common.media.chunked_recorder import MOST_CHUNK_US, ChunkedRecorder, RecordedChunk, salvage
from gatehouse_common.media.event_recorder import Picture
from gatehouse_common.runtime.lock import DataLock
from gatehouse_common.timefmt import compact, rfc3339

from .intake import CameraThread, Pictures

LEAST_TOTAL_S, LEAST_CHUNK_S = 60, 30
WEBCAM = "v4l2:///dev/video0"

_UTC = ZoneInfo("UTC")
_PARTS = "parts"


class VideoRecorder:
    """Records a named user for a time, in files that follow one another. Safe for several threads.

    A clock that is set back while it records does not shift what follows: that is in files of its own.

    Args:
        user_name: who records; files are named after it.
        chunk_duration_seconds: how much is in a file, 30 at least.
        total_duration_seconds: after so much it stops by itself; 60 at least, and not less than a file.
        output_dir: where files are put.
        fps: how many pictures a second a webcam is asked for, and about how many ``add_frame`` gets.
        frame_width: which size a webcam is asked for.
        frame_height: likewise.
        codec: what pictures are encoded to that cannot be stored as they come: ``h264``, ``mp4v``, ``mjpeg``...
        camera: what is recorded, as ``gatehouse camera add`` takes it: ``rtsp://...``, ``v4l2:///dev/video1``; None:
            the pictures that ``add_frame`` gets.
        clock: the time.

    Raises:
        InvalidInput: the name is blank, a duration is too short or no integer, or the camera's URL cannot be read.
    """

    def __init__(
        self,
        user_name: str,
        chunk_duration_seconds: int = 180,
        total_duration_seconds: int = 900,
        output_dir: str | Path = "recordings",
        *,
        fps: float = 30,
        frame_width: int = 640,
        frame_height: int = 480,
        codec: str = "h264",
        camera: str | None = WEBCAM,
        clock: Clock | None = None,
    ) -> None:
        _check(user_name, chunk_duration_seconds, total_duration_seconds)
        self.user_name, self.output_dir = user_name.strip(), Path(output_dir)
        self.chunk_duration_seconds, self.total_duration_seconds = chunk_duration_seconds, total_duration_seconds
        if codec.lower() not in CODEC_NAMES:
            raise InvalidInput(f"codec must be one of {', '.join(sorted(CODEC_NAMES))}", "codec")
        self.fps, self._codec = fps, CODEC_NAMES[codec.lower()]
        if camera == WEBCAM:
            camera = f"{WEBCAM}?size={frame_width}x{frame_height}&fps={fps:g}&codec={codec}"
        self._url = None if camera is None else parse_url(camera)
        self._clock = clock or SystemClock()
        self._safe_name = "".join(c if c.isalnum() else "_" for c in self.user_name)[:40]
        self._digest = hashlib.sha256(self.user_name.encode()).hexdigest()[:12]
        self._lock_of_calls = threading.RLock()
        self._recorder: ChunkedRecorder | None = None
        self._camera: CameraThread | None = None
        self._pictures: Pictures | None = None
        self._folder: Path | None = None
        self._lock: DataLock | None = None

    @property
    def is_recording(self) -> bool:
        """Whether it records now."""
        return self._recorder is not None and not self._recorder.is_over

    @property
    def expected_chunks(self) -> int:
        """How many files there will be, if nobody stops it."""
        return math.ceil(self.total_duration_seconds / self.chunk_duration_seconds)

    @property
    def failure(self) -> GatehouseError | None:
        """Why the recording of a camera ended before its time: it could not be written. None: it did not."""
        return None if self._camera is None else self._camera.failure

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The files of the newest recording that there are by now, each with the columns of the old table."""
        return [self._shown(chunk) for chunk in (self._recorder.chunks if self._recorder else ())]

    def start_recording(self) -> dict[str, Any]:
        """Begin; a camera is read in a thread of its own.

        What a recording of the same user whose program was killed has left here becomes a file first.

        Raises:
            Conflict: it records already.
            SourceUnavailable: the camera cannot be read.
            GatehouseError: the folder cannot be written.
        """
        if self.is_recording:
            raise Conflict(f"Recording already in progress for user {self.user_name}")
        self._let_go()
        self.recover()
        self._folder = self._new_folder()
        lengths = self.chunk_duration_seconds * SECOND, self.total_duration_seconds * SECOND
        recorder = ChunkedRecorder(self._paths_of, *lengths, self._folder / _PARTS, self._clock)
        camera = pictures = None
        if self._url is None:
            pictures = Pictures(recorder, self.fps, self._codec)
        else:
            camera = CameraThread(recorder, self._url, self.total_duration_seconds, self._clock)
            try:
                camera.connect()
            except BaseException:
                self._let_go()
                raise
        self._recorder, self._camera, self._pictures = recorder, camera, pictures
        return {
            "message": f"Recording started for user {self.user_name}",
            "username": self.user_name,
            "user_name": self.user_name,
            "total_duration_seconds": self.total_duration_seconds,
            "chunk_duration_seconds": self.chunk_duration_seconds,
            "expected_chunks": self.expected_chunks,
        }

    def add_frame(self, frame: Picture, timestamp: float | None = None) -> bool:
        """Record a picture; return whether the recording goes on: at its end this picture is in no file any more.

        Args:
            frame: ``(height, width, 3)`` of bytes, blue first.
            timestamp: when it was taken, seconds since 1970; now if not given.

        Raises:
            InvalidInput: it is no picture, or a camera is recorded.
            GatehouseError: it cannot be written.
        """
        if self._url is not None:
            raise InvalidInput("a camera is recorded: pictures are taken with camera=None", "camera")
        if self._pictures is None or not self.is_recording:
            return False
        if timestamp is not None and not math.isfinite(timestamp):
            raise InvalidInput("timestamp must be a number", "timestamp")
        with self._lock_of_calls:
            at_us = self._clock.now_us() if timestamp is None else round(timestamp * SECOND)
            goes_on = self._pictures.add(frame, at_us)
            if not goes_on:
                self._let_go()
            return goes_on

    def stop_recording(self) -> dict[str, Any]:
        """End the recording: what is recorded since the last file becomes one. One that ran its time is told the same.

        Raises:
            NotFound: none was started.
            GatehouseError: a file cannot be written; it may be called again.
        """
        if self._recorder is None:
            raise NotFound(f"No active recording for user {self.user_name}")
        if self._camera is not None:
            self._camera.end()
        with self._lock_of_calls:
            self._recorder.stop()
            self._let_go()
        chunks = self.chunks
        return {
            "message": f"Recording stopped for user {self.user_name}",
            "username": self.user_name,
            "total_chunks": len(chunks),
            "chunks": chunks,
        }

    def get_status(self) -> dict[str, Any]:
        """Return whether it records, and how far it is."""
        if self._recorder is None or self._recorder.is_over:
            return {"username": self.user_name, "is_recording": False}
        return {
            "username": self.user_name,
            "is_recording": True,
            "elapsed_seconds": self._recorder.recorded_us // SECOND,
            "total_duration_seconds": self.total_duration_seconds,
            "chunk_duration_seconds": self.chunk_duration_seconds,
            "total_chunks_so_far": len(self._recorder.chunks),
        }

    def recover(self) -> list[Path]:
        """Make files of what recordings of this user have left whose program was killed; return them.

        Raises:
            GatehouseError: one cannot be read or written; what is left stays.
        """
        made = []
        for folder in sorted(self.output_dir.glob(f"{self._hidden}*")):
            try:
                lock = DataLock(folder)
            except Conflict:
                continue  # another program records the same user
            try:
                made += [chunk.path for chunk in salvage(folder / _PARTS, self._paths_of)]
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                lock.release()
        return made

    @property
    def _hidden(self) -> str:
        """How folders begin that are of this user alone: others may be written alike in names of files."""
        return f".{self._safe_name}-{self._digest}-"

    def _new_folder(self) -> Path:
        """Return a folder that is locked; it has its name once it is, so that nobody takes it for one that was left."""
        name = new_id()
        fresh, folder = self.output_dir / f".new-{name}", self.output_dir / f"{self._hidden}{name}"
        self._lock = DataLock(fresh)
        try:
            (fresh / _PARTS).mkdir()
            return fresh.rename(folder)
        except OSError as error:
            raise from_os_error(error, f"making {folder}") from error

    def _paths_of(self, number: int, start_us: int) -> Iterator[Path]:
        """Yield names for a file, the best first: two programs may record a user at once."""
        name = f"{self._safe_name}_{compact(start_us, _UTC)}_{number}"
        return (self.output_dir / f"{name}{'' if n == 1 else f'-{n}'}.mp4" for n in count(1))

    def _let_go(self) -> None:
        """Give the folder free of a recording that is over; what could not be written yet stays in it."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()
        if self._folder is not None and not any((self._folder / _PARTS).glob("*")):
            shutil.rmtree(self._folder, ignore_errors=True)

    def _shown(self, chunk: RecordedChunk) -> dict[str, Any]:
        start = rfc3339(chunk.start_us)
        return {
            "clip_id": chunk.number,
            "user_name": self.user_name,
            "recording_date": start,
            "file_name": chunk.path.name,
            "file_path": str(chunk.path),
            "start_time": start,
            "end_time": rfc3339(chunk.end_us),
            "duration_seconds": round((chunk.end_us - chunk.start_us) / SECOND),
            "chunk_duration_seconds": self.chunk_duration_seconds,
        }


def _check(user_name: object, chunk_s: object, total_s: object) -> None:
    if not isinstance(user_name, str) or not user_name.strip():
        raise InvalidInput("user_name is required", "user_name")
    for name, value, least in (
        ("chunk_duration_seconds", chunk_s, LEAST_CHUNK_S),
        ("total_duration_seconds", total_s, LEAST_TOTAL_S),
    ):
        if type(value) is not int or value < least:
            raise InvalidInput(f"{name} must be an integer of at least {least}", name)
    if isinstance(chunk_s, int) and chunk_s > MOST_CHUNK_US // SECOND:
        raise InvalidInput(
            f"chunk_duration_seconds must be at most {MOST_CHUNK_US // SECOND}", "chunk_duration_seconds"
        )
    if isinstance(chunk_s, int) and isinstance(total_s, int) and chunk_s > total_s:
        raise InvalidInput(
            "chunk_duration_seconds must not be more than total_duration_seconds", "chunk_duration_seconds"
        )

"""The recorder of S2 as a library: by the numbers that are burned into the pictures."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gatehouse.compat.s2 import VideoRecorder, VideoRecordingService
from gatehouse_common.errors import InvalidInput
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import frame_numbers

START = 1_715_941_380.0
WIDTH, HEIGHT = 320, 96


def picture(number: int, width: int = WIDTH) -> NDArray[np.uint8]:
    grey = np.full((HEIGHT, width), 100, np.uint8)
    barcode.draw(grey, number)
    return np.repeat(grey[:, :, None], 3, axis=2)


def numbers(path: str | Path) -> list[int]:
    return [n for n, _ in frame_numbers(Path(path))]


def feed(recorder: VideoRecorder, first: int, last: int, fps: float = 15) -> int:
    """Give the pictures ``[first, last)``; return the first for which it says that it should stop, -1: none."""
    for number in range(first, last):
        if recorder.add_frame(picture(number), START + number / fps):
            return number
    return -1


def test_the_buffer_comes_first_in_order_without_gap_or_double(tmp_path: Path) -> None:
    """S2-1, S2-3, S2-8: as `VideoRecorder(buffer_seconds=5, post_event_seconds=15, fps=15)`."""
    recorder = VideoRecorder(buffer_seconds=5, post_event_seconds=15, fps=15)
    feed(recorder, 0, 200)
    begin, buffered = recorder.start_recording(str(tmp_path / "a" / "clip.mp4"))
    assert begin == pytest.approx(START + 124 / 15, abs=1e-4)
    assert len(buffered) == 76
    assert (recorder.recording, recorder.frames_written) == (True, 76)
    assert recorder.start_recording("elsewhere.mp4") == (None, [])
    stopped = feed(recorder, 200, 600)
    assert stopped == 199 + 15 * 15
    path, frames, duration = recorder.stop_recording()
    assert path == str(tmp_path / "a" / "clip.mp4")
    assert numbers(path) == list(range(124, stopped))
    assert frames == stopped - 124
    assert duration == pytest.approx(frames / 15, abs=0.001)
    assert recorder.stop_recording() == (None, 0, 0)
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["clip.mp4"]
    recorder.close()


@pytest.mark.parametrize("fps", [8, 30])
def test_fifteen_seconds_are_fifteen_seconds_at_any_rate(tmp_path: Path, fps: int) -> None:
    """S2-5: a recorder that is told 15 and gets 8 does not record for 28 s."""
    recorder = VideoRecorder(buffer_seconds=2, post_event_seconds=3, fps=15)
    feed(recorder, 0, 5 * fps, fps)
    recorder.start_recording(str(tmp_path / "clip.mp4"))
    assert feed(recorder, 5 * fps, 20 * fps, fps) == 8 * fps - 1
    path, _, duration = recorder.stop_recording()
    assert path is not None
    assert numbers(path) == list(range(3 * fps - 1, 8 * fps - 1))
    assert duration == pytest.approx(5, abs=0.001)
    recorder.close()


def test_an_event_before_the_first_picture(tmp_path: Path) -> None:
    """S2-7: it is recorded from the first picture on, and stops."""
    recorder = VideoRecorder(buffer_seconds=5, post_event_seconds=2, fps=15)
    recorder.start_recording(str(tmp_path / "clip.mp4"))
    assert feed(recorder, 0, 100) == 30
    path, frames, _ = recorder.stop_recording()
    assert path is not None
    assert (numbers(path), frames) == (list(range(30)), 30)
    recorder.close()


def test_the_buffer_can_be_looked_at_and_recording_goes_on(tmp_path: Path) -> None:
    """S2-8: `start_recording` gives the pictures of the buffer with their times, as callers know it."""
    recorder = VideoRecorder(buffer_seconds=1, post_event_seconds=1, fps=15)
    feed(recorder, 0, 40)
    _, buffered = recorder.start_recording(str(tmp_path / "clip.mp4"))
    assert [barcode.read(frame[:, :, 1]) for frame, _ in buffered] == list(range(24, 40))
    assert buffered[-1][1] == pytest.approx(START + 39 / 15, abs=1e-4)
    assert buffered[0][0].shape == (HEIGHT, WIDTH, 3)
    assert feed(recorder, 40, 100) == 54
    path, *_ = recorder.stop_recording()
    assert path is not None
    assert numbers(path) == list(range(24, 54))
    recorder.close()


def test_clips_one_after_the_other_share_what_is_before_both(tmp_path: Path) -> None:
    """S2-1: the buffer is fed while a video is recorded, too."""
    recorder = VideoRecorder(buffer_seconds=3, post_event_seconds=1, fps=15)
    feed(recorder, 0, 60)
    recorder.start_recording(str(tmp_path / "1.mp4"))
    assert feed(recorder, 60, 90) == 74
    recorder.stop_recording()
    feed(recorder, 75, 90)
    recorder.start_recording(str(tmp_path / "2.mp4"))
    assert feed(recorder, 90, 200) == 104
    recorder.stop_recording()
    assert numbers(tmp_path / "1.mp4") == list(range(14, 74))
    assert numbers(tmp_path / "2.mp4") == list(range(44, 104))
    recorder.close()


def test_what_is_not_needed_any_more_is_deleted() -> None:
    """S2-1: the buffer is as long as it should be, however long it is fed."""
    recorder = VideoRecorder(buffer_seconds=2, fps=15)
    folder = recorder._engine._folder
    feed(recorder, 0, 60 * 15)
    assert len(list(folder.rglob("*.mp4"))) <= 4
    recorder.close()
    assert not folder.exists()


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8)])
def test_what_is_no_picture_is_said(bad: Any) -> None:
    with pytest.raises(InvalidInput, match="a picture is an array of bytes"):
        VideoRecorder().add_frame(bad, START)


class Detections:
    """Remembers what it is told, as the repository of S2 is called."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}

    async def update_detection_video(
        self,
        detection_id: str,
        video_path: str,
        video_start_time: datetime | None = None,
        video_end_time: datetime | None = None,
    ) -> None:
        kept = self.told.setdefault(detection_id, {})
        kept["video_path"] = video_path
        if video_start_time is not None:
            kept["video_start_time"] = video_start_time
        if video_end_time is not None:
            kept["video_end_time"] = video_end_time


class Videos:
    """Remembers what it is told, as the repository of S2 is called."""

    def __init__(self) -> None:
        self.segments: list[dict[str, Any]] = []
        self.cleaned: list[int] = []

    async def add_video_segment(self, **segment: Any) -> str:
        self.segments.append(segment)
        return str(len(self.segments))

    async def cleanup_old_videos(self, days: int = 30) -> int:
        self.cleaned.append(days)
        return 3


def service(tmp_path: Path, **recorder: Any) -> tuple[VideoRecordingService, Detections, Videos]:
    detections, videos = Detections(), Videos()
    made = VideoRecordingService(
        detections, videos, base_video_dir=str(tmp_path / "videos"), recorder=VideoRecorder(**recorder)
    )
    return made, detections, videos


async def play(made: VideoRecordingService, first: int, last: int, triggers: dict[int, str], fps: float = 15) -> None:
    for number in range(first, last):
        await made.add_frame(picture(number), START + number / fps)
        if number in triggers:
            await made.trigger_recording(triggers[number])


def test_each_detection_lets_the_video_go_on_and_is_in_it(tmp_path: Path) -> None:
    """S2-4, S2-8, S2-11, S2-23: fifteen seconds after the last one; all of them know their video."""

    async def scenario() -> tuple[Detections, Videos]:
        made, detections, videos = service(tmp_path, buffer_seconds=5, post_event_seconds=15, fps=15)
        await made.initialize()
        await play(made, 0, 700, {100: "first", 250: "second", 260: "second"})
        await made.shutdown()
        return detections, videos

    detections, videos = asyncio.run(scenario())
    (segment,) = videos.segments
    assert numbers(segment["file_path"]) == list(range(25, 260 + 225))
    assert segment["detection_ids"] == "first,second"
    assert segment["resolution"] == f"{WIDTH}x{HEIGHT}"
    assert segment["duration_seconds"] == pytest.approx(460 / 15, abs=0.001)
    assert segment["file_size_bytes"] == Path(segment["file_path"]).stat().st_size
    begin = datetime.fromtimestamp(START, UTC)
    assert segment["file_path"] == str(tmp_path / "videos" / f"{begin:%Y-%m-%d}" / f"first_{int(START) + 1}.mp4")
    for told in detections.told.values():
        assert told["video_path"] == segment["file_path"]
        assert told["video_start_time"] == segment["start_time"]
        assert told["video_end_time"] == segment["end_time"]
    assert set(detections.told) == {"first", "second"}


def test_a_long_video_goes_on_in_another(tmp_path: Path) -> None:
    """S2-6: gap-free, both with the detection."""

    async def scenario() -> Videos:
        made, _, videos = service(tmp_path, buffer_seconds=1, post_event_seconds=10, fps=15, max_segment_minutes=4 / 60)
        await play(made, 0, 300, {30: "one"})
        await made.shutdown()
        return videos

    videos = asyncio.run(scenario())
    shown = [numbers(segment["file_path"]) for segment in videos.segments]
    assert [n for part in shown for n in part] == list(range(15, 180))
    assert len(shown) == 3
    assert all(segment["detection_ids"] == "one" for segment in videos.segments)
    for before, after in pairwise(videos.segments):
        assert abs((after["start_time"] - before["end_time"]).total_seconds()) < 0.001


def test_a_video_that_a_repository_does_not_take_is_told_again(tmp_path: Path) -> None:
    """S2-8, S2-12: while the database is away, no row is lost, and none comes twice."""

    async def scenario() -> tuple[Detections, Videos]:
        made, detections, videos = service(tmp_path, buffer_seconds=1, post_event_seconds=1, fps=15)
        taken, told = videos.add_video_segment, detections.update_detection_video

        async def away(**_: Any) -> str:
            raise ConnectionError("the database is away")

        await play(made, 0, 21, {20: "one"})
        videos.add_video_segment = away  # type: ignore[method-assign] - it comes back
        with pytest.raises(ConnectionError):
            await play(made, 21, 60, {})
        videos.add_video_segment = taken  # type: ignore[method-assign]
        await play(made, 60, 71, {70: "two"})
        detections.update_detection_video = away  # type: ignore[assignment]
        with pytest.raises(ConnectionError):
            await made.stop_recording()
        detections.update_detection_video = told  # type: ignore[method-assign]
        await made.shutdown()
        return detections, videos

    detections, videos = asyncio.run(scenario())
    assert [segment["detection_ids"] for segment in videos.segments] == ["one", "two"]
    for segment in videos.segments:
        told = detections.told[segment["detection_ids"]]
        assert (told["video_path"], told["video_end_time"]) == (segment["file_path"], segment["end_time"])


def test_old_videos_are_archived_and_their_files_deleted(tmp_path: Path) -> None:
    """S2-8: `cleanup_old_videos`; what is not ours is left alone."""

    async def scenario() -> Videos:
        made, _, videos = service(tmp_path)
        root = tmp_path / "videos"
        for day in ("2020-01-01", "2020-01-02", "2999-01-01"):
            (root / day).mkdir(parents=True)
            (root / day / "x_1.mp4").write_bytes(b"x")
        (root / "2020-01-02" / "notes.txt").write_text("mine")
        assert await made.cleanup_old_videos(retention_days=30) == 3
        await made.shutdown()
        return videos

    assert asyncio.run(scenario()).cleaned == [30]
    left = sorted(p.relative_to(tmp_path / "videos").as_posix() for p in (tmp_path / "videos").rglob("*.*"))
    assert left == ["2020-01-02/notes.txt", "2999-01-01/x_1.mp4"]


def test_an_id_does_not_climb(tmp_path: Path) -> None:
    async def scenario() -> Videos:
        made, _, videos = service(tmp_path, buffer_seconds=1, post_event_seconds=1, fps=15)
        await play(made, 0, 60, {20: "../../etc/passwd"})
        await made.shutdown()
        return videos

    (segment,) = asyncio.run(scenario()).segments
    assert Path(segment["file_path"]).resolve().is_relative_to((tmp_path / "videos").resolve())

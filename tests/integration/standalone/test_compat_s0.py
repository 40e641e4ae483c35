"""The recorder of S0 as a library: by the numbers that are burned into the pictures, file by file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from gatehouse.compat.s0 import VideoRecorder
from gatehouse_common.errors import Conflict, InvalidInput, NotFound, SourceUnavailable
from gatehouse_common.testing.film import FilmSpec, make_film
from recorder_pictures import START, feed, numbers, picture, seconds


def hold_on(chunks: list[dict[str, Any]]) -> None:
    """Check that each file begins where the one before ends."""
    for before, after in pairwise(chunks):
        assert abs(seconds(after["start_time"]) - seconds(before["end_time"])) < 2e-5


def test_files_of_equal_length_lack_no_picture_and_it_stops_by_itself(tmp_path: Path) -> None:
    """S0-2, S0-3, S0-5, S0-7, S0-33, C-6: as `VideoRecorder(user_name, 180, 900, output_dir)`."""
    recorder = VideoRecorder("Ada L", 30, 75, str(tmp_path), fps=10, camera=None)
    told = recorder.start_recording()
    assert (told["expected_chunks"], told["username"], recorder.is_recording) == (3, "Ada L", True)
    with pytest.raises(Conflict, match="already in progress for user Ada L"):
        recorder.start_recording()
    assert feed(recorder, 0, 450) == -1
    status = recorder.get_status()
    assert (status["elapsed_seconds"], status["total_chunks_so_far"]) == (44, 1)
    assert feed(recorder, 450, 900) == 750
    assert not recorder.is_recording
    assert recorder.get_status() == {"username": "Ada L", "is_recording": False}
    stopped = recorder.stop_recording()
    chunks = stopped["chunks"]
    assert [numbers(c["file_path"]) for c in chunks] == [
        list(range(300)),
        list(range(300, 600)),
        list(range(600, 750)),
    ]
    hold_on(chunks)
    assert [c["duration_seconds"] for c in chunks] == [30, 30, 15]
    assert [c["clip_id"] for c in chunks] == [1, 2, 3]
    assert seconds(chunks[0]["start_time"]) == pytest.approx(START, abs=1e-4)
    assert sorted(p.name for p in tmp_path.iterdir()) == [c["file_name"] for c in chunks]
    assert chunks[0]["file_name"] == "Ada_L_20240517_102300_1.mp4"


def test_the_first_picture_of_a_file_may_be_no_keyframe_and_times_uneven(tmp_path: Path) -> None:
    """S0-7 where borders fall between keyframes and pictures come as they like."""
    recorder = VideoRecorder("ada", 31, 63, tmp_path, camera=None)
    recorder.start_recording()
    rng, at, times = np.random.default_rng(4), START, []
    while recorder.add_frame(picture(len(times)), at):
        times.append(at)
        at += float(rng.uniform(0.03, 0.4))
    chunks = recorder.stop_recording()["chunks"]
    found = [numbers(c["file_path"]) for c in chunks]
    assert [n for part in found for n in part] == list(range(len(times)))
    assert found[1][0] == next(n for n, moment in enumerate(times) if moment >= START + 31)
    hold_on(chunks)


def test_stopped_early_its_last_file_is_as_long_as_it_recorded(tmp_path: Path) -> None:
    """S0-5; and what was stopped can be started again, beside what there is."""
    recorder = VideoRecorder("ada", 30, 60, tmp_path, camera=None)
    with pytest.raises(NotFound, match="No active recording for user ada"):
        recorder.stop_recording()
    recorder.start_recording()
    feed(recorder, 0, 352)
    chunks = recorder.stop_recording()["chunks"]
    assert [numbers(c["file_path"]) for c in chunks] == [list(range(300)), list(range(300, 352))]
    recorder.start_recording()
    feed(recorder, 0, 20)
    again = recorder.stop_recording()["chunks"]
    assert numbers(again[0]["file_path"]) == list(range(20))
    assert again[0]["file_name"] == "ada_20240517_102300_1-2.mp4"
    assert len(list(tmp_path.iterdir())) == 3


def test_pictures_that_do_not_come_for_a_while_leave_a_hole_and_no_file_of_nothing(tmp_path: Path) -> None:
    recorder = VideoRecorder("ada", 30, 150, tmp_path, camera=None)
    recorder.start_recording()
    feed(recorder, 0, 100)
    feed(recorder, 1000, 1100)
    chunks = recorder.stop_recording()["chunks"]
    assert [numbers(c["file_path"]) for c in chunks] == [list(range(100)), list(range(1000, 1100))]
    assert [c["duration_seconds"] for c in chunks] == [10, 10]
    assert [c["clip_id"] for c in chunks] == [1, 2]
    assert seconds(chunks[1]["start_time"]) == pytest.approx(START + 100, abs=1e-4)


def test_a_camera_is_recorded_as_it_sends(tmp_path: Path) -> None:
    """C-6, S0-1: with pictures that are sent in another order than they are shown, and sound."""
    spec = FilmSpec(frames=800, fps=20, gop=50, bframes=2, width=320, height=180, audio=True)
    film = make_film(tmp_path / "film.mp4", spec)
    recorder = VideoRecorder("ada", 30, 60, tmp_path / "out", camera=f"file://{film}")
    recorder.start_recording()
    give_up = time.monotonic() + 120
    while recorder.get_status().get("elapsed_seconds", 0) < 33 and time.monotonic() < give_up:
        time.sleep(0.05)
    chunks = recorder.stop_recording()["chunks"]
    assert recorder.failure is None
    first, second = (numbers(c["file_path"]) for c in chunks)
    assert first == list(range(600))
    assert len(second) > 55
    assert second == list(range(600, 600 + len(second)))
    hold_on(chunks)
    with av.open(chunks[1]["file_path"]) as made, av.open(str(film)) as sent:
        assert [s.codec.name for s in made.streams] == ["h264", "aac"]
        assert made.duration == pytest.approx(50_000 * len(second), abs=100_000)
        assert made.streams.video[0].width == sent.streams.video[0].width
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [c["file_name"] for c in chunks]


def test_a_webcam_that_is_not_there_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    """S0-35 for a device of the machine."""
    recorder = VideoRecorder("ada", output_dir=tmp_path, camera="v4l2:///dev/video77")
    with pytest.raises(SourceUnavailable, match="/dev/video77"):
        recorder.start_recording()
    assert not recorder.is_recording
    assert list(tmp_path.iterdir()) == []


_KILLED = """
import sys, time
from pathlib import Path
from gatehouse.compat.s0 import VideoRecorder
recorder = VideoRecorder("ada", 30, 60, sys.argv[1], camera="synthetic:?size=320x180&fps=25")
recorder.start_recording()
print("begun", flush=True)
time.sleep(600)
"""


def test_what_a_killed_program_recorded_is_a_file_at_the_next_start(tmp_path: Path) -> None:
    """S0-8: at most two seconds are lost; what another program still records is left alone."""
    process = subprocess.Popen([sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline()
    began = time.monotonic()
    recorder = VideoRecorder("ada", 30, 60, tmp_path, camera=None)
    while time.monotonic() < began + 6:
        assert recorder.recover() == []
        time.sleep(1)
    ran = time.monotonic() - began
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    (path,) = recorder.recover()
    shown = numbers(path)
    assert shown == list(range(shown[0], shown[0] + len(shown)))
    assert len(shown) / 25 > ran - 2
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"user_name": "  "}, "user_name"),
        ({"chunk_duration_seconds": 29}, "chunk_duration_seconds"),
        ({"total_duration_seconds": 59}, "total_duration_seconds"),
        ({"total_duration_seconds": 100}, "must not be more"),
        ({"chunk_duration_seconds": 30.0}, "integer"),
        ({"camera": "ftp://host/film"}, "rtsp://"),
    ],
)
def test_what_cannot_be_recorded_is_refused(tmp_path: Path, said: dict[str, Any], match: str) -> None:
    """S0-23, S0-39."""
    with pytest.raises(InvalidInput, match=match):
        VideoRecorder(**{"user_name": "ada", "output_dir": tmp_path, "camera": None, **said})


def test_a_name_is_no_path(tmp_path: Path) -> None:
    """S0-39."""
    recorder = VideoRecorder("../../etc/\0passwd*", 30, 60, tmp_path / "out", camera=None)
    recorder.start_recording()
    feed(recorder, 0, 10)
    (chunk,) = recorder.stop_recording()["chunks"]
    assert Path(chunk["file_path"]).parent == tmp_path / "out"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]

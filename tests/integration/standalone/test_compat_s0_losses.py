"""What the recorder of S0 neither loses, repeats nor dates wrongly: disks fill, clocks are set, programs are killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gatehouse.compat.s0 import VideoRecorder
from gatehouse_common.clock import SECOND, SystemClock
from gatehouse_common.errors import InvalidInput, ResourceExhausted
from gatehouse_common.media.chunked_recorder import ChunkedRecorder, salvage
from gatehouse_common.media.init_segment import parse_init
from gatehouse_common.testing.film import FilmSpec, make_film
from gatehouse_common.testing.recording import film_samples
from recorder_pictures import START, feed, numbers, picture, seconds
from small_disk import small_disk


def shown(chunks: Sequence[dict[str, Any]]) -> list[int]:
    return [n for chunk in chunks for n in numbers(chunk["file_path"])]


def test_a_disk_that_fills_costs_no_picture_that_was_written(tmp_path: Path) -> None:
    """What could not be made a file stays, and becomes one when there is room."""
    with small_disk(tmp_path / "disk", 8) as disk:
        recorder = VideoRecorder("ada", 30, 60, disk.root / "out", camera=None)
        recorder.start_recording()
        assert feed(recorder, 0, 143) == -1
        disk.fill()
        with pytest.raises(ResourceExhausted):
            recorder.stop_recording()
        disk.clear()
        found = shown(recorder.stop_recording()["chunks"])
    assert found == list(range(len(found)))
    assert len(found) > 143 - 10, "what was held back for the part that could not be written may be gone, no more"


def test_a_moment_without_room_does_not_end_a_recording(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        recorder = VideoRecorder("ada", 30, 60, disk.root / "out", camera=None)
        recorder.start_recording()
        feed(recorder, 0, 100)
        disk.fill()
        refused = 0
        for number in range(100, 140):
            try:
                recorder.add_frame(picture(number), START + number / 10)
            except ResourceExhausted:
                refused += 1
        assert refused
        disk.clear()
        assert recorder.is_recording
        assert VideoRecorder("ada", 30, 60, disk.root / "out", camera=None).recover() == []
        feed(recorder, 140, 250)
        found = shown(recorder.stop_recording()["chunks"])
    assert found[:95] == list(range(95))
    assert found[-80:] == list(range(170, 250))


def test_programs_that_record_a_user_at_once_replace_nothing_of_one_another(tmp_path: Path) -> None:
    made: list[dict[str, Any]] = []

    def record(first: int) -> None:
        recorder = VideoRecorder("ada", 30, 60, tmp_path, camera=None)
        recorder.start_recording()
        for number in range(100):
            recorder.add_frame(picture(first + number), START + number / 10)
        made.extend(recorder.stop_recording()["chunks"])

    threads = [threading.Thread(target=record, args=(1000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({chunk["file_name"] for chunk in made}) == 4
    assert sorted(shown(made)) == [1000 * n + k for n in range(4) for k in range(100)]


@pytest.mark.parametrize("back", [3600.0, 10.0, 0.3])
def test_a_clock_that_is_set_back_costs_nothing_and_dates_nothing_wrongly(tmp_path: Path, back: float) -> None:
    recorder = VideoRecorder("ada", 30, 120, tmp_path, camera=None)
    recorder.start_recording()
    feed(recorder, 0, 350)
    for number in range(350, 700):
        recorder.add_frame(picture(number), START + number / 10 - back)
    assert recorder.get_status()["elapsed_seconds"] in range(67, 71)
    chunks = recorder.stop_recording()["chunks"]
    assert shown(chunks) == list(range(700))
    last = chunks[-1]
    assert seconds(last["end_time"]) == pytest.approx(START + 70 - back, abs=0.5)
    assert sum(chunk["duration_seconds"] for chunk in chunks) == pytest.approx(70, abs=1)


@dataclass(frozen=True)
class Film:
    """A film as a stream."""

    init: bytes
    formats: Any
    depth: int = 4


def test_pictures_before_the_keyframe_of_an_open_gop_are_in_a_file(tmp_path: Path) -> None:
    """S0-7 for cameras whose pictures refer to the GOP before: wherever the border falls."""
    film = make_film(
        tmp_path / "film.mp4", FilmSpec(codec="hevc", frames=420, fps=20, gop=20, bframes=3, width=160, height=96)
    )
    init, samples = film_samples(film)
    for shift in range(0, 20, 3):
        out = tmp_path / f"out{shift}"
        out.mkdir()

        def paths(number: int, _start_us: int, out: Path = out) -> list[Path]:
            return [out / f"{number}.mp4"]

        recorder = ChunkedRecorder(paths, 5 * SECOND, 60 * SECOND, out / "parts", SystemClock())
        (out / "parts").mkdir()
        recorder.begin_run(Film(init, parse_init(init)), 1_800_000_000_000_000 + shift * SECOND // 20)
        for sample in samples:
            recorder.add(sample)
        chunks = recorder.stop()
        found = [numbers(chunk.path) for chunk in chunks]
        assert [n for part in found for n in part] == list(range(420)), shift
        assert all(abs(a.end_us - b.start_us) < 20 for a, b in pairwise(chunks))


_KILLED = """
import os, sys
sys.path[:0] = sys.argv[2:]
from recorder_pictures import feed
from gatehouse.compat.s0 import VideoRecorder
recorder = VideoRecorder("ada", 30, 300, sys.argv[1], camera=None)
recorder.start_recording()
feed(recorder, 0, 470)
while len(recorder.chunks) < 1:
    feed(recorder, 470, 470)
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_program_left_is_not_told_twice(tmp_path: Path) -> None:
    here = [str(Path(__file__).parents[2])]
    subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), *here], check=False, timeout=60)
    (first,) = tmp_path.glob("*.mp4")
    assert numbers(first) == list(range(300))
    (rest,) = VideoRecorder("ada", 30, 60, tmp_path, camera=None).recover()
    found = numbers(rest)
    assert found[0] == 300
    assert found == list(range(300, 300 + len(found)))
    assert len(found) > 140
    assert rest.name == "ada_20240517_102330_2.mp4"
    assert sorted(tmp_path.iterdir()) == sorted([first, rest])


def test_users_who_are_written_alike_get_nothing_of_one_another(tmp_path: Path) -> None:
    here = [str(Path(__file__).parents[2])]
    subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), *here], check=False, timeout=60)
    assert VideoRecorder("a.d.a", 30, 60, tmp_path, camera=None).recover() == []
    assert len(VideoRecorder("ada", 30, 60, tmp_path, camera=None).recover()) == 1


def test_what_cannot_be_salvaged_now_is_salvaged_later(tmp_path: Path) -> None:
    here = [str(Path(__file__).parents[2])]
    with small_disk(tmp_path / "disk", 8) as disk:
        subprocess.run([sys.executable, "-c", _KILLED, str(disk.root), *here], check=False, timeout=60)
        recorder = VideoRecorder("ada", 30, 60, disk.root, camera=None)
        disk.fill()
        with pytest.raises(ResourceExhausted):
            recorder.recover()
        disk.clear()
        assert len(recorder.recover()) == 1


@pytest.mark.parametrize("codec", ["mp4v", "mjpeg", "H264"])
def test_pictures_are_encoded_as_is_asked(tmp_path: Path, codec: str) -> None:
    """S0-33, C-7."""
    recorder = VideoRecorder("ada", 30, 60, tmp_path, camera=None, codec=codec)
    recorder.start_recording()
    feed(recorder, 0, 40)
    (chunk,) = recorder.stop_recording()["chunks"]
    assert numbers(chunk["file_path"]) == list(range(40))


def test_another_codec_and_no_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="h264"):
        VideoRecorder("ada", 30, 60, tmp_path, camera=None, codec="vp8")
    recorder = VideoRecorder("ada", 30, 60, tmp_path, camera=None)
    recorder.start_recording()
    with pytest.raises(InvalidInput):
        recorder.add_frame(picture(1), float("nan"))
    recorder.stop_recording()


def test_a_folder_that_holds_no_picture_is_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    (folder / "run").mkdir(parents=True)
    (folder / "run" / "1.mp4").write_bytes(b"\0\0\0\x18ftyp")
    assert salvage(folder, lambda number, _: [tmp_path / f"{number}.mp4"]) == []
    assert not folder.exists()

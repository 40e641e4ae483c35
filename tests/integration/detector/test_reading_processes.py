"""Bad pictures and bad engines: each costs one picture at most, is counted, and says why."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import simplejpeg
import structlog

import plate_engine
from gatehouse_common.errors import InvalidInput, Unavailable
from gatehouse_common.messages import FrameSampled
from gatehouse_common.observability.metrics import DETECTOR_WORKERS_REPLACED
from gatehouse_detector.answers import Answer
from gatehouse_detector.intake import Intake, Picture
from gatehouse_detector.pool import Pool
from gatehouse_detector.process import ReadingProcess
from plate_engine import HEIGHT, WIDTH, picture, plate
from running import wait_for

SCENES: dict[str, Any] = {
    "1": [plate("ABC1234", 300, 200)],
    "2": "raise",
    "3": "hang",
    "4": "die",
    "5": "crash",
    "6": "exit",
    "7": "print",
    "8": [plate("A" * 40, 300, 200), plate("", 300, 100), plate("abc", 300, 50), plate("XYZ9876", 300, 300)],
    "9": [plate(f"N{k:03}", 300, 200, confidence=k / 100) for k in range(100)],
}


class Reader:
    """A pool on an intake, and what became of the pictures."""

    def __init__(self, pool: Pool, intake: Intake, scenes: Path) -> None:
        self.pool, self.intake, self.scenes = pool, intake, scenes
        self.answers: list[tuple[Picture, Answer]] = []
        self._pts = 0

    def put(self, jpeg: bytes, camera: str = "cam", width: int = WIDTH, height: int = HEIGHT) -> None:
        self._pts += 9000
        message = FrameSampled(
            camera=camera,
            time_us=self._pts * 100 // 9,
            run="run",
            pts=self._pts,
            x=0,
            y=0,
            width=width,
            height=height,
            picture_width=width,
            picture_height=height,
        )
        self.intake.put(Picture(jpeg, "", lambda p, a: self.answers.append((p, a)), message))

    def all(self, *jpegs: bytes) -> list[Answer]:
        before = len(self.answers)
        for jpeg in jpegs:
            self.put(jpeg)
        wait_for("answers", lambda: len(self.answers) == before + len(jpegs))
        return [answer for _, answer in self.answers[before:]]


@contextmanager
def reading(tmp_path: Path, *, count: int = 1, timeout_s: float = 20.0, scenes: Any = SCENES) -> Iterator[Reader]:
    file = tmp_path / "scenes.json"
    file.write_text(json.dumps(scenes))
    intake = Intake(64)
    pool = Pool(intake, plate_engine.command(file), {"reader": "scripted"}, count, timeout_s)
    try:
        yield Reader(pool, intake, file)
    finally:
        pool.close()
    assert pool.pids == []


def texts(answer: Answer) -> list[str]:
    return [found.reading.text for found in answer.found]


def replaced(reason: str) -> float:
    return DETECTOR_WORKERS_REPLACED.labels(reason)._value.get()


def test_nothing_is_started_before_there_is_a_picture(tmp_path: Path) -> None:
    with reading(tmp_path) as reader:
        time.sleep(0.3)
        assert reader.pool.pids == []
        (answer,) = reader.all(picture(1))
        (pid,) = reader.pool.pids
        assert texts(answer) == ["ABC1234"]
        assert answer.stages.keys() == {"decode", "read", "find"}
        assert psutil.Process(pid).nice() == min(19, psutil.Process().nice() + 10)
        assert os.getsid(pid) != os.getsid(0), "what is sent to our group is not sent to it"


def test_pictures_that_are_none_are_rejected_and_cost_nothing_else(tmp_path: Path) -> None:
    whole = picture(1)
    tiny = simplejpeg.encode_jpeg(np.zeros((1, 1, 3), np.uint8), quality=90)
    huge = simplejpeg.encode_jpeg(np.zeros((20000, 20000, 1), np.uint8), quality=10, colorspace="GRAY")
    cut = whole[: len(whole) // 2]
    before = replaced("died")
    with reading(tmp_path) as reader:
        answers = reader.all(b"no picture", tiny, huge, cut, b"", picture(1, 320, 180), whole)
        (pid,) = reader.pool.pids
        assert psutil.Process(pid).memory_info().rss < 400 << 20, "the large one was not decoded"
    assert [a.outcome for a in answers] == ["rejected"] * 6 + ["analysed"]
    reasons = [a.reason for a in answers]
    assert "no JPEG" in reasons[0]
    assert "1x1" in reasons[1]
    assert "20000x20000" in reasons[2]
    assert "cut short" in reasons[3]
    assert "320x180 and not 640x360" in reasons[5]
    assert texts(answers[-1]) == ["ABC1234"]
    assert replaced("died") == before


@pytest.mark.parametrize("number", [2, 6])
def test_an_engine_that_raises_or_exits_says_why_and_goes_on(tmp_path: Path, number: int) -> None:
    with reading(tmp_path) as reader:
        first, bad, next_ = reader.all(picture(1), picture(number), picture(1))
        assert len(reader.pool.pids) == 1
    assert (first.outcome, bad.outcome, next_.outcome) == ("analysed", "failed", "analysed")
    assert "confused" in bad.reason or "a library that exits" in bad.reason


@pytest.mark.parametrize(("number", "how"), [(4, "exit status 3"), (5, "signal 11")])
def test_a_process_that_dies_of_a_picture_is_replaced_and_the_picture_is_not_tried_again(
    tmp_path: Path, number: int, how: str
) -> None:
    before = replaced("died")
    with reading(tmp_path) as reader, structlog.testing.capture_logs() as logs:
        answers = reader.all(picture(1), picture(number), picture(1), picture(number), picture(1))
    assert [a.outcome for a in answers] == ["analysed", "failed", "analysed", "failed", "analysed"]
    assert how in answers[1].reason
    assert replaced("died") == before + 2
    assert len([e for e in logs if how in str(e.get("reason")) and e["log_level"] == "warning"]) == 1


def test_a_picture_that_takes_too_long_is_given_up_and_its_process_replaced(tmp_path: Path) -> None:
    before = replaced("timeout")
    with reading(tmp_path, timeout_s=2.0) as reader:
        reader.all(picture(1))
        (first,) = reader.pool.pids
        hung, next_ = reader.all(picture(3), picture(1))
        (second,) = reader.pool.pids
    assert (hung.outcome, next_.outcome) == ("failed", "analysed")
    assert "longer than 2 s" in hung.reason
    assert first != second
    assert not psutil.pid_exists(first)
    assert replaced("timeout") == before + 1


def test_what_a_library_prints_is_no_answer(tmp_path: Path) -> None:
    with reading(tmp_path) as reader:
        assert [a.outcome for a in reader.all(picture(7), picture(1))] == ["analysed", "analysed"]


def test_what_cannot_be_a_plate_is_counted_and_left_out(tmp_path: Path) -> None:
    """Forty characters, none at all, small letters; and no picture has more plates than can be looked after."""
    with reading(tmp_path) as reader:
        odd, many = reader.all(picture(8), picture(9))
    assert texts(odd) == ["XYZ9876"]
    assert odd.unusable == 3
    assert len(many.found) == 32
    assert many.unusable == 68
    assert texts(many)[0] == "N099"


@pytest.mark.parametrize(
    ("how", "said"), [("refuse", "the model file is none"), ("raise", "magic"), ("die", "exit status 7")]
)
def test_an_engine_that_cannot_be_opened_is_told_of_and_tried_again(tmp_path: Path, how: str, said: str) -> None:
    with reading(tmp_path, scenes={**SCENES, "open": how}) as reader:
        reader.put(picture(1))
        wait_for("trouble", lambda: said in reader.pool.trouble)
        assert reader.answers == []
        with pytest.raises(Unavailable, match=said):
            reader.pool.look(picture(1), "")
        reader.scenes.write_text(json.dumps(SCENES))
        wait_for("the picture that waited", lambda: reader.answers)
        assert reader.pool.trouble == ""
    assert texts(reader.answers[0][1]) == ["ABC1234"]


def test_processes_that_die_again_and_again_are_told_of(tmp_path: Path) -> None:
    with reading(tmp_path) as reader:
        for _ in range(3):
            reader.put(picture(4))
        wait_for("trouble", lambda: "again and again" in reader.pool.trouble)
        reader.put(picture(1))
        wait_for("an answer", lambda: len(reader.answers) == 4)
        wait_for("the end of trouble", lambda: not reader.pool.trouble)


def test_after_deaths_in_a_row_a_picture_that_somebody_asks_about_is_looked_at_again(tmp_path: Path) -> None:
    """Without a picture of a camera that shows first that it can be."""
    with reading(tmp_path) as reader:
        for _ in range(3):
            reader.put(picture(4))
        wait_for("trouble", lambda: "again and again" in reader.pool.trouble)
        with pytest.raises(Unavailable, match="again and again"):
            reader.pool.look(picture(1), "")
        wait_for("the end of the pause", lambda: not reader.pool.trouble)
        assert [r.text for r in reader.pool.look(picture(1), "")] == ["ABC1234"]


def test_while_one_of_several_processes_is_in_trouble_the_others_look_at_what_is_asked(tmp_path: Path) -> None:
    with reading(tmp_path, count=2) as reader:
        reader.pool._troubles[0] = "of one alone"
        assert [r.text for r in reader.pool.look(picture(1), "")] == ["ABC1234"]


ENDLESS = """
import os, socket, sys
from gatehouse_detector.channel import Channel
channel = Channel(socket.socket(fileno=int(sys.argv[2])))
channel.receive()
channel.send({"ready": True})
while True:
    channel.receive()
    known = os.path.exists(sys.argv[1])
    open(sys.argv[1], "w").close()
    channel.send({"outcome": "analysed", "readings": [], "over": 0 if known else float("inf")})
"""


LARGE = """
import socket, sys
import cv2, numpy as np
from gatehouse_detector.channel import Channel
channel = Channel(socket.socket(fileno=int(sys.argv[2])))
channel.receive()
try:
    trouble = str(cv2.imdecode(np.fromfile(sys.argv[1], np.uint8), cv2.IMREAD_COLOR).shape)
except cv2.error as error:
    trouble = str(error)
channel.send({"trouble": trouble})
"""


def test_decoders_of_reading_processes_refuse_what_is_too_large_whatever_its_header_says(tmp_path: Path) -> None:
    file = tmp_path / "large.jpg"
    pixels = np.zeros((8000, 8000, 1), np.uint8)
    file.write_bytes(simplejpeg.encode_jpeg(pixels, quality=10, colorspace="GRAY"))
    with pytest.raises(Unavailable, match="pixels"):
        ReadingProcess([sys.executable, "-c", LARGE, str(file)], {})


def test_an_answer_without_end_costs_its_picture_and_its_process(tmp_path: Path) -> None:
    intake, before = Intake(64), replaced("died")
    pool = Pool(intake, [sys.executable, "-c", ENDLESS, str(tmp_path / "known")], {}, 1, 20.0)
    try:
        bad, next_ = Reader(pool, intake, tmp_path).all(picture(1), picture(1))
    finally:
        pool.close()
    assert (bad.outcome, next_.outcome) == ("failed", "analysed")
    assert "cannot be understood" in bad.reason
    assert replaced("died") == before + 1


def test_a_detector_without_file_descriptors_says_so_and_reads_when_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: Any) -> Any:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with reading(tmp_path) as reader:
        with monkeypatch.context() as patch:
            patch.setattr(socket, "socketpair", exhausted)
            reader.put(picture(1))
            wait_for("trouble", lambda: "Too many open files" in reader.pool.trouble)
        wait_for("the picture that waited", lambda: reader.answers)
        assert reader.pool.trouble == ""
    assert texts(reader.answers[0][1]) == ["ABC1234"]


@pytest.mark.parametrize("where", ["start", "look"])
def test_a_fault_of_the_detector_does_not_end_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Whatever goes wrong that nobody thought of: pictures after it are read."""

    def faulty(*_: Any) -> Any:
        raise RuntimeError("nobody thought of this")

    with reading(tmp_path) as reader:
        with monkeypatch.context() as patch:
            patch.setattr(ReadingProcess, "_open" if where == "start" else "look", faulty)
            reader.put(picture(1))
            if where == "start":
                wait_for("trouble", lambda: "nobody thought of this" in reader.pool.trouble)
            else:
                wait_for("an answer", lambda: reader.answers)
        reader.put(picture(1))
        wait_for("both answers", lambda: len(reader.answers) == 2)
        assert reader.pool.trouble == ""
    outcomes = [answer.outcome for _, answer in reader.answers]
    assert outcomes == ["analysed" if where == "start" else "failed", "analysed"]


def test_of_one_camera_answers_come_in_order_however_many_processes_read(tmp_path: Path) -> None:
    scenes = {**SCENES, "10": "slow"}
    with reading(tmp_path, count=3, scenes=scenes) as reader:
        for _ in range(60):  # enough for all of them to be started
            reader.put(picture(10))
        wait_for("three processes", lambda: len(reader.pool.pids) == 3)
        for k in range(4):
            reader.put(picture(10 if k % 3 == 0 else 1))
        wait_for("answers", lambda: len(reader.answers) == 64)
    order = [p.message.pts for p, _ in reader.answers if p.message]
    assert order == sorted(order)


def test_a_picture_that_somebody_asks_about_is_next(tmp_path: Path) -> None:
    scenes = {**SCENES, "10": "slow"}
    with reading(tmp_path, scenes=scenes) as reader:
        reader.all(picture(1))
        for _ in range(10):
            reader.put(picture(10))
        assert [r.text for r in reader.pool.look(picture(1), "")] == ["ABC1234"]
        assert len(reader.answers) < 8
        with pytest.raises(InvalidInput, match="no JPEG"):
            reader.pool.look(b"nothing", "")
        with pytest.raises(Unavailable, match="confused"):
            reader.pool.look(picture(2), "")


def test_the_end_does_not_wait_for_a_picture_that_hangs(tmp_path: Path) -> None:
    with reading(tmp_path, timeout_s=60) as reader:
        reader.all(picture(1))
        (pid,) = reader.pool.pids
        reader.put(picture(3))
        wait_for("the picture in hand", lambda: reader.intake.oldest_us() is None)
        begun = time.monotonic()
        ending = threading.Thread(target=reader.pool.close)
        ending.start()
        ending.join(10)
        assert time.monotonic() - begun < 5
    assert not psutil.pid_exists(pid)


ORPHAN = """
import sys, time
from gatehouse_detector.process import ReadingProcess
import plate_engine
process = ReadingProcess(plate_engine.command(__import__("pathlib").Path(sys.argv[1])), {})
print(process.pid, flush=True)
if sys.argv[2] == "busy":
    process.look(plate_engine.picture(3), {}, 1.0)
time.sleep(60)
"""


@pytest.mark.parametrize("what", ["idle", "busy"])
def test_a_process_ends_when_its_detector_is_killed(tmp_path: Path, what: str) -> None:
    """Even one that hangs, and that nobody can end any more."""
    scenes = tmp_path / "scenes.json"
    scenes.write_text(json.dumps(SCENES))
    tests = str(Path(plate_engine.__file__).parent)
    program = [sys.executable, "-c", ORPHAN, str(scenes), what]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": tests}
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.5)
        parent.send_signal(signal.SIGKILL)
    wait_for("its end", lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", 20)

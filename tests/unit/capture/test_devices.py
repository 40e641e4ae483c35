"""Which video device is recorded when the configured one is missing, busy, broken, or back; and raw pictures."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gatehouse_capture.sources import device as module
from gatehouse_capture.sources.device import DeviceSource
from gatehouse_capture.sources.device_errors import DeviceBusy, DeviceMissing
from gatehouse_capture.sources.device_modes import Mode, choose_formats
from gatehouse_capture.sources.device_pictures import PictureReader, raw_frame
from gatehouse_capture.sources.v4l2 import VideoDevice
from gatehouse_common.camera_url import parse_url
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import luma
from mjpeg_camera import picture

WIDTH, HEIGHT = 320, 180
Errors = dict[str, type[SourceUnavailable]]


class Bench:
    """Devices that tests plug in and out.

    Attributes:
        errors: how opening a device fails; one that is not named works.
        formats: what each of them offers.
        bad: formats in which no picture is whole.
        opened: ``(device, format)`` as they were started.
    """

    def __init__(self) -> None:
        self.errors: Errors = {}
        self.formats = ["YUYV"]
        self.bad: set[str] = set()
        self.opened: list[tuple[str, str]] = []

    def device(self, path: str, clock: object) -> BenchDevice:
        if error := self.errors.get(path):
            raise error(f"{path} {error.__name__}")
        return BenchDevice(self, path)


class BenchDevice:
    def __init__(self, bench: Bench, path: str) -> None:
        self.bench, self.path, self.format = bench, path, ""
        self.number = 0
        self.interrupted = threading.Event()

    def formats(self) -> list[str]:
        return self.bench.formats

    def start(self, format_: str, width: int, height: int, fps: float) -> Mode:
        self.format = format_
        self.bench.opened.append((self.path, format_))
        return Mode(format_, width, height, width * 2, fps)

    def read(self, timeout_s: float) -> tuple[bytes, int] | None:
        if self.interrupted.wait(0.01):
            return None
        self.number += 1
        if self.format in self.bench.bad:
            return b"\xff\xd8 rubbish", self.number * 33_333
        if self.format == "MJPG":
            return picture(self.number, (WIDTH, HEIGHT)) + bytes(500), self.number * 33_333  # padded, as buffers are
        return yuyv(self.number), self.number * 33_333

    def interrupt(self) -> None:
        self.interrupted.set()

    def close(self) -> None:
        pass


def yuyv(number: int) -> bytes:
    y = np.full((HEIGHT, WIDTH), 100, np.uint8)
    barcode.draw(y, number)
    return np.stack([y, np.full_like(y, 128)], axis=-1).tobytes()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench()
    monkeypatch.setattr(module, "VideoDevice", bench.device)
    monkeypatch.setattr(module, "list_devices", lambda: ["/dev/video0", "/dev/video1", "/dev/video2"])
    monkeypatch.setattr(module, "_LOOK_BACK_US", 100_000)
    yield bench
    assert module.FALLBACKS._holders == {}


def source(path: str = "/dev/video0") -> DeviceSource:
    return DeviceSource(parse_url(f"v4l2://{path}?size={WIDTH}x{HEIGHT}&fps=30"), SystemClock(), 1)


def test_a_missing_device_is_stood_in_for_and_taken_back_when_it_returns(bench: Bench) -> None:
    """S1-4: flagged while it lasts, and no longer than it must."""
    bench.errors = {"/dev/video0": DeviceMissing, "/dev/video1": DeviceBusy}
    camera = source()
    assert camera.open().fallback == "/dev/video2"
    packets = camera.packets()
    for _ in range(30):
        next(packets)
    del bench.errors["/dev/video0"]
    with pytest.raises(SourceUnavailable, match="/dev/video0 is there again"):
        list(packets)
    camera.close()
    camera = source()
    assert camera.open().fallback is None
    camera.close()


@pytest.mark.parametrize("error", [DeviceBusy, SourceUnavailable])
def test_a_device_that_is_there_is_never_stood_in_for(bench: Bench, error: type[SourceUnavailable]) -> None:
    """It is the right camera in other hands, or one to be mended: another picture would hide that."""
    bench.errors = {"/dev/video0": error}
    camera = source()
    with pytest.raises(error, match="/dev/video0"):
        camera.open()
    camera.close()
    assert bench.opened == []


def test_no_other_device_gives_pictures(bench: Bench) -> None:
    bench.errors = {f"/dev/video{n}": DeviceMissing for n in range(3)}
    camera = source()
    with pytest.raises(SourceUnavailable, match=r"no camera device gives pictures.*video0"):
        camera.open()
    camera.close()


def test_a_stand_in_is_given_up_for_the_camera_that_is_configured_for_it(bench: Bench) -> None:
    bench.errors = {"/dev/video0": DeviceMissing}
    first, second = source("/dev/video0"), source("/dev/video1")
    assert first.open().fallback == "/dev/video1"
    assert second.open().fallback is None
    with pytest.raises(SourceUnavailable, match="wanted by the camera"):
        list(first.packets())
    first.close()
    second.close()


def test_an_interrupted_source_ends_without_an_error(bench: Bench) -> None:
    camera = source()
    camera.open()
    camera.interrupt()
    assert len(list(camera.packets())) == 1  # the one that opening waited for
    camera.close()


def test_opening_can_be_interrupted_while_the_device_gives_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorder that is stopped does not wait for the ten seconds that a camera may take for its first picture."""
    monkeypatch.setattr(BenchDevice, "read", lambda self, timeout_s: self.interrupted.wait(timeout_s) and None)
    camera = source()
    threading.Timer(0.2, camera.interrupt).start()
    began = time.monotonic()
    camera.open()
    assert list(camera.packets()) == []
    assert time.monotonic() - began < 2
    camera.close()


def test_a_source_that_is_given_up_fails(bench: Bench) -> None:
    """It ends for a reason that is told, and is opened again."""
    camera = source()
    camera.open()
    camera.give_up()
    with pytest.raises(SourceUnavailable, match="no more pictures"):
        list(camera.packets())
    camera.close()
    camera.give_up()  # as it may come a moment too late
    camera.interrupt()


def test_jpegs_are_preferred_and_kept_as_they_are(bench: Bench) -> None:
    """S1-3."""
    bench.formats = ["YUYV", "MJPG"]
    camera = source()
    camera.open()
    packet = next(camera.packets())
    assert packet.jpeg == picture(1, (WIDTH, HEIGHT))
    camera.close()
    assert bench.opened == [("/dev/video0", "MJPG")]


def test_a_device_whose_jpegs_are_rubbish_is_read_raw(bench: Bench) -> None:
    """S1-3."""
    bench.formats, bench.bad = ["MJPG", "YUYV"], {"MJPG"}
    camera = source()
    camera.open()
    assert next(camera.packets()).jpeg is None
    camera.close()
    assert bench.opened == [("/dev/video0", "MJPG"), ("/dev/video0", "YUYV")]


def test_a_device_that_offers_nothing_readable_says_what_it_offers() -> None:
    assert choose_formats(["H264", "NV12", "YUYV", "MJPG"], "x") == ["MJPG", "YUYV"]
    with pytest.raises(SourceUnavailable, match="/dev/video3 offers only H264, pBAA"):
        choose_formats(["H264", "pBAA"], "/dev/video3")


@pytest.mark.parametrize("format_", ["YUYV", "UYVY", "NV12", "YU12", "GREY", "RGB3", "BGR3"])
@pytest.mark.parametrize("padding", [0, 64])
def test_raw_pictures_are_what_the_device_saw(format_: str, padding: int) -> None:
    """Rows may be padded; what is short by a byte is no picture."""
    y = np.full((HEIGHT, WIDTH), 100, np.uint8)
    barcode.draw(y, 12345)
    wide = {"YUYV": 2, "UYVY": 2, "RGB3": 3, "BGR3": 3}.get(format_, 1) * WIDTH + padding
    grey = np.full_like(y, 128)
    rows = {
        "YUYV": np.stack([y, grey], axis=-1).reshape(HEIGHT, -1),
        "UYVY": np.stack([grey, y], axis=-1).reshape(HEIGHT, -1),
        "RGB3": np.repeat(y, 3, axis=1),
        "BGR3": np.repeat(y, 3, axis=1),
    }.get(format_, y)
    data = np.pad(rows, ((0, 0), (0, padding))).tobytes()
    if format_ in {"NV12", "YU12"}:
        data += bytes([128]) * (wide * HEIGHT // 2)
    mode = Mode(format_, WIDTH, HEIGHT, wide, 30)
    frame = raw_frame(data, mode)
    assert frame is not None
    assert barcode.read(luma(frame.reformat(WIDTH, HEIGHT, "yuv420p"))) == 12345
    assert raw_frame(data[:-1], mode) is None


def test_a_device_that_sends_only_damaged_pictures_fails() -> None:
    class Broken:
        def read(self, timeout_s: float) -> tuple[bytes, int]:
            return b"\xff\xd8\xff\xd9", 0

    reader = PictureReader(Broken(), Mode("MJPG", WIDTH, HEIGHT, 0, 30), 1)
    with pytest.raises(SourceUnavailable, match="no whole picture"):
        list(reader.pictures())


@pytest.mark.skipif(sys.platform != "linux", reason="Video4Linux is Linux's")
def test_a_path_that_is_no_video_device_says_so(tmp_path: Path) -> None:
    """Files are not devices, and a device file that another driver owns is no camera."""
    (tmp_path / "file").touch()
    for path, says in ((tmp_path / "none", "is not there"), (tmp_path / "file", "no video device")):
        with pytest.raises(DeviceMissing, match=says):
            VideoDevice(str(path), SystemClock())
    with pytest.raises(DeviceMissing, match="no video device"):
        VideoDevice("/dev/null", SystemClock())

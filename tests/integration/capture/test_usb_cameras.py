"""USB cameras as the kernel has them: recorded, in use, missing, hanging, pulled out.

This machine may have no camera, so another one, in emulation, has three. It runs the same command from the same
files; what it recorded is decoded here.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from gatehouse_common.testing import barcode
from gatehouse_common.testing.film import frame_numbers, luma
from gatehouse_common.testing.recording import scan_file
from mjpeg_camera import picture, without_tables

ROOT = Path(__file__).parents[3]
MACHINE = ROOT / "tests" / "usb" / "machine.sh"
GUEST = MACHINE.with_name("guest.py")
KERNEL = ROOT / "build" / "usb-kernel"
FPS = 5
SLOW_FPS = 2
IDLE_S = 2
WIDTH, HEIGHT = 320, 180
JPEGS = 2000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let the machine do its work once; return what it left."""
    if (
        platform.machine() != "x86_64"
        or shutil.which("qemu-system-x86_64") is None
        or not (KERNEL / "complete").exists()
    ):
        pytest.skip("no QEMU or no kernel with cameras; scripts/install-test-tools brings both to Debian on x86-64")
    share = tmp_path_factory.mktemp("usb")
    (share / "jpegs").mkdir()
    for number in range(JPEGS):
        (share / "jpegs" / f"{number:06}.jpg").write_bytes(without_tables(picture(number, (WIDTH, HEIGHT))))
    guest = [sys.executable, str(GUEST), str(share)]
    done = subprocess.run(
        [str(MACHINE), "run", str(KERNEL), str(share), *guest], capture_output=True, text=True, timeout=550, check=False
    )
    log = share / "log"
    told = log.read_text()[-3000:] if log.exists() else ""
    assert "guest: exit 0" in done.stdout, done.stdout[-3000:] + done.stderr[-1000:] + told
    return share


@pytest.fixture(scope="module")
def seen(share: Path) -> dict[str, Any]:
    """What the API of the machine's recorder told, and when."""
    found: dict[str, Any] = json.loads((share / "seen.json").read_text())
    return found


def pictures(film: Path) -> list[tuple[float, np.ndarray]]:
    """Decode a stored file strictly; return the seconds of each picture, and it as RGB."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        return [(float(f.pts * stream.time_base), f.to_ndarray(format="rgb24")) for f in container.decode(stream)]


@pytest.fixture(scope="module")
def bars(share: Path) -> np.ndarray:
    """The lower part of what the device shows, as another program has read it: colour bars, which stand still."""
    data = np.frombuffer((share / "picture.yuyv").read_bytes()[: WIDTH * HEIGHT * 2], np.uint8)
    frame = av.VideoFrame.from_ndarray(data.reshape(HEIGHT, WIDTH, 2), format="yuyv422")
    return frame.to_ndarray(format="rgb24")[HEIGHT // 2 :].astype(int)


@pytest.mark.parametrize("camera", ["gate", "yard", "shed"])
def test_what_the_device_shows_is_in_the_stored_files(share: Path, bars: np.ndarray, camera: str) -> None:
    """S1-1: raw pictures of a real device node become footage that decodes, in its colours and at its rate."""
    films = sorted((share / "recordings" / camera).rglob("*.mp4"))
    assert len(films) >= 4
    steps: list[float] = []
    for film in films:
        shown = pictures(film)
        assert shown
        for _, image in shown:
            assert image.shape == (HEIGHT, WIDTH, 3)
            assert np.abs(image[HEIGHT // 2 :] - bars).mean() < 8
        steps += [b - a for (a, _), (b, _) in pairwise(shown)]
    # An emulated machine may drop a picture now and then; those that are there are a picture's time apart.
    assert np.median(steps) == pytest.approx(1 / SLOW_FPS, rel=0.05)
    # The driver's own clock and counter run over the upper part.
    first, last = pictures(films[0])[0][1], pictures(films[-1])[-1][1]
    assert np.abs(first[: HEIGHT // 3].astype(int) - last[: HEIGHT // 3]).max() > 100


def test_the_jpegs_of_a_usb_camera_are_recorded_once_and_at_their_times(share: Path, seen: dict[str, Any]) -> None:
    """S1-1, S1-3: a real UVC device, pulled out and plugged in.

    An emulated machine that is busy may be late in taking what the camera gave, and its kernel's clock may stumble:
    sometimes.
    """
    films = sorted((share / "recordings" / "door").rglob("*.mp4"))
    shown = []
    for film in films:
        start = scan_file(share, film.relative_to(share).as_posix()).start_us / 1e6
        pieces = frame_numbers(film)
        shown += [(number, start + at - pieces[0][1]) for number, at in pieces]
    ends = [k + 1 for k, (a, b) in enumerate(pairwise(shown)) if b[0] < a[0]]
    assert len(ends) == 1  # the numbers begin anew when it is plugged in again
    for sent, run in zip(seen["sent"], (shown[: ends[0]], shown[ends[0] :]), strict=True):
        numbers = [number for number, _ in run]
        assert len(numbers) > FPS * 2
        assert all(a < b for a, b in pairwise(numbers))
        assert len(numbers) > 0.5 * (numbers[-1] - numbers[0])
        early = sorted(sent[str(number)][0] - at for number, at in run)
        late = sorted(at - sent[str(number)][1] for number, at in run)
        assert early[len(early) * 9 // 10] < 0.05
        assert late[len(late) * 9 // 10] < 0.05


def test_live_view_of_a_usb_camera_is_its_own_jpegs(share: Path) -> None:
    """Made whole for browsers: its Huffman tables, which the camera leaves out, are there."""
    shown = (share / "live.jpg").read_bytes()
    decoder = av.CodecContext.create("mjpeg", "r")
    number = barcode.read(luma(decoder.decode(av.Packet(shown))[0]))
    assert without_tables(shown) == without_tables(picture(number, (WIDTH, HEIGHT)))
    assert b"\xff\xc4" in shown


def test_a_device_in_use_is_told_as_such_and_taken_when_it_is_free(seen: dict[str, Any]) -> None:
    """It is not replaced by another one that works: those are there, and record their own cameras."""
    yard = seen["start"]["yard"]
    assert yard["detail"] == "/dev/video1 is in use by another program"
    assert yard["state"] == "reconnecting"
    assert yard["fallback"] is None
    assert seen["free_s"] < 5


def test_a_missing_device_is_stood_in_for_until_it_is_there(seen: dict[str, Any]) -> None:
    """S1-4: what is recorded in its place is flagged, and given up when it is plugged in."""
    assert seen["start"]["shed"]["fallback"] == "/dev/video2"
    assert seen["start"]["gate"]["fallback"] is None
    assert seen["back_s"] < 8
    assert seen["end"]["shed"]["state"] == "recording"
    assert seen["end"]["shed"]["fallback"] is None


def test_a_device_that_hangs_is_noticed_and_recorded_again(seen: dict[str, Any]) -> None:
    """S1-5: the driver takes buffers and gives none back; a reader inside the kernel would wait for ever."""
    assert seen["hang"]["detail"] == f"/dev/video0 gave no picture for {IDLE_S} s"
    assert seen["hang_s"] < IDLE_S + 3
    assert seen["mended_s"] < 5
    start, end, cause = seen["gaps"][-1]
    assert cause == "camera_offline"
    assert (end - start) / 1e6 == pytest.approx(seen["hung_s"], abs=1.5)


def test_a_camera_that_is_pulled_out_is_noticed_at_once_and_recorded_when_it_is_back(seen: dict[str, Any]) -> None:
    """The others are in use by their own cameras, and none takes its place."""
    assert seen["unplug_s"] < 5
    assert "/dev/video3 is not there" in seen["unplug"]["detail"]
    assert seen["replug_s"] < 8
    assert {camera["state"] for camera in seen["end"].values()} == {"recording"}
    assert seen["end"]["door"]["fallback"] is None
    assert seen["exit"] == 0

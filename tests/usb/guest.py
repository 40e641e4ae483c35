"""What test_usb_cameras.py has done in the machine with cameras: guest.py SHARE records them, writes SHARE/seen.json.

Four cameras: `gate` is /dev/video0, `yard` is /dev/video1, which another program uses at first, `shed` is
/dev/video9, which is not there, so that /dev/video2 stands in for it, and `door` is /dev/video3, a USB camera that
sends the JPEGs of SHARE/jpegs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from usb_camera import UsbCamera

from running import Running, us, wait_for

# Slow ones, for the emulated machine has other things to do; the one whose pictures are counted has a rate of 5.
MODES = {"door": "size=320x180&fps=5"}
SLOW = "size=320x180&fps=2"
CAMERAS = {"gate": "/dev/video0", "yard": "/dev/video1", "shed": "/dev/video9", "door": "/dev/video3"}
IDLE_S = 2


def control(device: str, what: str) -> None:
    subprocess.run(["v4l2-ctl", "-d", device, "-c", what], check=True, timeout=30)


def moment(what: str, reached: Callable[[], dict[str, Any]], began: float, state: str) -> float:
    """Wait for a state that a camera came into after ``began``; return when, seconds of the wall clock.

    The recorder says when. Until the API tells, a busy emulation lets half a minute pass.
    """

    def since() -> float | None:
        camera = reached()
        at = us(camera["since"]) / 1e6 if camera["since"] else 0.0
        return at if camera["state"] == state and at >= began else None

    return wait_for(what, since, 150)


def live_jpeg(url: str) -> bytes:
    """Return the fifth picture of an MJPEG stream: it may begin with one that was recorded before."""
    data = b""
    with urllib.request.urlopen(url, timeout=20) as answer:
        while len(found := re.findall(rb"\xff\xd8.*?\xff\xd9", data, re.DOTALL)) < 5:
            data += answer.read1(1 << 16)
    picture: bytes = found[4]
    return picture


def main() -> None:
    share = Path(sys.argv[1])
    jpegs = sorted((share / "jpegs").iterdir())
    data = Path("/usb-data")  # in the guest's memory: the shared folder cannot map a database's index
    seen: dict[str, Any] = {}
    # What an independent program sees, to compare the recorded colours with.
    form = "--set-fmt-video=width=320,height=180,pixelformat=YUYV"
    picture = ["v4l2-ctl", "-d", "/dev/video2", form, "--stream-mmap", "--stream-count=2"]
    subprocess.run([*picture, f"--stream-to={share}/picture.yuyv"], check=True, timeout=30, stderr=subprocess.DEVNULL)
    door = UsbCamera(lambda n: jpegs[n % len(jpegs)].read_bytes())
    seen["sent"] = [door.sent]
    wait_for("USB camera", Path("/dev/video3").exists)
    user = subprocess.Popen(
        ["v4l2-ctl", "-d", "/dev/video1", "--stream-mmap"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    options = [
        o for name, path in CAMERAS.items() for o in ("--camera", f"{name}=v4l2://{path}?{MODES.get(name, SLOW)}")
    ]
    with Running(
        data,
        *options,
        log=share / "log",
        GATEHOUSE_RECORDING__IDLE_SECONDS=str(IDLE_S),
        GATEHOUSE_RECORDING__CHUNK_SECONDS="6",  # each chunk costs the emulation most of a second
        GATEHOUSE_LOG__FORMAT="json",
        GATEHOUSE_DETECTION__FRAMES="off",
    ) as gatehouse:

        def camera(name: str) -> dict[str, Any]:
            return gatehouse.camera(name)

        def until(name: str, state: str, began: float) -> float:
            return moment(f"{name} that is {state}", lambda: camera(name), began, state)

        gatehouse.ready(150)
        gatehouse.recording("gate", "shed", "door", timeout=150)
        seen["start"] = {name: camera(name) for name in CAMERAS}

        now = time.time()
        user.kill()
        user.wait()
        seen["free_s"] = until("yard", "recording", now) - now

        time.sleep(6)
        before = len(gatehouse.ledger("gate")[1])
        control("/dev/video0", "percentage_of_dropped_buffers=100")
        now = time.time()  # to begin the program that says so may take the emulation seconds
        seen["hang_s"] = until("gate", "reconnecting", now) - now
        seen["hang"] = camera("gate")
        mending = time.time()
        control("/dev/video0", "percentage_of_dropped_buffers=0")
        mended = until("gate", "recording", mending)
        seen["mended_s"], seen["hung_s"] = mended - mending, mended - now
        wait_for("gap of the hang", lambda: len(gatehouse.ledger("gate")[1]) > before, 150)
        seen["gaps"] = gatehouse.ledger("gate")[1]

        # The device that was missing is plugged in: it is another name of the same one.
        now = time.time()
        os.mknod("/dev/video9", 0o20660, Path("/dev/video2").stat().st_rdev)
        seen["back_s"] = until("shed", "recording", now) - now
        wait_for("return to the device", lambda: not camera("shed")["fallback"], 150)

        (share / "live.jpg").write_bytes(live_jpeg(f"{gatehouse.url}/live/door.mjpg"))
        now = time.time()
        door.unplug()
        seen["unplug_s"] = until("door", "reconnecting", now) - now
        wait_for("removal of its node", lambda: not Path("/dev/video3").exists())
        wait_for("reason", lambda: "there" in camera("door")["detail"], 150)
        seen["unplug"] = camera("door")
        door = UsbCamera(lambda n: jpegs[n % len(jpegs)].read_bytes())
        seen["sent"].append(door.sent)
        seen["replug_s"] = until("door", "recording", door.began) - door.began
        time.sleep(3)
        seen["end"] = {name: camera(name) for name in CAMERAS}
        seen["exit"] = gatehouse.stop(60)  # the guest is an emulation, on a busy machine maybe
    door.unplug()
    shutil.copytree(data / "recordings", share / "recordings")
    (share / "seen.json").write_text(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()

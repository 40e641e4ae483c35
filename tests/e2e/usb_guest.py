"""What test_usb.py has done in the machine with cameras: usb_guest.py SHARE records them and writes SHARE/seen.json.

Three cameras: `gate` is /dev/video0, `yard` is /dev/video1, which another program uses at first, and `shed` is
/dev/video9, which is not there, so that /dev/video2 stands in for it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from running import Running, wait_for

SIZE = "size=320x180&fps=15"
CAMERAS = {"gate": "/dev/video0", "yard": "/dev/video1", "shed": "/dev/video9"}
IDLE_S = 2


def control(device: str, what: str) -> None:
    subprocess.run(["v4l2-ctl", "-d", device, "-c", what], check=True, timeout=30)


def seconds_until(what: str, happens: Callable[[], Any]) -> float:
    began = time.monotonic()
    wait_for(what, happens, 60)
    return time.monotonic() - began


def main() -> None:
    share = Path(sys.argv[1])
    data = Path("/usb-data")  # in the guest's memory: the shared folder cannot map a database's index
    seen: dict[str, Any] = {}
    # What an independent program sees, to compare the recorded colours with.
    form = "--set-fmt-video=width=320,height=180,pixelformat=YUYV"
    picture = ["v4l2-ctl", "-d", "/dev/video2", form, "--stream-mmap", "--stream-count=2"]
    subprocess.run([*picture, f"--stream-to={share}/picture.yuyv"], check=True, timeout=30, stderr=subprocess.DEVNULL)
    user = subprocess.Popen(
        ["v4l2-ctl", "-d", "/dev/video1", "--stream-mmap"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    options = [o for name, path in CAMERAS.items() for o in ("--camera", f"{name}=v4l2://{path}?{SIZE}")]
    with Running(
        data, *options, log=share / "log", GATEHOUSE_RECORDING__IDLE_SECONDS=str(IDLE_S), GATEHOUSE_LOG__FORMAT="json"
    ) as gatehouse:

        def camera(name: str) -> dict[str, Any]:
            return gatehouse.camera(name)

        def state(name: str, wanted: str) -> bool:
            return bool(camera(name)["state"] == wanted)

        gatehouse.ready(90)
        gatehouse.recording("gate", "shed", timeout=60)
        seen["start"] = {name: camera(name) for name in CAMERAS}

        user.kill()
        user.wait()
        seen["free_s"] = seconds_until("recording of a device that is free again", lambda: state("yard", "recording"))

        time.sleep(6)
        before = len(gatehouse.ledger("gate")[1])
        control("/dev/video0", "percentage_of_dropped_buffers=100")
        seen["hang_s"] = seconds_until("hang that is noticed", lambda: state("gate", "reconnecting"))
        seen["hang"] = camera("gate")
        control("/dev/video0", "percentage_of_dropped_buffers=0")
        seen["mended_s"] = seconds_until("end of the hang", lambda: state("gate", "recording"))
        wait_for("gap of the hang", lambda: len(gatehouse.ledger("gate")[1]) > before)
        seen["gaps"] = gatehouse.ledger("gate")[1]

        # The device that was missing is plugged in: it is another name of the same one.
        os.mknod("/dev/video9", 0o20660, Path("/dev/video2").stat().st_rdev)
        seen["back_s"] = seconds_until("return to the device", lambda: not camera("shed")["fallback"])

        Path("/dev/video1").unlink()
        control(unplugged(), "disconnect=1")
        seen["unplug_s"] = seconds_until("unplugged device that is noticed", lambda: state("yard", "reconnecting"))
        seen["unplug"] = camera("yard")
        time.sleep(2)
        seen["end"] = {name: camera(name) for name in CAMERAS}
        seen["exit"] = gatehouse.stop(20)
    shutil.copytree(data / "recordings", share / "recordings")
    (share / "seen.json").write_text(json.dumps(seen, indent=1))


def unplugged() -> str:
    """Return another name for the device whose own one is gone: what pulls the cable must still reach it."""
    number = Path("/sys/class/video4linux/video1/dev").read_text().strip().split(":")
    path = "/dev/behind-the-desk"
    os.mknod(path, 0o20660, os.makedev(int(number[0]), int(number[1])))
    return path


if __name__ == "__main__":
    main()

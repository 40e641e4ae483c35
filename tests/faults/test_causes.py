"""R9: faults of every kind, one after the other: recorded time and gaps are the time that went by, and causes right."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fault_rig import Finding, SetClock, require_mounting, small_disk, standing_still, tell
from films_on_disk import make_film
from gst_camera import served
from ports import free_port
from running import Running, command, us, wait_for

MJPEG = (
    "import time, mjpeg_camera as m\nwith m.mjpeg_camera() as c:\n print(c.url('/live'), flush=True)\n time.sleep(3600)"
)
TESTS = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=240)


@contextmanager
def jpeg_camera() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A camera that sends JPEGs over HTTP, in a process of its own, and its URL."""
    process = subprocess.Popen([sys.executable, "-c", MJPEG], cwd=TESTS, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def switch(gatehouse: Running, camera: str, *, on: bool) -> None:
    body = json.dumps({"enabled": on}).encode()
    url = f"{gatehouse.url}/api/v1/cameras/{camera}"
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method="PATCH")
    with urllib.request.urlopen(asked, timeout=20) as answer:
        assert answer.status == 200


def causes(gatehouse: Running, camera: str, since_us: int) -> dict[str, float]:
    """Seconds of closed gaps, by cause."""
    found: dict[str, float] = {}
    for start, end, cause in gatehouse.ledger(camera, since_us)[1]:
        found[cause] = found.get(cause, 0.0) + (end - start) / 1e6
    return found


def wait_for_gap(gatehouse: Running, camera: str, cause: str, since_us: int) -> float:
    return wait_for(f"gap {cause}", lambda: causes(gatehouse, camera, since_us).get(cause), 40)


def covered(gatehouse: Running, camera: str, start_us: int, end_us: int) -> tuple[float, dict[str, float]]:
    told = gatehouse.json(f"/api/v1/cameras/{camera}/coverage", **{"from": start_us / 1e6, "to": end_us / 1e6})
    return told["recorded_seconds"], told["gap_seconds"]


def keys(data: Path, camera: str) -> list[str]:
    """Stored chunks of a camera, the oldest first."""
    with sqlite3.connect(data / "gatehouse.db") as db:
        rows = db.execute("SELECT key FROM chunks WHERE camera = ? AND state = 'stored' ORDER BY start_us", (camera,))
        return [key for (key,) in rows]


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_each_gap_has_the_cause_that_it_had(tmp_path: Path, film: Path) -> None:
    require_mounting(tmp_path / "probe")
    clock, port = SetClock(tmp_path), free_port()
    right: dict[str, float] = {}
    more = clock.environment
    with small_disk(tmp_path / "disk", 256 << 20) as disk, jpeg_camera() as (sender, jpegs):
        data = disk.path / "data"
        cameras = ["--camera", f"net=rtsp://127.0.0.1:{port}/cam", "--camera", f"jpeg={jpegs}"]
        began = time.time_ns() // 1000
        with Running(data, *cameras, log=tmp_path / "log", **more) as gatehouse:
            with served(film, port):
                gatehouse.ready().recording("net", "jpeg")
                time.sleep(5)
            time.sleep(4)  # camera_offline
            with served(film, port):
                right["camera_offline"] = wait_for_gap(gatehouse, "net", "camera_offline", began)
                switch(gatehouse, "net", on=False)
                time.sleep(3)
                switch(gatehouse, "net", on=True)
                right["disabled"] = wait_for_gap(gatehouse, "net", "disabled", began)
                paused = time.time_ns() // 1000
                with standing_still(sender.pid):
                    time.sleep(2.5)
                right["dropped"] = wait_for_gap(gatehouse, "jpeg", "dropped", paused)
                time.sleep(2)
                killed = time.monotonic()
                gatehouse.kill()
                time.sleep(3)  # service_down
                with Running(data, *cameras, log=tmp_path / "log", **more) as again:
                    again.ready().recording("net", "jpeg")
                    down = time.monotonic() - killed
                    right["service_down"] = wait_for_gap(again, "jpeg", "service_down", began)
                    time.sleep(2)
                    other = disk.fill(leave=1 << 20)  # storage_full
                    wait_for("end of recording", lambda: again.camera("net")["cause"] == "storage_full", 60)
                    time.sleep(2)
                    other.unlink()
                    again.recording("net", "jpeg", timeout=60)
                    right["storage_full"] = wait_for_gap(again, "net", "storage_full", began)
                    time.sleep(4)
                    clock.set(30)  # clock_step
                    right["clock_step"] = wait_for_gap(again, "net", "clock_step", began)
                    time.sleep(5)
                    assert again.stop() == 0
        ended = time.time_ns() // 1000 + 30_000_000
        # What is stored: one chunk is damaged, one is deleted by hand, and one purged.
        stored = keys(data, "net")
        (data / stored[2]).write_bytes(b"\0" * 4096)
        (data / stored[3]).unlink()
        repaired = command("check", "--repair", "--data", str(data), **more)
        assert repaired.returncode == 0, repaired.stdout + repaired.stderr
        hours = {"GATEHOUSE_RETENTION__CONTINUOUS_HOURS": str((ended - began - 10_000_000) / 3.6e9)}
        purged = command("retention", "run", "--force", "--data", str(data), **more, **hours)
        assert purged.returncode == 0, purged.stdout + purged.stderr
        with served(film, port), Running(data, *cameras, log=tmp_path / "log", **more) as gatehouse:
            gatehouse.ready().recording("net", "jpeg")
            time.sleep(1)
            for cause, camera in {"corrupt": "net", "deleted": "net", "purged": "net"}.items():
                right[cause] = wait_for_gap(gatehouse, camera, cause, began)
            worst = 0.0
            for camera in ("net", "jpeg"):
                added = us(gatehouse.camera(camera)["created"])
                recorded, gaps = covered(gatehouse, camera, added, ended)
                worst = max(worst, abs(recorded + sum(gaps.values()) - (ended - added) / 1e6))
            assert gatehouse.stop() == 0
    seconds = ", ".join(f"{cause} {length:.1f} s" for cause, length in sorted(right.items()))
    figure = (
        f"causes right {len(right)}/{len(right)} ({seconds}); recorded + gaps differ from wall time by {worst:.3f} s"
    )
    tell(Finding("R9", "nine kinds of faults, one after the other", figure, "8/8 and +-1 s", worst <= 1.0))
    assert right["camera_offline"] == pytest.approx(4.5, abs=2.0)
    assert right["disabled"] == pytest.approx(3.0, abs=1.5)
    assert right["dropped"] == pytest.approx(2.5, abs=0.6)
    assert 3.0 <= right["service_down"] <= down + 1.0
    assert right["clock_step"] == pytest.approx(30.0, abs=1.5)
    assert worst <= 1.0

"""S1-17, R9: whatever keeps a camera from being recorded, ten seconds later everybody who asks is told."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from films_on_disk import make_film
from rtsp_kit import rtsp_camera
from running import Running, command

LATEST_S = 10.0
FAULT_AFTER_S = 8.0


def metric(gatehouse: Running, name: str, camera: str) -> float | None:
    text = gatehouse.get("/metrics").body.decode()
    found = re.search(rf'^gatehouse_recording_{name}{{camera="{camera}"}} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else None


@dataclass
class Told:
    """When each of those who tell of a camera said first that it is not recorded, seconds since 1970."""

    camera: str
    at: dict[str, float] = field(default_factory=dict)

    def look(self, gatehouse: Running) -> None:
        ready = {c["name"]: c["ok"] for c in gatehouse.json("/readyz")["checks"]}
        said = {
            "state": gatehouse.camera(self.camera)["state"] == "reconnecting",
            "readyz": not ready.get(f"camera {self.camera}", True),  # one that has just been added may not be there yet
            "active": metric(gatehouse, "active", self.camera) == 0,
            "alarm": metric(gatehouse, "alarm", self.camera) == 1,
        }
        for who, so in said.items():
            if so:
                self.at.setdefault(who, time.time())


@pytest.mark.slow
def test_each_fault_of_a_camera_is_told_within_ten_seconds(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Silent on an open connection, reports without pictures, gone with its server, and never there at all."""
    film = make_film(tmp_path / "film.mp4", seconds=60)
    mounts = {"well": film, "silent": film, "frozen": film}
    with (
        rtsp_camera(mounts) as network,
        rtsp_camera({"killed": film}) as other,
        socket.create_server(("127.0.0.1", 0)) as mute,
    ):
        urls = {
            "well": network.url("well"),
            "silent": network.url("silent", f"stall_after={FAULT_AFTER_S}"),
            "frozen": network.url("frozen", f"freeze_after={FAULT_AFTER_S}"),
            "killed": other.url("killed"),
        }
        options = [part for name, url in urls.items() for part in ("--camera", f"{name}={url}")]
        with Running(tmp_path / "data", *options, log=tmp_path / "log") as gatehouse:
            gatehouse.ready().recording(*urls)
            faults = {name: network.plays[name][0] + FAULT_AFTER_S for name in ("silent", "frozen")}
            time.sleep(max(0.0, max(faults.values()) - 2 - time.time()))
            assert gatehouse.camera("silent")["state"] == "recording"
            other.kill()
            faults["killed"] = time.time()
            # Listens, and never answers.
            url = f"rtsp://127.0.0.1:{mute.getsockname()[1]}/cam"
            assert command("camera", "add", "mute", url, "--data", str(tmp_path / "data")).returncode == 0
            faults["mute"] = time.time()
            told = [Told(camera) for camera in faults]
            while any(len(one.at) < 4 for one in told) and time.time() < max(faults.values()) + 2 * LATEST_S:
                for one in told:
                    one.look(gatehouse)
                time.sleep(0.1)
            late = {one.camera: {who: round(at - faults[one.camera], 2) for who, at in one.at.items()} for one in told}
            record_property("told_after_s", late)
            assert all(len(found) == 4 and 0 <= max(found.values()) < LATEST_S for found in late.values()), late
            assert gatehouse.camera("well")["state"] == "recording"
            assert metric(gatehouse, "alarm", "well") == 0
            assert_counted(gatehouse)


def counted(gatehouse: Running, camera: str) -> tuple[float, float]:
    """Return the seconds in which a camera should have been recorded, and those that were."""
    expected, recorded = (metric(gatehouse, f"{name}_seconds_total", camera) for name in ("expected", "recorded"))
    assert expected is not None
    assert recorded is not None
    return expected, recorded


def assert_counted(gatehouse: Running) -> None:
    """Recorded by expected is the coverage: all of the healthy camera, nothing of the others, as time goes on."""
    first = {camera: counted(gatehouse, camera) for camera in ("well", "killed")}
    time.sleep(4)
    for camera, (expected, recorded) in first.items():
        expected_now, recorded_now = counted(gatehouse, camera)
        assert 3 <= expected_now - expected <= 6
        if camera == "well":
            assert abs(recorded_now - recorded - (expected_now - expected)) < 1.2, "but for a part and a look"
        else:
            assert recorded_now == recorded

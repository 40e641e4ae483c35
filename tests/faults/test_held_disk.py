"""R3: a small disk on which everything is on hold: who is recorded is a matter of priority, and it is said aloud."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from fault_rig import Finding, require_mounting, small_disk, tell
from noisy_film import make_noisy_film
from rtsp_kit import rtsp_camera
from running import Running, us, wait_for

SIZE = 96 << 20
RATE = 1_200_000
CAMERAS = ("gate", "yard")
IMPORTANT, OTHER = "yard", "gate"
"""Without priorities it would be the other way round: among equals the last by name stops first."""


def send(gatehouse: Running, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(
        gatehouse.url + path, data, {"Content-Type": "application/json"} if body else {}, method=method
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def first_out_of_room(gatehouse: Running, camera: str) -> float:
    """Return when a camera stopped for want of room, by the ledger: seconds since 1970."""
    spans = gatehouse.json(f"/api/v1/cameras/{camera}/coverage")["spans"]
    return min(us(span["from"]) for span in spans if span["cause"] == "storage_full") / 1e6


def out_of_room(gatehouse: Running, camera: str) -> bool:
    found = gatehouse.camera(camera)
    return (found["state"], found["cause"]) == ("reconnecting", "storage_full")


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_less_important_camera_stops_first_and_both_come_back_when_room_is_made(tmp_path: Path) -> None:
    """S1-17: nothing that is held goes, no write fails, and nobody has to do anything but let go of the holds."""
    require_mounting(tmp_path / "probe")
    film = make_noisy_film(tmp_path / "film.mp4", 30, RATE)
    with small_disk(tmp_path / "disk", SIZE) as disk, rtsp_camera(dict.fromkeys(CAMERAS, film)) as network:
        arguments = [part for name in CAMERAS for part in ("--camera", f"{name}={network.url(name)}")]
        with Running(disk.path / "data", *arguments, log=tmp_path / "log") as gatehouse:
            gatehouse.ready().recording(*CAMERAS)
            send(gatehouse, "PATCH", f"/api/v1/cameras/{IMPORTANT}", {"settings": {"priority": 5}})
            began = time.time()
            span = {"from": f"{began - 600:.3f}", "to": f"{began + 86_400:.3f}", "reason": "fault test"}
            holds = [send(gatehouse, "POST", "/api/v1/holds", {"camera": name, **span}) for name in CAMERAS]
            time.sleep(1)
            disk.fill(leave=24 << 20)
            wait_for("the end of both", lambda: all(out_of_room(gatehouse, camera) for camera in CAMERAS), 60)
            checks = {c["name"]: c for c in json.loads(gatehouse.get("/readyz").body)["checks"]}
            assert not any(checks[f"camera {camera}"]["ok"] for camera in CAMERAS)
            time.sleep(3)
            purged = [gap for camera in CAMERAS for gap in gatehouse.ledger(camera)[1] if gap[2] == "purged"]
            assert purged == [], "held"
            free = disk.free
            for hold in holds:
                send(gatehouse, "DELETE", f"/api/v1/holds/{hold['id']}")
            released = time.monotonic()
            gatehouse.recording(*CAMERAS, timeout=30)
            back_s = time.monotonic() - released
            text = gatehouse.get("/metrics").body.decode()
            errors = re.findall(r"^gatehouse_storage_write_errors_total\S* (\S+)$", text, re.MULTILINE)
            for camera in CAMERAS:
                found = gatehouse.json(f"/api/v1/cameras/{camera}/coverage")
                assert set(found["gap_seconds"]) <= {"storage_full", "service_down", "purged"}
                assert found["gap_seconds"]["storage_full"] > 3
                assert found["unexplained_seconds"] == 0
            longer = first_out_of_room(gatehouse, IMPORTANT) - first_out_of_room(gatehouse, OTHER)
            assert gatehouse.stop() == 0
    failed = sum(map(float, errors))
    figure = (
        f"{failed:.0f} write errors, the important camera was recorded for {longer:.1f} s longer, {free >> 20} MiB "
        f"were left, both back {back_s:.1f} s after the holds were let go of"
    )
    wanted = "0 write errors, 0 held bytes deleted, lowest priority first, recovers alone"
    tell(Finding("R3", f"{SIZE >> 20} MB full of what is held", figure, wanted, failed == 0 and longer > 0))
    assert failed == 0
    assert longer > 0

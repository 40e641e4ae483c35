"""R3: a disk of 200 MB at ten times the usual bit rate, then filled from outside; black box, on a real file system."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fault_rig import FULL, Finding, SmallDisk, require_mounting, small_disk, tell
from films_on_disk import make_noise
from running import Running, command, decode, wait_for

SIZE = 200 << 20
LASTS_S = 600 if FULL else 45
FILLED_S = 60 if FULL else 20
FPS = 25
RATE = 40_000_000


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten times what a camera of 1080p usually sends."""
    path = make_noise(tmp_path_factory.mktemp("film") / "noise.mp4", seconds=4, fps=FPS, rate=RATE)
    assert path.stat().st_size * 8 / 4 > 0.7 * RATE
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    require_mounting(tmp_path / "probe")
    with small_disk(tmp_path / "disk", SIZE) as made:
        yield made


def metric(gatehouse: Running, name: str, **labels: str) -> float:
    """The sum of a metric over all its labels but those that are named."""
    text = gatehouse.get("/metrics").body.decode()
    total = 0.0
    for found, value in re.findall(rf"^{name}(\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE):
        if all(f'{k}="{v}"' in found for k, v in labels.items()):
            total += float(value)
    return total


def post(gatehouse: Running, path: str, body: dict[str, Any]) -> Any:
    data = json.dumps(body).encode()
    asked = urllib.request.Request(gatehouse.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return json.loads(answer.read())


def seconds(spans: list[tuple[int, ...]], since_us: int) -> float:
    return sum(max(0, span[1] - max(span[0], since_us)) for span in spans) / 1e6


def held_footage(gatehouse: Running, start_us: int, end_us: int) -> bytes:
    answer = gatehouse.get("/api/v1/footage", camera="noise", **{"from": start_us / 1e6, "to": end_us / 1e6})
    assert answer.status == 200, answer.body[:300]
    return answer.body


@pytest.mark.slow
@pytest.mark.timeout(300 + 2 * (LASTS_S + FILLED_S))
def test_a_small_disk_is_recorded_to_for_ever_and_what_is_held_stays(
    tmp_path: Path, disk: SmallDisk, film: Path
) -> None:
    data = disk.path / "data"
    more = {"GATEHOUSE_RECORDING__CHUNK_SECONDS": "600", "GATEHOUSE_RETENTION__LOOK_SECONDS": "1"}
    with Running(data, "--camera", f"noise=file://{film}?loop=1", log=tmp_path / "log", **more) as gatehouse:
        gatehouse.ready().recording("noise")
        began_us = time.time_ns() // 1000
        time.sleep(8)
        held = began_us + 2_000_000, began_us + 5_000_000
        span = {"from": f"{held[0] / 1e6:.6f}", "to": f"{held[1] / 1e6:.6f}"}
        post(gatehouse, "/api/v1/holds", {"camera": "noise", "reason": "fault test", **span})
        before = held_footage(gatehouse, *held)
        lowest = SIZE
        while time.time_ns() // 1000 < began_us + LASTS_S * 1_000_000:
            lowest = min(lowest, disk.free)
            time.sleep(0.25)
        until_us = time.time_ns() // 1000
        errors = metric(gatehouse, "gatehouse_storage_write_errors_total")
        deleted = metric(gatehouse, "gatehouse_retention_deleted_bytes_total", reason="emergency")
        _, gaps = gatehouse.ledger("noise", began_us)
        lost = seconds([g for g in gaps if g[2] not in {"purged", "disabled"} and g[0] < until_us], began_us)
        written = metric(gatehouse, "gatehouse_capture_bytes_total")
        assert written > 2 * SIZE or not FULL
        assert deleted > 0
        assert (errors, lost) == (0, 0), gaps
        # Somebody else fills the disk.
        other = disk.fill(leave=3 << 20)
        filled = time.monotonic()
        wait_for("alert", lambda: gatehouse.get("/readyz").status == 503, 60)
        alerted = time.monotonic() - filled
        time.sleep(FILLED_S)
        told = gatehouse.get("/readyz").body.decode()
        errors = metric(gatehouse, "gatehouse_storage_write_errors_total")
        assert held_footage(gatehouse, *held) == before
        other.unlink()
        emptied = time.monotonic()
        gatehouse.recording("noise", timeout=60)
        wait_for("good health", lambda: gatehouse.get("/readyz").status == 200, 60)
        recovered = time.monotonic() - emptied
        assert held_footage(gatehouse, *held) == before
        assert decode(before) > 2 * FPS
        assert gatehouse.stop() == 0
    checked = command("check", "--json", "--data", str(data), timeout=120)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    what = f"{SIZE >> 20} MB, {written / 1e6 / LASTS_S * 8:.0f} Mbit/s for {LASTS_S} s, then filled from outside"
    figure = (
        f"{errors:.0f} write errors, {lost:.1f} s lost while only Gatehouse wrote, held bytes deleted 0, least room "
        f"{lowest >> 20} MiB; alert after {alerted:.1f} s, well again {recovered:.1f} s after the disk was"
    )
    tell(Finding("R3", what, figure, "0 write errors, 0 held bytes deleted, alert < 60 s, recovers alone", errors == 0))
    assert errors == 0, told

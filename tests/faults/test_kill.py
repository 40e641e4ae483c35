"""``kill -9`` at random moments, over and over; GATEHOUSE_TEST_KILLS says how often (`make kills`: 50)."""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fault_rig import Finding, tell
from films_on_disk import make_film
from rtsp_kit import CameraProcess, rtsp_camera
from running import Running, command, decode, leftovers, recordings, wait_for

KILLS = int(os.environ.get("GATEHOUSE_TEST_KILLS", "6"))
OPEN_PART_US = 500_000
UNWRITTEN_US = 250_000
"""What was on its way when the process died: a frame held back, one being encoded, and a busy machine."""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Ten seconds of H.264 with B-frames."""
    return make_film(tmp_path / "film.mp4", seconds=10)


@pytest.fixture
def network(film: Path) -> Iterator[CameraProcess]:
    """The same film from a camera that speaks RTSP."""
    with rtsp_camera({"gate": film}) as camera:
        yield camera


@pytest.mark.slow
@pytest.mark.timeout(120 + 15 * KILLS)
def test_killed_at_random_moments(
    tmp_path: Path, film: Path, network: CameraProcess, record_property: Callable[[str, object], None]
) -> None:
    """S2-43: every file decodes, a camera loses its open part at most, the ledger tells why, index = files."""
    chance = random.Random(2043)
    data, log = tmp_path / "data", tmp_path / "log"
    cameras = {
        "street": "synthetic:?size=320x240&fps=30",
        "film": f"file://{film}?loop=1",
        "gate": network.url("gate"),
    }
    arguments = [a for camera, url in cameras.items() for a in ("--camera", f"{camera}={url}")]
    began = time.time_ns() // 1000
    killed: list[int] = []
    for number in range(KILLS):
        life = time.time_ns() // 1000
        with Running(data, *arguments, log=log) as gatehouse:
            if number % 5 == 4:  # while it starts and recovers what the last one left
                time.sleep(chance.uniform(0.0, 2.0))
                gatehouse.kill()
                continue
            gatehouse.ready()
            wait_for("footage of all", lambda since=life: all(gatehouse.ledger(c, since)[0] for c in cameras))
            time.sleep(chance.uniform(0.0, 4.0))
            killed.append(time.time_ns() // 1000)
            gatehouse.kill()
    with Running(data, *arguments, log=log) as gatehouse:
        gatehouse.ready().recording(*cameras)
        # The spool is empty but for what is being recorded, and the ledger has the run that goes on.
        wait_for("publishing of what was recovered", lambda: len(leftovers(data)) <= len(cameras))
        time.sleep(1.0)
        ledgers = {camera: gatehouse.ledger(camera, began) for camera in cameras}
        assert gatehouse.stop() == 0
    worst = {camera: worst_loss(killed, *ledgers[camera]) for camera in cameras}
    most = ", ".join(f"{camera} {lost / 1e6:.3f} s" for camera, lost in worst.items())
    record_property("lost at most", most)
    lost = max(worst.values())
    for camera, (recorded, gaps) in ledgers.items():
        assert worst[camera] <= OPEN_PART_US + UNWRITTEN_US, camera
        assert_tiled(recorded, gaps)
        assert {cause for _, _, cause in gaps} == {"service_down"}
    for file in recordings(data):
        assert decode(file) > 0, file
    assert leftovers(data) == []
    checked = command("check", "--json", "--data", str(data))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads(checked.stdout)["problems"] == []
    assert json.loads(checked.stdout)["chunks"] == len(recordings(data))
    verified = command("verify", "--json", "--data", str(data))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["chunks"] == len(recordings(data))
    what = (
        f"{KILLS} kills of the whole process at random moments, {len(killed)} of them while three cameras were recorded"
    )
    files = len(recordings(data))
    figure = f"lost at most: {most}; 0 disagreements; {files} of {files} files play, every byte as its digest says"
    tell(
        Finding("R1", what, figure, "the open part (0.5 s) each, 0 disagreements", lost <= OPEN_PART_US + UNWRITTEN_US)
    )


def worst_loss(killed: list[int], recorded: list[tuple[int, int]], gaps: list[tuple[int, int, str]]) -> int:
    """How much was lost before a kill; at each kill there is a gap, and what ended before it is what was kept."""
    worst = 0
    for at in killed:
        assert any(start <= at < end for start, end, _ in gaps), f"no gap at the kill {at}: {gaps}"
        worst = max(worst, at - max(end for start, end in recorded if start < at))
    return worst


def assert_tiled(recorded: list[tuple[int, int]], gaps: list[tuple[int, int, str]]) -> None:
    """Every instant is either recorded or in the ledger, and none is both."""
    spans = sorted([*recorded, *((start, end) for start, end, _ in gaps)])
    for (_, end), (start, _) in itertools.pairwise(spans):
        assert abs(start - end) <= 60_000, (start - end, spans)

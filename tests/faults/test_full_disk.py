"""Not one byte is free, of a disk that the index is on, too: old footage is given for new, by itself; black box."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fault_rig import Finding, SmallDisk, require_mounting, small_disk, tell
from films_on_disk import make_noise
from running import Running, wait_for

SIZE = 240 << 20
COMES_BACK_S = 60
LATER_US = 2_000_000
"""What is recorded by then was not in a buffer when the disk was filled."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    require_mounting(tmp_path / "probe")
    with small_disk(tmp_path / "disk", SIZE) as made:
        yield made


def stored(data: Path) -> int:
    """Bytes of recordings."""
    return sum(path.stat().st_size for path in data.rglob("recording_*.mp4"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_disk_without_a_byte_is_recorded_to_again_running_or_started_anew(tmp_path: Path, disk: SmallDisk) -> None:
    """R3, S1-17: what fills the disk stays; nobody deletes anything by hand."""
    film = make_noise(tmp_path / "film.mp4", seconds=4, fps=25, rate=40_000_000)
    data = disk.path / "data"
    cameras = ("--camera", f"gate=file://{film}?loop=1")
    more = {"GATEHOUSE_RECORDING__CHUNK_SECONDS": "4", "GATEHOUSE_RETENTION__LOOK_SECONDS": "1"}
    with Running(data, *cameras, log=tmp_path / "log", **more) as gatehouse:
        gatehouse.ready().recording("gate")
        wait_for("something to give", lambda: stored(data) > 70 << 20, 90)
        disk.fill(leave=0)
        filled_us = time.time_ns() // 1000
        went_on = wait_for(
            "recording, running", lambda: gatehouse.ledger("gate", filled_us + LATER_US)[0], COMES_BACK_S
        )
        running = max(0, went_on[0][0] - filled_us)
        wait_for("room", lambda: gatehouse.get("/readyz").status == 200, COMES_BACK_S)
        time.sleep(2)
        gatehouse.kill()
    disk.fill(leave=0)
    assert disk.free < 64 << 10
    began_us = time.time_ns() // 1000
    with Running(data, *cameras, log=tmp_path / "log", **more) as gatehouse:
        gatehouse.ready()
        wait_for("recording, started anew", lambda: gatehouse.ledger("gate", began_us)[0], COMES_BACK_S)
        started = time.time_ns() // 1000 - began_us
        assert gatehouse.stop() == 0
    tell(
        Finding(
            "R3",
            "0 bytes free on the disk of footage and index, filled from outside, which stays; then a start on 0 bytes",
            f"recorded again after {running / 1e6:.1f} s, and {started / 1e6:.1f} s after the start",
            f"recovers alone, within {COMES_BACK_S} s",
            met=True,
        )
    )

"""R4: the clock of the machine is set an hour forth and back while a camera is recorded; black box, real RTSP."""

from __future__ import annotations

import sqlite3
import time
from itertools import pairwise
from pathlib import Path

import pytest

from fault_rig import FULL, Finding, SetClock, tell
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from rtsp_kit import rtsp_camera
from running import Running, command, recordings, wait_for

FPS = 10
TURNS = 3 if FULL else 1
SETTLED_S = 12.0
HOUR_US = 3_600_000_000


def runs(data: Path) -> int:
    with sqlite3.connect(data / "gatehouse.db") as index:
        return int(index.execute("SELECT count(*) FROM runs").fetchone()[0])


def spans(data: Path) -> list[tuple[int, int]]:
    with sqlite3.connect(data / "gatehouse.db") as index:
        return sorted(index.execute("SELECT start_us, end_us FROM chunks"))


@pytest.mark.slow
@pytest.mark.timeout(120 + 120 * TURNS)
def test_a_clock_that_is_set_costs_no_frame_and_no_instant_twice(tmp_path: Path) -> None:
    spec = FilmSpec(frames=600 * FPS, fps=FPS, gop=FPS, width=160, height=96)
    film = make_film(tmp_path / "film.mp4", spec)
    clock, data, log = SetClock(tmp_path), tmp_path / "data", tmp_path / "log"
    with rtsp_camera({"gate": film}) as network:
        with Running(data, "--camera", f"gate={network.url('gate')}", log=log, **clock.environment) as gatehouse:
            gatehouse.ready().recording("gate")
            began_us = time.time_ns() // 1000
            for _ in range(TURNS):
                for shown_s in (3600, 0):
                    time.sleep(SETTLED_S)
                    before = runs(data)
                    clock.set(shown_s)
                    wait_for("a new run", lambda before=before: runs(data) > before, 30)
            time.sleep(3)
            assert gatehouse.stop() == 0
        connections = len(network.plays["gate"])
    numbers = sorted(n for path in recordings(data) for n, _ in frame_numbers(path))
    lost = sum(b - a - 1 for a, b in pairwise(numbers) if b > a + 1) + numbers[0]
    twice = len(numbers) - len(set(numbers))
    overlaps = sum(max(0, a - b) for (_, a), (b, _) in pairwise(spans(data))) / 1e6
    figure = f"{len(numbers)} frames, {lost} lost, {twice} twice; overlaps {overlaps:.3f} s"
    met = (lost, twice) == (0, 0) and overlaps < 0.001
    tell(Finding("R4", f"clock set 1 h forth and back, {TURNS} times", figure, "0 frames lost, 0 overlaps", met))
    assert met, figure
    assert connections == 1, "no new connection was needed"
    assert len(numbers) > 2 * TURNS * SETTLED_S * FPS
    shown = command("coverage", "gate", "--json", "--data", str(data), **clock.environment)
    assert shown.returncode == 0, shown.stderr
    # Dated by what the clock showed: the first frames now, those of the second while an hour later.
    early, late = spans(data)[0], spans(data)[-1]
    assert abs(early[0] - began_us) < 15_000_000
    assert abs(late[1] - began_us - HOUR_US) < 120_000_000 * TURNS

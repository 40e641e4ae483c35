"""R4: the clock of the machine is set an hour forth and back while a camera is recorded; black box, real RTSP."""

from __future__ import annotations

import re
import sqlite3
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fault_rig import FULL, Finding, SetClock, tell
from gatehouse_common.testing.film import FilmSpec, frame_numbers, make_film
from ports import free_port
from rtsp_kit import rtsp_camera
from running import Running, command, recordings, us, wait_for

FPS = 10
TURNS = 3 if FULL else 1
SETTLED_S = 12.0
LATEST_S = 10.0
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
    done = f"clock set 1 h forth and back, {TURNS} times, and not come by there again yet"
    tell(Finding("R4", done, figure, "0 frames lost, 0 overlaps", met))
    assert met, figure
    assert connections == 1, "no new connection was needed"
    assert len(numbers) > 2 * TURNS * SETTLED_S * FPS
    shown = command("coverage", "gate", "--json", "--data", str(data), **clock.environment)
    assert shown.returncode == 0, shown.stderr
    # Dated by what the clock showed: the first frames now, those of the second while an hour later.
    early, late = spans(data)[0], spans(data)[-1]
    assert abs(early[0] - began_us) < 15_000_000
    assert abs(late[1] - began_us - HOUR_US) < 120_000_000 * TURNS


def new_run(gatehouse: Running, clock: SetClock, shown_s: float) -> None:
    """Set the clock while it is recorded, and wait until that has been seen."""
    before = runs(gatehouse.data)
    clock.set(shown_s)
    wait_for("a new run", lambda: runs(gatehouse.data) > before, 30)


def dated_twice_s(chunks: list[tuple[int, int]]) -> float:
    """Return how much of what is recorded is dated as something else is, in seconds; chunks are by start."""
    found, reached = 0, 0
    for start, end in chunks:
        found += max(0, min(end, reached) - start)
        reached = max(reached, end)
    return found / 1e6


def alarm(gatehouse: Running) -> float:
    found = re.search(r"^gatehouse_recording_alarm\{.*} (\S+)$", gatehouse.get("/metrics").body.decode(), re.MULTILINE)
    assert found is not None
    return float(found[1])


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_clock_that_is_set_back_from_the_right_time_loses_nothing_and_hides_nothing(tmp_path: Path) -> None:
    """R4: what is recorded while the clock shows again what it has shown is dated again, and all of it is given back.

    The hour until then is left out: the clock is set forth to where it would be.
    """
    spec = FilmSpec(frames=600 * FPS, fps=FPS, gop=FPS, width=160, height=96)
    film = make_film(tmp_path / "film.mp4", spec)
    clock, data, log, port = SetClock(tmp_path), tmp_path / "data", tmp_path / "log", free_port()
    with Running(data, "--camera", f"gate=rtsp://127.0.0.1:{port}/gate", log=log, **clock.environment) as gatehouse:
        with rtsp_camera({"gate": film}, port) as network:
            gatehouse.ready().recording("gate")
            right = time.time()
            time.sleep(2 * SETTLED_S)
            new_run(gatehouse, clock, -3600)
            time.sleep(SETTLED_S)
            assert gatehouse.camera("gate")["state"] == "recording"
            assert alarm(gatehouse) == 0
            new_run(gatehouse, clock, right - time.time())  # an hour later it shows this again
            time.sleep(SETTLED_S)
            connections = len(network.plays["gate"])
        # Unplugged, while the clock shows less than it did: that is told now, not when it has caught up.
        began = time.monotonic()
        wait_for("being told", lambda: gatehouse.camera("gate")["state"] == "reconnecting" and alarm(gatehouse), 30)
        told_s = time.monotonic() - began
        whole = sorted(n for path in recordings(data) for n, _ in frame_numbers(path))
        with rtsp_camera({"gate": film}, port):
            gatehouse.recording("gate")
            wait_for("the end of the alarm", lambda: alarm(gatehouse) == 0)
            cut = {"camera": "gate", "from": right + 2, "to": right + SETTLED_S - 2, "gaps": "skip"}
            shown = [n for n, _ in frame_numbers(gatehouse.get("/api/v1/footage", **cut).body)]
            new_run(gatehouse, clock, 0)
            ledger = gatehouse.json("/api/v1/cameras/gate/coverage")
            assert gatehouse.stop() == 0
    lost = sum(b - a - 1 for a, b in pairwise(whole) if b > a + 1) + whole[0]
    twice = len(whole) - len(set(whole))
    overlap_s = dated_twice_s(spans(data))
    figure = (
        f"{len(whole)} frames, {lost} lost, {twice} twice; overlaps {overlap_s:.1f} s, as the clock showed them twice, "
        f"a cut gives both; unplugged: told after {told_s:.1f} s"
    )
    jumps = [(a, b) for a, b in pairwise(shown) if b != a + 1]
    met = (lost, twice, len(jumps)) == (0, 0, 1) and told_s < LATEST_S
    wanted = "0 frames lost, both runs in a cut, an instant counted once, states right"
    tell(Finding("R4", "clock set back 1 h from the right time", figure, wanted, met))
    assert met, (figure, jumps, len(shown))
    assert connections == 1
    assert overlap_s > SETTLED_S / 2, "as it was meant to be"
    assert len(shown) > (SETTLED_S - 4 + 2) * FPS, "more than one run of that span has"
    assert_counted_once(ledger, right)


def assert_counted_once(ledger: dict[str, Any], right: float) -> None:
    """Recorded and gaps are the wall time, one after the other, and what is dated twice is recorded once."""
    assert all(a["to"] == b["from"] for a, b in pairwise(ledger["spans"]))
    assert abs(ledger["recorded_seconds"] + sum(ledger["gap_seconds"].values()) - ledger["length_seconds"]) < 0.001
    assert abs(ledger["length_seconds"] - (us(ledger["to"]) - us(ledger["from"])) / 1e6) < 0.001
    recorded = [(us(s["from"]) / 1e6, us(s["to"]) / 1e6) for s in ledger["spans"] if s["cause"] is None]
    assert any(a <= right + 1 and b >= right + 2 * SETTLED_S - 1 for a, b in recorded), "one span, and no gap in it"

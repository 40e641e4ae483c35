"""A camera goes away and comes back."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from films_on_disk import make_film
from gst_camera import served
from ports import free_port
from running import Running, command, decode, us, wait_for


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=120)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_camera_is_away_for_twenty_seconds(tmp_path: Path, film: Path) -> None:
    """S1-5, S1-13: one gap of 20 s +-1 s, camera_offline; footage across it is one file that names the gap."""
    port = free_port()
    began = time.time_ns() // 1000
    with Running(
        tmp_path / "data", "--camera", f"gate=rtsp://user:secret-word@127.0.0.1:{port}/cam", log=tmp_path / "log"
    ) as gatehouse:
        with served(film, port):
            gatehouse.ready().recording("gate")
            wait_for("recorded seconds", lambda: _recorded(gatehouse, began) > 6_000_000)
            stopped = time.time_ns() // 1000
        time.sleep(max(0.0, 19.7 - (time.time_ns() // 1000 - stopped) / 1e6))
        with served(film, port):
            away = time.time_ns() // 1000 - stopped
            gatehouse.recording("gate")
            wait_for("the gap's end", lambda: len(_offline(gatehouse, began)) == 1)
            wait_for("recorded seconds", lambda: _recorded(gatehouse, began) > 12_000_000)
            ((start, end),) = _offline(gatehouse, began)
            assert abs(end - start - away) <= 1_000_000, (end - start, away)
            answer = gatehouse.get("/api/v1/footage", camera="gate", **{"from": start / 1e6 - 2, "to": end / 1e6 + 2})
            assert answer.status == 200
            ((gap_from, gap_to),) = json.loads(answer.headers["X-Footage-Gaps"])
            assert abs(us(gap_from) - start) < 100_000
            assert abs(us(gap_to) - end) < 100_000
            assert abs(decode(answer.body) - 100) <= 3  # two seconds before and two after, 25 pictures each
        assert gatehouse.stop() == 0
        assert "secret-word" not in gatehouse.said()


def _recorded(gatehouse: Running, since: int) -> int:
    recorded, _ = gatehouse.ledger("gate", since)
    return sum(end - start for start, end in recorded)


def _offline(gatehouse: Running, since: int) -> list[tuple[int, int]]:
    _, gaps = gatehouse.ledger("gate", since)
    return [(start, end) for start, end, cause in gaps if cause == "camera_offline"]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_an_outage_stays_one_when_the_camera_is_switched_off_in_it(tmp_path: Path, film: Path) -> None:
    """R9: what came before the switch was not wanted by anybody; that nobody records it later does not change it."""
    port = free_port()
    with Running(tmp_path / "data", "--camera", f"gate=rtsp://127.0.0.1:{port}/cam", log=tmp_path / "log") as gatehouse:
        with served(film, port):
            gatehouse.ready().recording("gate")
            wait_for("recorded seconds", lambda: _recorded(gatehouse, 0) > 2_000_000)
        stopped = time.monotonic()
        wait_for("an outage", lambda: gatehouse.camera("gate")["cause"] == "camera_offline")
        time.sleep(max(0.0, 5 - (time.monotonic() - stopped)))
        assert command("camera", "disable", "gate", "--data", str(tmp_path / "data")).returncode == 0
        time.sleep(4)
        gaps = gatehouse.json("/api/v1/cameras/gate/coverage")["gap_seconds"]
        assert gaps["camera_offline"] >= 4.5
        assert 1.0 <= gaps["disabled"] <= 6.0
        assert gatehouse.stop() == 0

"""A disk that does not answer: the file system is frozen for a while, so that no write fails and none returns."""

from __future__ import annotations

import json
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest

from fault_rig import Finding, freezable_disk, frozen, require_mounting, tell
from films_on_disk import make_film
from rtsp_kit import rtsp_camera
from running import Running, us, wait_for

SIZE = 256 << 20
LATEST_S = 10.0
FROZEN_S = 20.0


def told(gatehouse: Running) -> dict[str, bool]:
    """Who says that the camera is not recorded."""
    text = gatehouse.get("/metrics").body.decode()
    shown = {
        name: re.search(rf"^gatehouse_recording_{name}{{.*}} (\S+)$", text, re.MULTILINE)
        for name in ("alarm", "active")
    }
    # Unready is right too: services that wait for the index say nothing.
    answer = gatehouse.get("/readyz")
    assert b"checks" in answer.body, answer
    checks = {c["name"]: c["ok"] for c in json.loads(answer.body)["checks"]}
    return {
        "alarm": bool(shown["alarm"] and float(shown["alarm"][1]) == 1),
        "active": bool(shown["active"] and float(shown["active"][1]) == 0),
        "readyz": not checks["camera gate"],
    }


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_disk_that_does_not_answer_is_told_within_ten_seconds_and_recording_goes_on_by_itself(tmp_path: Path) -> None:
    """S1-17, S0-37: footage, messages and the index are on it."""
    require_mounting(tmp_path / "probe")
    film = make_film(tmp_path / "film.mp4", seconds=120)
    data, log = tmp_path / "disk" / "data", tmp_path / "log"
    with (
        freezable_disk(tmp_path / "disk", SIZE) as disk,
        rtsp_camera({"gate": film}) as network,
        Running(data, "--camera", f"gate={network.url('gate')}", log=log) as gatehouse,
    ):
        gatehouse.ready().recording("gate")
        time.sleep(5)
        assert not any(told(gatehouse).values())
        at: dict[str, float] = {}
        with frozen(disk):
            began = time.monotonic()
            while time.monotonic() - began < FROZEN_S:
                for who, so in told(gatehouse).items():
                    if so:
                        at.setdefault(who, time.monotonic() - began)
                time.sleep(0.2)
        thawed = time.monotonic()
        wait_for("recording", lambda: not any(told(gatehouse).values()), 30)
        back_s = time.monotonic() - thawed
        gatehouse.recording("gate")
        time.sleep(4)
        ledger = gatehouse.json("/api/v1/cameras/gate/coverage")
        assert gatehouse.stop() == 0
    met = len(at) == 3 and max(at.values()) < LATEST_S
    said = ", ".join(f"{who} after {seconds:.1f} s" for who, seconds in sorted(at.items()))
    figure = f"told by {said or 'nobody'}; recorded again {back_s:.1f} s after it answered"
    tell(Finding("R3", f"a disk that does not answer for {FROZEN_S:.0f} s", figure, "told within 10 s", met))
    assert met, figure
    gaps = {cause: seconds for cause, seconds in ledger["gap_seconds"].items() if cause != "service_down"}
    assert set(gaps) == {"storage_full"}, ledger
    assert FROZEN_S - 2 < gaps["storage_full"] < FROZEN_S + 10
    assert ledger["unexplained_seconds"] == 0
    assert all(us(a["to"]) == us(b["from"]) for a, b in pairwise(ledger["spans"]))

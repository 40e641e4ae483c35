"""A check of a Gatehouse that is recording: chunks come and go, and none of that is a problem."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from running import Running, command, recordings, wait_for


def ask(gatehouse: Running, body: dict[str, bool]) -> dict[str, Any]:
    asked = urllib.request.Request(
        f"{gatehouse.url}/api/v1/maintenance/consistency-check",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.status == 202
        path = answer.headers["Location"]

    def ended() -> dict[str, Any] | None:
        job = gatehouse.json(path)
        return job if job["state"] in {"done", "failed"} else None

    return wait_for("the job", ended, 60)


@pytest.mark.timeout(180)
def test_nothing_is_found_and_nothing_touched_while_cameras_are_recorded(tmp_path: Path) -> None:
    """S2-44, R5: with repair, over and over, with a chunk of each camera every second."""
    data = tmp_path / "data"
    cameras = [f"--camera=c{n}=synthetic:?size=160x96&fps=15" for n in range(4)]
    with Running(data, *cameras, log=tmp_path / "log", GATEHOUSE_RECORDING__CHUNK_SECONDS="1") as gatehouse:
        gatehouse.ready().recording("c0", "c1", "c2", "c3")
        wait_for("some chunks", lambda: len(recordings(data)) > 12)
        for _ in range(8):
            job = ask(gatehouse, {"repair": True})
            assert (job["state"], job["result"]["counts"]) == ("done", {}), job
            assert job["result"]["chunks"] > 12
            time.sleep(0.3)
        # The command may look, too; it finds what somebody deletes, and a running Gatehouse mends it.
        gone = recordings(data)[2]
        gone.unlink()
        looked = command("check", "--json", "--data", str(data))
        assert (looked.returncode, json.loads(looked.stdout)["counts"]) == (1, {"missing": 1})
        mended = ask(gatehouse, {"repair": True})
        assert (mended["result"]["counts"], mended["result"]["mended"]) == ({"missing": 1}, 1)
        assert ask(gatehouse, {})["result"]["counts"] == {}
        checks = {c["name"]: c for c in gatehouse.json("/readyz")["checks"]}
        assert checks.get("consistency", {"ok": True})["ok"]
        assert gatehouse.stop() == 0
    assert not (data / "quarantine").exists()
    assert command("check", "--data", str(data)).returncode == 0

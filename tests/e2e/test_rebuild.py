"""`gatehouse index rebuild`: the index from files alone is the index that was there."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from films_on_disk import make_film
from running import Running, command, recordings, wait_for

NOT_IN_FILES = {
    # How often a camera states that it sends pictures, and where its worker was.
    "runs": {"fps", "spool_url"},
    # When a chunk was stored; the file's own time is about that.
    "chunks": {"stored_us"},
    "chunk_index": set[str](),
    # Which number a row has.
    "gaps": {"id", "detail"},
}
"""What no file says, by table: everything else must be equal."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cameras, one with sound; a camera that was switched off and on; a process that was killed."""
    home = tmp_path_factory.mktemp("recorded")
    film = make_film(home / "film.mp4", seconds=4)
    cameras = ["--camera", "street=synthetic:?size=320x240", "--camera", f"film=file://{film}?loop=1"]
    with Running(home / "data", *cameras, log=home / "log") as gatehouse:
        gatehouse.ready().recording("street", "film")
        wait_for("footage", lambda: sum(b - a for a, b in gatehouse.ledger("street")[0]) > 5_000_000)
        assert command("camera", "disable", "street", "--data", str(home / "data")).returncode == 0
        time.sleep(2)
        assert command("camera", "enable", "street", "--data", str(home / "data")).returncode == 0
        wait_for("a second run", lambda: len(gatehouse.ledger("street")[0]) > 1)
        time.sleep(3)
        gatehouse.kill()
    with Running(home / "data", *cameras, log=home / "log") as gatehouse:
        gatehouse.ready().recording("street", "film")
        wait_for("another run", lambda: len(gatehouse.ledger("street")[0]) > 2)
        time.sleep(3)
        assert gatehouse.stop() == 0
    return home / "data"


def rows(file: Path, table: str, without: set[str]) -> list[dict[str, Any]]:
    with sqlite3.connect(file) as db:
        db.row_factory = sqlite3.Row
        found = [dict(row) for row in db.execute(f"SELECT * FROM {table}")]
    kept = [{name: value for name, value in row.items() if name not in without} for row in found]
    return sorted(kept, key=lambda row: json.dumps(row, default=repr, sort_keys=True))


def began(file: Path) -> dict[str, int]:
    with sqlite3.connect(file) as db:
        return dict(db.execute("SELECT camera, MIN(start_us) FROM chunks GROUP BY camera"))


@pytest.mark.timeout(180)
def test_the_index_from_files_alone_equals_the_one_that_was_there(recorded: Path, tmp_path: Path) -> None:
    """R5: row by row and column by column, but for what files cannot know, which is named above."""
    fresh = tmp_path / "fresh.db"
    run = command("index", "rebuild", "--into", f"sqlite:///{fresh}", "--data", str(recorded), "--json")
    assert run.returncode == 0, run.stdout + run.stderr
    told = json.loads(run.stdout)
    assert (told["cameras"], told["chunks"], told["left"]) == (["film", "street"], len(recordings(recorded)), {})
    was = recorded / "gatehouse.db"
    for table in ("chunks", "chunk_index"):
        assert rows(fresh, table, NOT_IN_FILES[table]) == rows(was, table, NOT_IN_FILES[table]), table
    runs = {run["id"]: run for run in rows(was, "runs", NOT_IN_FILES["runs"])}
    assert len(runs) >= 5
    for run in rows(fresh, "runs", NOT_IN_FILES["runs"]):
        if runs[run["id"]]["ended_us"] is None:  # a process that is killed does not say that a run has ended
            assert run["end_cause"] == "service_down"
            run.update(ended_us=None, end_cause=None)
        assert run == runs.pop(run["id"])
    assert runs == {}
    # When a camera was added no file says: its ledger begins with its footage. All gaps after that are told by files.
    starts = began(was)
    ledger = [gap for gap in rows(was, "gaps", NOT_IN_FILES["gaps"]) if gap["start_us"] >= starts[gap["camera"]]]
    assert rows(fresh, "gaps", NOT_IN_FILES["gaps"]) == ledger
    assert {gap["cause"] for gap in ledger} == {"disabled", "service_down"}
    for before, after in zip(
        sorted(rows(was, "chunks", set()), key=lambda r: r["id"]),
        sorted(rows(fresh, "chunks", set()), key=lambda r: r["id"]),
        strict=True,
    ):
        assert abs(before["stored_us"] - after["stored_us"]) < 10_000_000


@pytest.mark.timeout(120)
def test_a_rebuilt_index_serves_the_same_footage(recorded: Path, tmp_path: Path) -> None:
    """R5: after the index was lost; and what is there already is never overwritten."""
    data = Path(shutil.copytree(recorded, tmp_path / "data"))
    refused = command("index", "rebuild", "--data", str(data))
    assert (refused.returncode, "not empty" in refused.stderr) == (2, True)
    spans = began(data / "gatehouse.db")
    wanted = ["street", f"{spans['street'] / 1e6 + 0.5:.6f}", f"{spans['street'] / 1e6 + 4.5:.6f}"]
    before, after = tmp_path / "before.mp4", tmp_path / "after.mp4"
    assert command("footage", *wanted, "-o", str(before), "--data", str(data)).returncode == 0
    for part in data.glob("gatehouse.db*"):
        part.unlink()
    rebuilt = command("index", "rebuild", "--data", str(data))
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "film, street" in rebuilt.stderr
    assert command("check", "--data", str(data)).returncode == 0
    assert command("footage", *wanted, "-o", str(after), "--data", str(data)).returncode == 0
    assert after.read_bytes() == before.read_bytes()
    listed = json.loads(command("camera", "list", "--json", "--data", str(data)).stdout)
    assert {c["id"]: c["enabled"] for c in listed} == {"film": False, "street": False}

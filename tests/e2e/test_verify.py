"""Footage that can be trusted, as somebody at a terminal finds out."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from running import Running, command, decode, recordings, us, wait_for


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of a camera in chunks of two seconds, the first ended by `kill -9`."""
    home = tmp_path_factory.mktemp("recorded")
    street = ("--camera", "street=synthetic:?size=320x240")
    with Running(home / "data", *street, log=home / "log") as gatehouse:
        gatehouse.ready()
        wait_for("footage", lambda: sum(b - a for a, b in gatehouse.ledger("street")[0]) > 5_000_000)
        time.sleep(0.8)  # a GOP has just ended, and a chunk perhaps with it: in the middle of one is meant
        gatehouse.kill()
    with Running(home / "data", *street, log=home / "log") as gatehouse:
        began = time.time_ns() // 1000
        gatehouse.ready().recording("street")
        wait_for("footage", lambda: sum(b - a for a, b in gatehouse.ledger("street", began)[0]) > 4_000_000)
        assert gatehouse.stop() == 0
    return home / "data"


@pytest.fixture
def data(recorded: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(recorded, tmp_path / "data"))


def flip(path: Path, at: int) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(at)
        old = file.read(1)
        file.seek(at)
        file.write(bytes([old[0] ^ 8]))


def verify(*args: str) -> tuple[int, dict[str, Any]]:
    run = command("verify", "--json", *args)
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)


def test_what_kill_9_left_is_as_recorded(data: Path) -> None:
    """S2-43, R1: the recovered chunk has its digests and verifies as the others do; with the index, and without."""
    code, report = verify("--data", str(data))
    assert (code, report["damages"], report["unsealed"]) == (0, [], 0)
    assert report["chunks"] == len(recordings(data))
    assert report["late"] == 1, "one GOP of one file was hashed after the crash"
    code, report = verify(str(data / "recordings"))
    assert (code, report["damages"]) == (0, [])


def test_a_flipped_bit_is_told_with_its_chunk_its_bytes_and_its_time(data: Path) -> None:
    """R5."""
    path = recordings(data)[1]
    at = path.stat().st_size // 2
    flip(path, at)
    code, report = verify("street", "--data", str(data))
    assert code == 1
    (damage,) = report["damages"]
    assert damage["kind"] == "changed"
    assert damage["key"] == path.relative_to(data).as_posix()
    start, end = damage["bytes"]
    assert start <= at < end
    assert 0 < us(damage["to"]) - us(damage["from"]) <= 2_100_000
    said = command("verify", "--data", str(data))
    assert said.returncode == 1
    assert path.name in said.stdout
    assert damage["from"] in said.stdout
    assert verify(str(path))[0] == 1
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(us(damage["to"]) / 1e6 + 3))
    assert verify("street", later, "2099-01-01T00:00:00Z", "--data", str(data))[0] == 0


def test_an_export_is_verified_by_somebody_who_has_nothing_else(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = json.loads((data / "recordings" / "recording_index.json").read_text())
    begin = min(us(entry["created_at"]) for entry in listed.values())
    out, key = tmp_path / "out.zip", tmp_path / "owner.pem"
    span = f"{begin / 1e6 + 1:.6f}", f"{begin / 1e6 + 4:.6f}"
    made = command("export", "street", *span, "-o", str(out), "--data", str(data), "--json")
    assert made.returncode == 0, made.stderr
    shown = command("signing-key", "-o", str(key), "--data", str(data))
    assert shown.stdout.strip() == json.loads(made.stdout)["key"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(out, elsewhere / "evidence.zip")
    monkeypatch.chdir(elsewhere)
    code, told = verify("evidence.zip")
    assert (code, told["verdict"], told["signed"][0]["camera"]) == (0, "signer-unknown", "street")
    code, told = verify("evidence.zip", "--key", str(key))
    assert (code, told["verdict"], told["signed"][0]["key"]) == (0, "as-recorded", shown.stdout.strip())
    assert abs(us(told["signed"][0]["from"]) - begin - 1_000_000) < 100_000, "whichever moment it is said to be of"
    subprocess.run(["unzip", "-q", "evidence.zip"], check=True, cwd=elsewhere)
    assert abs(decode(elsewhere / "clip.mp4") - 90) <= 1
    flip(elsewhere / "evidence.zip", 30_000)
    assert verify("evidence.zip")[0] == 1
    again = command("export", "street", *span, "-o", str(out), "--data", str(data))
    assert again.returncode == 2
    assert "--force" in again.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere"], "no camera 'nowhere'"),
        (["street", "2024-05-17T10:00:00Z"], "CAMERA FROM TO"),
        (["street", "2024-05-17T10:00:00Z", "2024-05-17T09:00:00Z"], "must be after"),
        (["street", "2024-05-17T10:00:00Z", "2024-05-17T11:00:00Z"], "nothing of camera street is recorded there"),
        (["missing.mp4"], "no file missing.mp4"),
        (["street", "--key", "x.pem"], "--key is for signed exports"),
    ],
)
def test_wrong_requests_are_answered_in_one_line(args: list[str], says: str, recorded: Path) -> None:
    run = command("verify", *args, "--data", str(recorded))
    assert run.returncode == 2
    assert says in run.stderr
    assert run.stderr.count("\n") == 1

"""`gatehouse up` as a user meets it: the demo, stopping, and everything that it refuses to start with."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from running import Running, command, decode, leftovers, recordings, wait_for

ONE_LINE = re.compile(r"gatehouse: [^\n]+\n")


def test_the_demo_shows_a_picture_and_stops_cleanly(tmp_path: Path) -> None:
    """S1-1, S1-20: one command, a picture, footage up to now; SIGTERM leaves everything published."""
    data = tmp_path / "data"
    with Running(data, "--demo", log=tmp_path / "log") as gatehouse:
        gatehouse.ready().recording("demo")
        picture = wait_for(
            "picture", lambda: gatehouse.get("/api/v1/cameras/demo/snapshot.jpg").body[:2] == b"\xff\xd8"
        )
        assert picture
        wait_for("three seconds of footage", lambda: sum(b - a for a, b in gatehouse.ledger("demo")[0]) > 3_000_000)
        start, end = gatehouse.ledger("demo")[0][0]
        answer = gatehouse.get("/api/v1/footage", camera="demo", **{"from": start / 1e6 + 0.5, "to": start / 1e6 + 2.5})
        assert answer.status == 200
        assert abs(decode(answer.body) - 60) <= 1
        assert gatehouse.get("/readyz").status == 200
        assert "127.0.0.1 only" in gatehouse.said()
        assert "There are no users" in gatehouse.said()
        assert gatehouse.stop(timeout=10) == 0
    assert end > start
    assert leftovers(data) == []
    assert all(decode(file) for file in recordings(data))
    assert json.loads(command("check", "--json", "--data", str(data)).stdout)["problems"] == []
    listed = json.loads((data / "recordings" / "recording_index.json").read_text())
    assert {entry["file_path"] for entry in listed.values()} == {
        file.relative_to(data).as_posix() for file in recordings(data)
    }


def test_a_second_process_on_the_same_data_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Running(data, "--demo", log=tmp_path / "log") as gatehouse:
        gatehouse.ready()
        second = command("up", "--data", str(data), "--port", "0")
        assert second.returncode == 2
        assert ONE_LINE.fullmatch(second.stderr)
        assert f"in use by process {gatehouse.process.pid}" in second.stderr
        repair = command("check", "--repair", "--data", str(data))
        assert (repair.returncode, ONE_LINE.fullmatch(repair.stderr) is not None) == (2, True)
        assert gatehouse.get("/livez").status == 200
        assert gatehouse.stop() == 0


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_a_port_in_use_is_told_before_anything_is_recorded(tmp_path: Path, taken_port: int) -> None:
    refused = command("up", "--demo", "--data", str(tmp_path / "data"), "--port", str(taken_port))
    assert refused.returncode == 2
    assert ONE_LINE.fullmatch(refused.stderr)
    assert f"port {taken_port} on 127.0.0.1 is in use" in refused.stderr
    assert not (tmp_path / "data" / "spool").exists()
    assert not (tmp_path / "data" / "recordings").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Four megabytes of their own."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_told_at_start(small_disk: Path) -> None:
    """S0-37"""
    (small_disk / "ballast").write_bytes(b"\0" * (3 << 20))
    refused = command("up", "--demo", "--data", str(small_disk / "data"), "--port", "0")
    assert refused.returncode == 2
    assert ONE_LINE.fullmatch(refused.stderr)
    assert "is full" in refused.stderr
    assert "MB are free" in refused.stderr
    assert not (small_disk / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--camera", "front"], "ID=URL"),
        (["--camera", "Front Gate=rtsp://host/1"], "is not valid"),
        (["--camera", "../x=rtsp://host/1"], "is not valid"),
        (["--camera", "gate=ftp://host/1"], "not known"),
        (["--camera", "gate=rtsp://"], "names no host"),
        (["--camera", "a=synthetic:", "--camera", "a=synthetic:"], "named twice"),
        (["--host", "no.such.host.invalid"], "is not known"),
        (["--port", "70000"], "api.port"),
        (["--config", "/no/such/file.toml"], "/no/such/file.toml"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_a_wrong_start_is_one_line_and_exit_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    refused = command("up", "--data", str(tmp_path / "data"), *arguments)
    assert refused.returncode == 2, refused.stderr
    assert ONE_LINE.fullmatch(refused.stderr)
    assert says in refused.stderr
    assert not (tmp_path / "data" / "spool").exists()


def test_a_password_is_in_no_message(tmp_path: Path) -> None:
    refused = command("up", "--data", str(tmp_path / "data"), "--camera", "gate=ftp://user:hunter22@host/1")
    assert refused.returncode == 2
    assert "hunter22" not in refused.stdout + refused.stderr


def test_what_is_open_to_everybody_listens_on_no_other_address(tmp_path: Path) -> None:
    refused = command("up", "--data", str(tmp_path / "data"), "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "auth.mode" in refused.stderr
    assert ONE_LINE.fullmatch(refused.stderr)


def test_a_camera_that_cannot_be_reached_costs_itself_only(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.mp4"
    nothing.write_bytes(b"this is no film" * 1000)
    with Running(tmp_path / "data", "--demo", "--camera", f"bad=file://{nothing}", log=tmp_path / "log") as gatehouse:
        gatehouse.ready().recording("demo")
        wait_for("reason", lambda: gatehouse.camera("bad")["detail"])
        assert gatehouse.camera("bad")["state"] in {"reconnecting", "failed"}
        refused = gatehouse.get("/readyz")
        assert b"camera bad" in refused.body
        assert gatehouse.stop() == 0

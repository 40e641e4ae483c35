"""W3: every alert of a recorder that is one process, in a real fault of its own; black box, a real Prometheus."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from alert_drill import EVERY, Drill, watched, write_drill_rules
from alert_faults import BESIDE_EACH_OTHER, ONE_BY_ONE, USER, Plug, Recorder
from fault_rig import FULL, require_mounting, small_disk
from films_on_disk import make_film
from prometheus_server import prometheus
from running import Running, command, wait_for
from webhook_receiver import Reply, receiving

DISK = 2 << 30
FILMS = ("gone", "back", "dark", "radio", "clock")
PLATES = "synthetic:?size=640x360&fps=10&plate=GATE123,BRA2E19&pause=1"
SETTINGS = {
    "GATEHOUSE_AUTH__MODE": "local",
    "GATEHOUSE_DETECTION__FRAMES": "activity",
    "GATEHOUSE_DETECTION__FPS": "2",
    "GATEHOUSE_DETECTION__VISIT_SECONDS": "2",
    "GATEHOUSE_CLIPS__PRE_SECONDS": "1",
    "GATEHOUSE_CLIPS__POST_SECONDS": "1",
    "GATEHOUSE_RETENTION__LOOK_SECONDS": "1",
    "GATEHOUSE_UPLOADS__LEAST_FREE_GIB": "0",
    "GATEHOUSE_WEBHOOKS__ALLOW_PRIVATE": "true",
    "GATEHOUSE_WEBHOOKS__ALLOW_HTTP": "true",
}
SCOPES = (
    *("cameras:read", "cameras:write", "footage:read", "plates:read", "records:all", "records:own"),
    *("settings:admin", "uploads:write", "metrics:read"),
)


def tokens(folder: Path, data: Path) -> tuple[str, str]:
    """Make a user; return a token of hers for everything here, and one that may only read metrics."""
    password = folder / "password"
    password.write_text("correct horse battery staple\n")
    of = ("--data", str(data))
    user = command("user", "add", USER, "--role", "admin", "--password-file", str(password), *of, timeout=120)
    assert user.returncode == 0, user.stderr
    made = []
    for scopes in (SCOPES, ("metrics:read",)):
        told = [part for scope in scopes for part in ("--scope", scope)]
        done = command("token", "create", "--user", USER, "--name", scopes[0], *told, *of)
        assert done.returncode == 0, done.stderr
        made.append(done.stdout.strip())
    return made[0], made[1]


def upload(folder: Path, name: str) -> Path:
    """Write a film that no browser plays, so that something has to be made of it."""
    film = folder / name
    source = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=20")
    subprocess.run(["ffmpeg", "-v", "error", *source, "-c:v", "mpeg4", "-q:v", "31", str(film)], check=True)
    return film


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill[Recorder]]:
    require_mounting(tmp_path / "probe")
    with ExitStack() as held:
        disk = held.enter_context(small_disk(tmp_path / "disk", DISK))
        data = disk.path / "data"
        token, for_metrics = tokens(tmp_path, data)
        film = make_film(tmp_path / "film.mp4", seconds=30, bframes=0)
        plugs = {name: Plug(name, film) for name in FILMS}
        for plug in plugs.values():
            held.callback(plug.pull)
        fails, gone = held.enter_context(receiving(2))
        fails.replies, gone.replies = [Reply(500)], [Reply(410)]
        cameras = {"plates": PLATES, **{name: plug.url for name, plug in plugs.items()}}
        arguments = [part for name, url in cameras.items() for part in ("--camera", f"{name}={url}")]
        gatehouse = held.enter_context(Running(data, *arguments, log=tmp_path / "log", **SETTINGS)).ready(120)
        receivers = {"fails": fails, "gone": gone}
        uploads = [upload(tmp_path, name) for name in ("first.mp4", "second.mp4")]
        site = Recorder(gatehouse, disk, plugs, token, receivers, uploads)
        for name in FILMS:
            site.json("PATCH", f"/api/v1/cameras/{name}", {"settings": {"plates": {"enabled": False}}})
        wait_for("all recorded", lambda: all(site.state(name) == "recording" for name in cameras), 60)
        address = gatehouse.url.removeprefix("http://")
        watching = held.enter_context(
            prometheus(
                tmp_path,
                "one-process.yml",
                {"gatehouse": [address]},
                for_metrics,
                write_rules=write_drill_rules,
                every=EVERY,
            )
        )
        yield Drill(site, held.enter_context(watched(watching)))


@pytest.mark.slow
@pytest.mark.timeout(7200 if FULL else 600)
def test_each_alert_fires_in_its_fault_and_is_over_when_that_is(drill: Drill[Recorder]) -> None:
    """W-3."""
    drill.sound()
    drill.together(*BESIDE_EACH_OTHER)
    for fault in ONE_BY_ONE:
        drill.together(fault)
    drill.report("one process")

"""R9: faults of eight kinds, one after the other; recorded and gaps are the wall time, each gap with its cause."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from fault_rig import Finding, SetClock, SmallDisk, small_disk, tell
from ports import free_port
from rtsp_kit import rtsp_camera
from running import Running, command, decode, us, wait_for

SIZE = 96 << 20
FPS = 10
RATE = 60_000
HOLE_S = 3.0
STEP_S = 5.0
LEAST_S, SLACK_S = 3.0, 1.0
PIPELINE = {"GATEHOUSE_RECORDING__CHUNK_SECONDS": "20", "GATEHOUSE_TIMEZONE": "UTC"}


def make_film(path: Path, *, hole: bool = False) -> Path:
    """Sixty seconds of noise with a keyframe a second; with a hole after eight, as of a camera that hangs."""
    chance = np.random.default_rng(3)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"  # type: ignore[union-attr]
        video.codec_context.gop_size = FPS
        video.options = {"preset": "ultrafast", "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0:bframes=0"}
        video.codec_context.time_base = Fraction(1, FPS)
        for n in range(60 * FPS):
            picture = av.VideoFrame.from_ndarray(chance.integers(0, 256, (96, 160, 3), np.uint8), format="rgb24")
            picture.pts = n + (round(HOLE_S * FPS) if hole and n >= 8 * FPS else 0)
            picture.time_base, picture.pict_type = Fraction(1, FPS), PictureType.NONE
            out.mux(video.encode(picture))  # type: ignore[union-attr]
        out.mux(video.encode(None))  # type: ignore[union-attr]
    return path


class Site:
    """What is done to an installation, and for how long, seconds by cause."""

    def __init__(self, data: Path, disk: SmallDisk | None) -> None:
        self.data, self.disk = data, disk
        self.done: dict[str, float] = {}

    @contextmanager
    def fault(self, cause: str) -> Iterator[None]:
        """A span that is not recorded: ``LEAST_S`` at least, and at most until the block ends."""
        began = time.time()
        yield
        self.done[cause] = time.time() - began

    @contextmanager
    def no_room(self) -> Iterator[None]:
        """The disk is full; where none can be mounted, nothing may be made in the spool."""
        if self.disk is not None:
            other = self.disk.fill(leave=0)
            try:
                yield
            finally:
                other.unlink()
            return
        folders = [p for p in (self.data / "spool").rglob("*") if p.is_dir()]
        for folder in folders:
            folder.chmod(0o500)
        try:
            yield
        finally:
            for folder in folders:
                folder.chmod(0o700)

    def damage_open_chunk(self, camera: str) -> None:
        """Overwrite a part in the middle of what a camera was writing when all was killed."""
        path = open_chunk(self.data, camera)
        assert path is not None
        data, at, parts = path.read_bytes(), 0, []
        while at + 8 <= len(data):
            if data[at + 4 : at + 8] == b"moof":
                parts.append(at)
            at += max(8, int.from_bytes(data[at : at + 4], "big"))
        middle = parts[len(parts) // 2]
        with path.open("r+b") as file:
            file.seek(middle + 8)
            file.write(bytes(200))


def open_chunk(data: Path, camera: str) -> Path | None:
    """The chunk that a camera is writing: the one that began last, for those before may wait there to be stored."""
    return max((data / "spool" / camera).rglob("*.mp4"), key=lambda p: int(p.stem), default=None)


def open_bytes(data: Path, camera: str) -> int:
    path = open_chunk(data, camera)
    with suppress(FileNotFoundError):  # it has just been stored
        return 0 if path is None else path.stat().st_size
    return 0


def ledger(gatehouse: Running, camera: str) -> dict[str, Any]:
    found: dict[str, Any] = gatehouse.json(f"/api/v1/cameras/{camera}/coverage")
    return found


def seconds_of(found: dict[str, Any], cause: str) -> float:
    return float(found["gap_seconds"].get(cause, 0.0))


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_every_second_is_recorded_or_has_the_cause_that_it_had(tmp_path: Path) -> None:
    film, pausing = make_film(tmp_path / "film.mp4"), make_film(tmp_path / "pausing.mp4", hole=True)
    with ExitStack() as held:
        disk = None
        with suppress(OSError, subprocess.CalledProcessError):  # not as root: nothing may be made in the spool instead
            disk = held.enter_context(small_disk(tmp_path / "disk", SIZE))
        clock = SetClock(tmp_path)
        environment = {**PIPELINE, **clock.environment}
        data = (disk.path if disk else tmp_path) / "data"
        port = free_port()
        others = held.enter_context(rtsp_camera({"hung": pausing, "old": film}))
        cameras = {"gate": f"rtsp://127.0.0.1:{port}/gate", "hung": others.url("hung"), "old": others.url("old")}
        site, log = Site(data, disk), tmp_path / "log"
        gone = held.enter_context(ExitStack())
        gone.enter_context(rtsp_camera({"gate": film}, port))
        arguments = [part for name, url in cameras.items() for part in ("--camera", f"{name}={url}")]
        added = time.time()
        with Running(data, *arguments, log=log, **environment) as gatehouse:
            gatehouse.ready().recording(*cameras)
            time.sleep(3)
            with site.fault("camera_offline"):
                gone.close()
                time.sleep(LEAST_S)
                held.enter_context(rtsp_camera({"gate": film}, port))
                wait_for("an outage", lambda: gatehouse.camera("gate")["cause"] == "camera_offline")
                gatehouse.recording("gate")
            time.sleep(3)
            with site.fault("disabled"):
                assert command("camera", "disable", "gate", "--data", str(data)).returncode == 0
                time.sleep(LEAST_S)
                assert command("camera", "enable", "gate", "--data", str(data)).returncode == 0
                wait_for("its end", lambda: len(gaps_of(gatehouse, "gate", "disabled")) == 1)
            time.sleep(3)
            with site.fault("storage_full"):
                with site.no_room():
                    wait_for("no room", lambda: not ready(gatehouse, "gate"), 40)
                    time.sleep(LEAST_S)
                gatehouse.recording("gate")
                wait_for("its end", lambda: gaps_of(gatehouse, "gate", "storage_full"))
            wait_for("an open chunk of some length", lambda: open_bytes(data, "gate") > 5 * RATE, 60)
            with site.fault("service_down"):
                gatehouse.kill()
                site.damage_open_chunk("gate")
                time.sleep(LEAST_S)
                again = held.enter_context(Running(data, *arguments, log=log, **environment))
                again.ready().recording(*cameras)
                wait_for("its end", lambda: seconds_of(ledger(again, "gate"), "corrupt") > 0)
        retention = "retention.continuous_hours=0.002"
        assert command("camera", "set", "old", retention, "--data", str(data)).returncode == 0
        wait_for("a chunk that is let go of", lambda: seconds_of(ledger(again, "old"), "purged") > 1, 150)
        with site.fault("clock_step"):
            clock.set(STEP_S)
            wait_for("its end", lambda: all(gaps_of(again, camera, "clock_step") for camera in cameras), 60)
            time.sleep(2)
        judge(again, site, added, list(cameras))
        assert again.stop(30) == 0


def ready(gatehouse: Running, camera: str) -> bool:
    checks = {c["name"]: c["ok"] for c in gatehouse.json("/api/v1/health")["checks"]}
    return bool(checks[f"camera {camera}"])


def gaps_of(gatehouse: Running, camera: str, cause: str) -> list[dict[str, Any]]:
    return [s for s in ledger(gatehouse, camera)["spans"] if s["cause"] == cause and not s["open"]]


def judge(gatehouse: Running, site: Site, added: float, cameras: list[str]) -> None:
    """Compare the ledger with what was done."""
    worst = 0.0
    created = {c: us(gatehouse.camera(c)["created"]) for c in cameras}
    found = {camera: ledger(gatehouse, camera) for camera in cameras}
    now = time.time() + STEP_S
    for camera, one in found.items():
        assert all(a["to"] == b["from"] for a, b in pairwise(one["spans"]))
        # Recorded is what a player shows of it: pictures counted, not what the ledger says.
        query = {"camera": camera, "from": one["from"], "to": one["to"], "gaps": "skip"}
        shown = decode(gatehouse.get("/api/v1/footage", **query).body) / FPS
        told = shown + sum(one["gap_seconds"].values())
        worst = max(worst, abs(told - (us(one["to"]) - created[camera]) / 1e6))
        assert abs(us(one["from"]) / 1e6 - added) < 10, "since it was added"
        assert now - us(one["to"]) / 1e6 < 4, "until a moment ago"
        assert one["unexplained_seconds"] < 0.1
    gate = found["gate"]["gap_seconds"]
    gate.pop("purged", None)  # on a full disk the oldest recordings go, of whichever camera they are
    assert set(gate) == {"camera_offline", "disabled", "storage_full", "service_down", "corrupt", "clock_step"}, gate
    for cause, lasted in site.done.items():
        # Room is made while something else fills the disk: recording may go on before that ends.
        least = 0.5 if cause == "storage_full" else LEAST_S - SLACK_S
        assert least < gate[cause] < lasted + SLACK_S, (cause, gate[cause], lasted)
    assert 0.5 <= gate["corrupt"] <= 2.1, "a GOP, and the part before it"
    assert seconds_of(found["hung"], "dropped") >= HOLE_S - 0.2
    assert seconds_of(found["old"], "purged") > 1
    assert all(abs(seconds_of(one, "clock_step") - STEP_S) < SLACK_S for one in found.values())
    kinds = {*gate, "dropped", "purged"}
    figure = f"{len(kinds)} kinds of faults, each gap with its cause; recorded + gaps - wall time = {worst:.3f} s"
    tell(Finding("R9", "faults of eight kinds", figure, "recorded + gaps = wall time +-1 s, cause right", worst < 1))
    assert worst < SLACK_S

"""The faults of a recorder that is one process, each with the alerts that have to fire in it."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from alert_drill import Fault
from fault_rig import SmallDisk, held, meanwhile, standing_still, starved
from rtsp_kit import rtsp_camera
from running import Answer, Running, recordings, wait_for
from webhook_receiver import Receiver

USER = "ann"
GAP_S = 35
"""A little more than is told."""
MIB = 1 << 20
CHECK_S = 300
"""All that a long drill has recorded is read, on a machine that is busy."""
FEW_FILES = 8
"""Fewer than any process here has open."""


class Plug:
    """A camera of the network that can be unplugged, with a file of orders that it follows."""

    def __init__(self, name: str, film: Path) -> None:
        self.name, self._film = name, film
        self._held = ExitStack()
        self._port = 0
        self.put_in()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._port}/{self.name}?orders={self.name}.json"

    def put_in(self) -> None:
        self._port = self._held.enter_context(rtsp_camera({self.name: self._film}, self._port)).port

    def pull(self) -> None:
        self._held.close()

    @contextmanager
    def told(self, **orders: float) -> Iterator[None]:
        """Let it follow orders until the end of the block."""
        path = self._film.parent / f"{self.name}.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(orders))
        fresh.replace(path)
        try:
            yield
        finally:
            path.unlink()


@dataclass
class Recorder:
    """A `gatehouse up` on a disk of its own, its cameras, and whom it tells.

    Attributes:
        token: of an admin.
        receivers: of webhooks, by what they do.
        uploads: two films to bring.
    """

    gatehouse: Running
    disk: SmallDisk
    plugs: dict[str, Plug]
    token: str
    receivers: dict[str, Receiver]
    uploads: list[Path]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content_Type"] = "application/json"
        return self.gatehouse.ask(method, path, data, **headers)

    def json(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status < 300, answer.body[:500]
        return json.loads(answer.body) if answer.body else None

    def state(self, camera: str) -> str:
        return str(self.json("GET", f"/api/v1/cameras/{camera}")["state"])

    def bring(self, film: Path) -> None:
        """Upload a film, of which something has to be made."""
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{film.name}"\r\n'
        body = f"{head}Content-Type: video/mp4\r\n\r\n".encode() + film.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        more = {"Authorization": f"Bearer {self.token}", "Content_Type": f"multipart/form-data; boundary={edge}"}
        answer = self.gatehouse.ask("POST", "/api/v1/media", body, **more)
        assert answer.status in {201, 202}, answer.body[:500]

    def children(self, word: str) -> list[int]:
        """Return the processes that it has started, in whose command a word is."""
        found = []
        for one in psutil.Process(self.gatehouse.process.pid).children(recursive=True):
            try:
                if any(word in part for part in one.cmdline()):
                    found.append(one.pid)
            except psutil.NoSuchProcess:
                continue
        return found

    def reserve(self) -> int:
        """Return the bytes that are kept free."""
        text = self.ask("GET", "/metrics").body.decode()
        found = re.search(r"^gatehouse_retention_reserve_bytes (\S+)$", text, re.MULTILINE)
        assert found is not None
        return round(float(found[1]))

    def check(self, *, repair: bool) -> None:
        """Have index and store compared, and wait for that."""
        where = "/api/v1/jobs/" + self.json("POST", "/api/v1/maintenance/consistency-check", {"repair": repair})["id"]
        wait_for("the check", lambda: self.json("GET", where)["state"] not in {"queued", "running"}, CHECK_S)
        done = self.json("GET", where)
        assert done["state"] == "done", done


@contextmanager
def unplugged(site: Recorder) -> Iterator[None]:
    site.plugs["gone"].pull()
    try:
        yield
    finally:
        site.plugs["gone"].put_in()


@contextmanager
def away_for_a_while(site: Recorder) -> Iterator[None]:
    site.plugs["back"].pull()
    time.sleep(GAP_S)
    site.plugs["back"].put_in()
    wait_for("the camera", lambda: site.state("back") == "recording", 60)
    yield


@contextmanager
def half_of_the_frames(site: Recorder) -> Iterator[None]:
    with site.plugs["dark"].told(thin=0.5):
        yield


@contextmanager
def one_frame_in_ten_lost(site: Recorder) -> Iterator[None]:
    with site.plugs["radio"].told(thin=0.11):
        yield


@contextmanager
def a_clock_that_is_off(site: Recorder) -> Iterator[None]:
    with site.plugs["clock"].told(skew=-30):
        yield


@contextmanager
def readers_without_time(site: Recorder) -> Iterator[None]:
    with starved(lambda: site.children("gatehouse_detector.worker"), 0.03):
        yield


@contextmanager
def a_receiver_that_fails(site: Recorder) -> Iterator[None]:
    hook = site.json("POST", "/api/v1/webhooks", {"url": site.receivers["fails"].url})
    yield
    site.json("PATCH", f"/api/v1/webhooks/{hook['id']}", {"active": False})


@contextmanager
def a_receiver_that_is_gone(site: Recorder) -> Iterator[None]:
    site.json("POST", "/api/v1/webhooks", {"url": site.receivers["gone"].url})
    yield


@contextmanager
def a_job_that_hangs(site: Recorder) -> Iterator[None]:
    """The one worker there is does not come to an end with a film, and another waits."""
    site.bring(site.uploads[0])
    stopped = wait_for("a child of the transcoder", lambda: site.children("ffmpeg"), 60)
    with held(stopped):
        site.bring(site.uploads[1])
        yield


@contextmanager
def guessed_passwords(site: Recorder) -> Iterator[None]:
    """Somebody goes on guessing, as quickly as the answers come."""
    body = json.dumps({"name": USER, "password": "not this one"}).encode()

    def guess() -> None:
        answer = site.gatehouse.ask("POST", "/api/v1/auth/login", body, Content_Type="application/json")
        assert answer.status in {401, 429}, answer.body[:300]

    with meanwhile(guess, 0.1):
        yield


@contextmanager
def something_else_writes(site: Recorder) -> Iterator[None]:
    """Another program fills the disk, at a rate at which it is full before footage is as old as it should become."""
    path = site.disk.path / "another-program"
    try:
        with path.open("wb", buffering=0) as file, meanwhile(lambda: file.write(bytes(MIB)), 0.1):
            yield
    finally:
        path.unlink()


@contextmanager
def deleted_under_it(site: Recorder) -> Iterator[None]:
    """Somebody's cleaning up deletes a camera's files wherever they are, the open one too."""

    def clean() -> None:
        for folder in ("spool", "recordings"):
            for path in (site.gatehouse.data / folder / "plates").rglob("*.mp4"):
                path.unlink(missing_ok=True)

    with meanwhile(clean, 0.1):
        yield


@contextmanager
def a_file_is_missing(site: Recorder) -> Iterator[None]:
    def stored() -> list[Path]:
        return [path for path in recordings(site.gatehouse.data) if "/clock/" in str(path)]

    found = wait_for("a recording", stored, 60)
    found[len(found) // 2].unlink()
    site.check(repair=False)
    yield
    site.check(repair=True)


@contextmanager
def no_sign_of_the_store(site: Recorder) -> Iterator[None]:
    """As where the disk of the recordings is not mounted: the small file by which the store is known is not there."""
    sign = site.gatehouse.data / "gatehouse-store.json"
    away = sign.with_suffix(".away")
    sign.rename(away)
    try:
        yield
    finally:
        away.rename(sign)


@contextmanager
def no_more_files(site: Recorder) -> Iterator[None]:
    """The process may not open any file more, as where its limit is too low for so many cameras."""
    process = psutil.Process(site.gatehouse.process.pid)
    soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (FEW_FILES, hard))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def a_disk_filled_to_its_reserve(site: Recorder) -> Iterator[None]:
    other = site.disk.fill(leave=site.reserve() * 3 // 4)
    try:
        yield
    finally:
        other.unlink()


@contextmanager
def a_disk_filled_to_the_last_byte(site: Recorder) -> Iterator[None]:
    other = site.disk.fill(leave=0)
    try:
        yield
    finally:
        other.unlink()


@contextmanager
def a_machine_that_hangs(site: Recorder) -> Iterator[None]:
    with standing_still(site.gatehouse.process.pid):
        yield


BESIDE_EACH_OTHER: tuple[Fault[Recorder], ...] = (
    Fault(
        "a camera is unplugged",
        {
            "GatehouseNotRecording": {"camera": "gone", "severity": "critical"},
            "GatehouseCameraOffline": {"camera": "gone", "severity": "warning"},
        },
        unplugged,
    ),
    Fault(
        f"a camera is unplugged for {GAP_S} s",
        {"GatehouseGapSeconds": {"camera": "back", "cause": "camera_offline"}},
        away_for_a_while,
    ),
    Fault("a camera sends every other frame", {"GatehouseFpsLow": {"camera": "dark"}}, half_of_the_frames),
    Fault("a tenth of the frames is lost", {"GatehouseFramesDropped": {"camera": "radio"}}, one_frame_in_ten_lost),
    Fault("a camera's clock is 30 s slow", {"GatehouseClockSkew": {"camera": "clock"}}, a_clock_that_is_off),
    Fault("readers get 3 % of a core", {"GatehouseDetectorLag": {"camera": "plates"}}, readers_without_time),
    Fault("a webhook's receiver answers 500", {"GatehouseWebhooksWait": {}}, a_receiver_that_fails),
    Fault("a webhook's receiver answers 410", {"GatehouseWebhooksFailed": {}}, a_receiver_that_is_gone),
    Fault("a job of media hangs", {"GatehouseJobsWait": {}}, a_job_that_hangs),
    Fault("passwords are guessed", {"GatehouseAuthBruteForce": {}}, guessed_passwords),
    Fault("another program fills the disk", {"GatehouseDiskFullIn24h": {}}, something_else_writes),
    Fault("the store is not the one that is known", {"GatehouseJanitorStale": {}}, no_sign_of_the_store),
)
"""Faults that do not disturb each other."""

ONE_BY_ONE: tuple[Fault[Recorder], ...] = (
    Fault("a file of the store is deleted", {"GatehouseConsistencyIssues": {"kind": "missing"}}, a_file_is_missing),
    Fault(
        "a camera's files are deleted as they come",
        {"GatehouseClipsFailed": {"camera": "plates"}, "GatehouseDeadLetters": {"queue": "segmenter"}},
        deleted_under_it,
    ),
    Fault(
        "the disk is filled to three quarters of the reserve",
        {"GatehouseEmergencyDelete": {"class": "continuous"}, "GatehouseRetentionShortfall": {"camera": "clock"}},
        a_disk_filled_to_its_reserve,
    ),
    Fault(
        "the disk is filled to the last byte",
        {"GatehouseStorageFull": {"root": "store"}},
        a_disk_filled_to_the_last_byte,
    ),
    Fault(
        "no file can be opened any more",
        {"GatehouseWriteErrors": {"root": "spool"}, "GatehouseServiceRestarts": {"service": "spool"}},
        no_more_files,
    ),
    Fault("the machine hangs", {"GatehouseTargetDown": {"job": "gatehouse"}}, a_machine_that_hangs),
)
"""Those after them, in this order."""

FAULTS = (*BESIDE_EACH_OTHER, *ONE_BY_ONE)

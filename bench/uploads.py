"""P10: a gigabyte in blobs of a mebibyte, permuted, 30 % of them twice, eight at once, beside a copy of the file."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from bench.process import usage
from bench.product import running
from bench.result import Result
from gatehouse_common.db import Database, Uploads
from upload_kit import HEAD
from upload_replicas import Replicas, Sender, replicas

MIB = 1 << 20
BLOBS = int(os.environ.get("GATEHOUSE_BENCH_UPLOAD_BLOBS", "1024"))
KILLS = 10
_TARGET = 0.3


def run(folder: Path) -> list[Result]:
    """Upload to one process in forms and in JSON; then to two web servers, one of which is killed ten times."""
    blobs = _blobs()
    copied = sorted(_copy(folder, blobs) for _ in range(3))[1]
    os.environ["GATEHOUSE_UPLOADS__LEAST_FREE_GIB"] = "0"
    forms, as_json = (_upload(folder / kind, blobs, kind) for kind in ("form", "json"))
    on = f"{BLOBS} MiB, SQLite, one process; client on the same machine, {os.cpu_count()} cores"
    result = Result(
        "P10",
        "blobs of 1 MiB in forms, permuted, 30 % twice, 8 at once; each durable before its answer",
        forms.rate,
        "MiB/s",
        f"byte-identical; >= {_TARGET}x of a copy (cp, then fsync)",
        forms.rate >= _TARGET * copied,
        copied,
        on,
        {
            "in JSON (Base64)": as_json.rate,
            "as a part of the copy": forms.rate / copied,
            "CPU of the server, ms a request": forms.server_ms,
            "CPU of the client, ms a request": forms.client_ms,
            "CPU of the server in JSON, ms a request": as_json.server_ms,
            "CPU of the client in JSON, ms a request": as_json.client_ms,
            "load of the machine": f"{os.getloadavg()[1]:.0f} (5 min)",
        },
        more_is_better=True,
    )
    return [result, _killed(folder / "killed", blobs, copied)]


def _blobs() -> list[bytes]:
    noise = random.Random(10)
    first = HEAD + noise.randbytes(MIB - len(HEAD))
    return [first, *(noise.randbytes(MIB) for _ in range(BLOBS - 1))]


def _copy(folder: Path, blobs: list[bytes]) -> float:
    """Return how fast a file is copied and durable, MiB/s."""
    source, copy = folder / "source", folder / "copy"
    with source.open("wb") as file:
        file.writelines(blobs)
    os.sync()
    began = time.perf_counter()
    subprocess.run(["cp", source, copy], check=True)
    with copy.open("rb") as file:
        os.fsync(file.fileno())
    took = time.perf_counter() - began
    source.unlink()
    copy.unlink()
    return len(blobs) / took


@dataclass(frozen=True, slots=True)
class _Sent:
    """How fast blobs are taken, MiB/s of the file, and the CPU time of each side, ms a request."""

    rate: float
    server_ms: float
    client_ms: float


def _upload(data: Path, blobs: list[bytes], kind: str) -> _Sent:
    """Send blobs to one process."""
    with running(data) as (process, url):
        sender = Sender([urlparse(url).port or 0], "film", json=kind == "json")
        server, client = usage([process.pid]).cpu_s, time.process_time()
        took = sender.send(blobs)
        server, client = usage([process.pid]).cpu_s - server, time.process_time() - client
        _check(sender, blobs, data, f"sqlite:///{data}/gatehouse.db")
    shutil.rmtree(data)
    return _Sent(len(blobs) / took, 1000 * server / sender.taken, 1000 * client / sender.taken)


def _killed(folder: Path, blobs: list[bytes], copied: float) -> Result:
    from brokers import stop_brokers, virtual_host  # noqa: PLC0415 - the tests' servers, which need what tests need
    from databases import mysql_database, mysql_url, stop_servers  # noqa: PLC0415

    folder.mkdir()
    with ExitStack() as held:
        held.callback(stop_servers)
        held.callback(stop_brokers)
        database = held.enter_context(mysql_database(mysql_url(lambda: folder / "mariadb")))
        settings = {
            "broker_url": held.enter_context(virtual_host(lambda: folder / "rabbitmq")),
            "database_url": database,
            "storage_url": f"file://{folder / 'store'}",
        }
        db = Database(database)
        db.upgrade()
        db.close()
        servers = held.enter_context(replicas(folder, settings))
        sender, done = Sender(servers.ports, "film", json=False), threading.Event()
        killed = _Killer(servers, sender, done)
        killed.start()
        took = sender.send(blobs)
        done.set()
        killed.join()
        _check(sender, blobs, folder / "store", database)
    return Result(
        "P10",
        "the same to two web servers in turn, ten times one of them killed with SIGKILL in the midst",
        len(blobs) / took,
        "MiB/s",
        "byte-identical",
        killed.count >= KILLS,
        copied,
        f"{len(blobs)} MiB, MariaDB, RabbitMQ, a store of both; killed {killed.count} times",
        more_is_better=True,
    )


class _Killer(threading.Thread):
    """Kills one server after the other, each time after a tenth of the blobs."""

    def __init__(self, servers: Replicas, sender: Sender, done: threading.Event) -> None:
        super().__init__(daemon=True)
        self._servers, self._sender, self._done = servers, sender, done
        self.count = 0

    def run(self) -> None:
        """Kill until all is sent."""
        while self.count < KILLS and not self._done.wait(0.02):
            if self._sender.taken >= (self.count + 0.5) * BLOBS * 1.3 / KILLS:
                self._servers.kill(self.count % 2)
                self.count += 1


def _check(sender: Sender, blobs: list[bytes], store: Path, database: str) -> None:
    """Compare what is stored with what was sent, byte for byte.

    Raises:
        RuntimeError: it is not the same, or there are two films.
    """
    numbers = {video["id"] for video in sender.videos}
    if sender.wrong or len(numbers) != 1:
        raise RuntimeError(f"{sender.wrong[:1]}, media {numbers}")
    db = Database(database)
    uploads, stored = Uploads(db), hashlib.sha256()
    for piece in uploads.pieces(uploads.medium(numbers.pop()).upload or ""):
        stored.update((store / piece.key).read_bytes())
    db.close()
    sent = hashlib.sha256()
    for blob in blobs:
        sent.update(blob)
    if stored.digest() != sent.digest():
        raise RuntimeError("what is stored is not what was sent")

"""A whole installation of processes, over real servers, any of which may be killed, stopped and started again."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pymysql

from mariadb_server import MariaDB
from ports import free_port
from rabbitmq_server import RabbitMQ
from running import COMMAND, us, wait_for
from s3_server import Bucket, Swift, swift

TOKEN = "canary-token"


@dataclass
class Process:
    """One process of the installation."""

    name: str
    service: str
    data: Path
    log: Path
    environment: dict[str, str]
    running: subprocess.Popen[bytes] | None = None
    read_from: int = 0

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.read_from = out.tell()
            self.running = subprocess.Popen(
                [COMMAND, "run", self.service, "--data", str(self.data)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.environment,
            )

    def said(self) -> str:
        return self.log.read_bytes()[self.read_from :].decode(errors="replace")

    def wait_until_up(self) -> None:
        def up() -> bool:
            assert self.running is not None
            assert self.running.poll() is None, f"{self.name} ended:\n{self.said()[-3000:]}"
            return "Gatehouse runs" in self.said()

        wait_for(self.name, up, 180)

    def inner_url(self) -> str:
        found = re.search(r"Other services reach it at (\S+)", self.said())
        assert found is not None
        return found[1]

    def metrics(self) -> str:
        """Return what it tells Prometheus."""
        with urlopen(self.inner_url() + "/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def samples(self, metric: str, label: str) -> dict[str, float]:
        """Return the values of a metric by one of its labels, as Prometheus would read them."""
        found = re.findall(rf'^{metric}{{[^}}]*{label}="([^"]+)"[^}}]*}} (\S+)$', self.metrics(), re.MULTILINE)
        return {name: float(value) for name, value in found}

    def kill(self) -> None:
        assert self.running is not None
        self.running.kill()
        self.running.wait()

    def end(self) -> None:
        """Ask it to end, and do not wait for that."""
        assert self.running is not None
        self.running.send_signal(signal.SIGTERM)

    def stop(self, timeout: float = 20) -> int:
        self.end()
        return self.wait(timeout)

    def wait(self, timeout: float) -> int:
        """Wait until it has ended; return its exit code."""
        assert self.running is not None
        return self.running.wait(timeout)


@dataclass
class Cluster:
    """Servers and processes.

    Attributes:
        servers: of broker, database and store.
        processes: by name, e.g. ``capture-0``.
    """

    folder: Path
    rabbit: RabbitMQ
    mariadb: MariaDB
    store: Swift
    bucket: Bucket
    environment: dict[str, str]
    api_port: int
    processes: dict[str, Process] = field(default_factory=dict)

    def add(self, service: str, count: int = 1) -> list[Process]:
        """Start processes of a service, and wait until they are there."""
        made = [self.begin(service) for _ in range(count)]
        for process in made:
            process.wait_until_up()
        return made

    def begin(self, service: str, **more: str) -> Process:
        """Start a process of a service, with more in its environment, and do not wait for it."""
        name = f"{service}-{len(self.of(service))}"
        environment = {**self.environment, **more}
        process = Process(name, service, self.folder / name, self.folder / f"{name}.log", environment)
        self.processes[name] = process
        process.start()
        return process

    def of(self, service: str) -> list[Process]:
        return [p for p in self.processes.values() if p.service == service]

    def command(self, *arguments: str) -> str:
        """Run the command as somebody who looks after the installation would."""
        done = subprocess.run(
            [COMMAND, *arguments, "--data", str(self.folder / "desk")],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def get(self, path: str, **query: object) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=60)
        try:
            connection.request("GET", path + ("?" + urlencode(query) if query else ""))
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def json(self, path: str, **query: object) -> Any:
        status, _, body = self.get(path, **query)
        assert status == 200, body[:500]
        return json.loads(body)

    def states(self) -> dict[str, str]:
        return {c["id"]: c["state"] for c in self.json("/api/v1/cameras")["items"]}

    def ledger(
        self, camera: str, start_us: int, end_us: int
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int, str]]]:
        """Recorded spans and gaps of a camera in a range, microseconds."""
        query = {"cameras": camera, "from": start_us / 1e6, "to": end_us / 1e6}
        item = self.json("/api/v1/timeline", **query)["items"][0]
        recorded = [(us(a), us(b)) for a, b in item["recorded"]]
        return recorded, [(us(g["from"]), us(g["to"]), g["cause"]) for g in item["gaps"]]

    def owners(self, work: str = "camera") -> dict[str, str | None]:
        """Return who holds the lease of each camera, or of each partition of another work."""
        assert work.isidentifier()
        return dict(self.rows(f"SELECT resource, owner FROM leases WHERE work = '{work}'"))

    def objects(self) -> list[str]:
        """Return the keys of all objects in the store, sorted."""
        store = self.bucket.open()
        try:
            return [info.key for info in store.list("")]
        finally:
            store.close()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database itself."""
        connection = self._connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def change(self, statement: str) -> None:
        """Change what is in the database."""
        connection = self._connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
            connection.commit()
        finally:
            connection.close()

    def _connect(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        return pymysql.connect(
            host="127.0.0.1", port=self.mariadb.port, user="gatehouse", password="test-only", database="site"
        )


@contextmanager
def cluster(folder: Path, **settings: str) -> Iterator[Cluster]:
    """Start broker, database and store; nothing of ours runs yet."""
    with ExitStack() as held:
        rabbit = RabbitMQ(folder / "rabbitmq").start()
        held.callback(rabbit.stop)
        mariadb = MariaDB(folder / "mariadb").start()
        held.callback(mariadb.stop)
        mariadb.sql("CREATE DATABASE site")
        store = held.enter_context(swift(folder / "swift"))
        bucket = store.bucket()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("GATEHOUSE_")}
        api_port = free_port()
        environment = {
            **clean,
            "GATEHOUSE_BROKER_URL": rabbit.url(),
            "GATEHOUSE_DATABASE_URL": mariadb.url("site"),
            "GATEHOUSE_STORAGE_URL": bucket.url,
            "GATEHOUSE_STORAGE__ACCESS_KEY": bucket.access_key,
            "GATEHOUSE_STORAGE__SECRET_KEY": bucket.secret_key,
            "GATEHOUSE_SERVICE__LISTEN": "127.0.0.1:0",
            "GATEHOUSE_SERVICE__TOKEN": TOKEN,
            "GATEHOUSE_API__PORT": str(api_port),
            "GATEHOUSE_LOG__FORMAT": "json",
            "GATEHOUSE_AUTH__MODE": "open",
            "GATEHOUSE_DETECTION__FRAMES": "off",
            **settings,
        }
        made = Cluster(folder, rabbit, mariadb, store, bucket, environment, api_port)
        try:
            yield made
        finally:
            for process in made.processes.values():
                if process.running is not None and process.running.poll() is None:
                    process.running.kill()
                    process.running.wait()


def now_us() -> int:
    return time.time_ns() // 1000

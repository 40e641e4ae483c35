"""An S3 server that is not ours: the one that GATEHOUSE_TEST_S3_URL names, else OpenStack Swift on this machine.

Swift speaks S3 by its middleware s3api: it checks signatures, keeps multipart uploads and knows ``If-None-Match``. It
comes from PyPI into an environment of its own (``scripts/install-test-tools``, ``make tools``).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

import containers
from gatehouse_common.settings.model import StorageSettings
from gatehouse_common.storage.s3 import S3Store, open_s3
from ports import free_ports

SWIFT = Path(__file__).resolve().parents[1] / "build" / "s3" / "bin"
USER, SECRET = "test:tester", "canary-secret"
_SERVERS = ("account", "container", "object", "proxy")
_MISSING = "no S3 server: `make tools` installs one, or GATEHOUSE_TEST_S3_URL names one (s3://bucket?endpoint=...)"


@dataclass(frozen=True)
class Bucket:
    """A bucket to test in, and who may."""

    url: str
    access_key: str = USER
    secret_key: str = SECRET

    def settings(self, **more: object) -> dict[str, object]:
        """Settings of a Gatehouse that keeps its footage there, as ``load`` takes them."""
        return {
            "storage_url": self.url,
            "storage.access_key": self.access_key,
            "storage.secret_key": self.secret_key,
            **more,
        }

    def below(self, name: str) -> Bucket:
        """The same bucket below a prefix of its own."""
        bucket, _, query = self.url.partition("?")
        return Bucket(f"{bucket}/{name}?{query}", self.access_key, self.secret_key)

    def open(self, **more: object) -> S3Store:
        return open_s3(
            self.url,
            StorageSettings.model_validate({"access_key": self.access_key, "secret_key": self.secret_key, **more}),
        )


class Swift:
    """Four processes on loopback, with all they know below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = dict(zip(_SERVERS, free_ports(len(_SERVERS)), strict=True))
        self.endpoint = f"http://127.0.0.1:{self.ports['proxy']}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._configure()

    def bucket(self, name: str = "footage") -> Bucket:
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=USER,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )
        client.create_bucket(Bucket=name)
        client.close()
        return Bucket(f"s3://{name}?endpoint={self.endpoint}")

    def start(self) -> None:
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        for name in _SERVERS:
            with (self.folder / f"{name}.log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [SWIFT / f"swift-{name}-server", self.folder / f"{name}.conf", "-v"],
                    stdout=log,
                    stderr=log,
                    env=environment,
                    start_new_session=True,
                )
        for name in _SERVERS:
            self._await(name)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        for process in self._processes.values():
            os.killpg(process.pid, how)
        for process in self._processes.values():
            process.wait(10)
        self._processes.clear()

    def _await(self, name: str) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self._processes[name].poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.ports[name])) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"swift-{name}-server does not start: {(self.folder / f'{name}.log').read_text()[-2000:]}")

    def _configure(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "dev" / "d1").mkdir(parents=True)
        (self.folder / "swift.conf").write_text(
            "[swift-hash]\nswift_hash_path_prefix = gatehouse\nswift_hash_path_suffix = test\n"
            "[storage-policy:0]\nname = gold\ndefault = yes\n"
        )
        for name in _SERVERS[:3]:
            (self.folder / f"{name}.conf").write_text(
                self._common(name) + "fallocate_reserve = 0\n"
                f"[pipeline:main]\npipeline = {name}-server\n[app:{name}-server]\nuse = egg:swift#{name}\n"
            )
            self._ring(name)
        filters = ("catch_errors", "gatekeeper", "listing_formats", "s3api", "tempauth", "bulk", "copy", "slo")
        options = {
            "s3api": "s3_acl = false\ndns_compliant_bucket_names = false\nlocation = us-east-1\n"
            "check_bucket_owner = false\n",
            "tempauth": f"user_{USER.replace(':', '_')} = {SECRET} .admin\n",
        }
        (self.folder / "proxy.conf").write_text(
            self._common("proxy") + f"[pipeline:main]\npipeline = {' '.join(filters)} symlink proxy-server\n"
            "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\nallow_account_management = true\n"
            + "".join(f"[filter:{f}]\nuse = egg:swift#{f}\n{options.get(f, '')}" for f in (*filters, "symlink"))
        )

    def _common(self, name: str) -> str:
        return (
            f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {self.ports[name]}\nswift_dir = {self.folder}\n"
            f"devices = {self.folder}/dev\nmount_check = false\nworkers = 0\nlog_level = WARNING\n"
            f"log_address = {self.folder}/no-syslog\nrecon_cache_path = {self.folder}\n"
        )

    def _ring(self, name: str) -> None:
        def build(*words: str) -> None:
            subprocess.run(
                [SWIFT / "swift-ring-builder", self.folder / f"{name}.builder", *words],
                stdout=subprocess.DEVNULL,
                check=False,  # a ring of one device is a warning, and an exit code of 1
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )

        build("create", "4", "1", "0")
        build("add", f"r1z1-127.0.0.1:{self.ports[name]}/d1", "1")
        build("rebalance")


@contextmanager
def swift(folder: Path) -> Iterator[Swift]:
    """A server that a test may stop and start; the test is skipped where there is none (in CI that is a failure)."""
    if not (SWIFT / "swift-proxy-server").exists():
        pytest.skip(_MISSING)
    server = Swift(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def bucket(folder: Path) -> Iterator[Bucket]:
    """A bucket of whatever server there is, below a prefix that nobody else uses."""
    url = os.environ.get("GATEHOUSE_TEST_S3_URL")
    if url:
        keys = (os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", ""))
        yield Bucket(url, *keys).below(f"test-{uuid.uuid4().hex[:12]}")
        return
    if not (SWIFT / "swift-proxy-server").exists() and containers.works():
        url = f"s3://footage?endpoint={containers.s3_endpoint()}"
        yield Bucket(url, "gatehouse", containers.PASSWORD).below(f"test-{uuid.uuid4().hex[:12]}")
        return
    with swift(folder) as server:
        yield server.bucket()

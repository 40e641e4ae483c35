"""Gatehouse as its users have it: a process, its web server, its command line. Nothing of ours is imported."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import av

COMMAND = str(Path(sys.executable).with_name("gatehouse"))
QUICK = {
    "GATEHOUSE_RECORDING__CHUNK_SECONDS": "2",
    "GATEHOUSE_LOG__FORMAT": "json",
    "GATEHOUSE_AUTH__MODE": "open",  # tests of who may do what say otherwise
    "GATEHOUSE_DETECTION__FRAMES": "off",  # tests of plates say otherwise; the others leave the cores to recording
}
T = TypeVar("T")


def environment(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GATEHOUSE_")}
    return {**clean, **QUICK, **more}


def command(*args: str, timeout: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *args], capture_output=True, text=True, timeout=timeout, env=environment(**more), check=False
    )


def wait_for(what: str, found: Callable[[], T | None], timeout: float = 30.0) -> T:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"no {what} within {timeout:g} s")


def us(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return round(moment.timestamp() * 1_000_000)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Running:
    """A `gatehouse up`; a context manager that ends it, if need be by force."""

    def __init__(self, data: Path, *args: str, log: Path, **more: str) -> None:
        self.data, self.log = data, log
        self._out = log.open("ab")
        self._from = self._out.tell()
        self.process = subprocess.Popen(
            [COMMAND, "up", "--data", str(data), "--port", "0", *args],
            stdout=self._out,
            stderr=subprocess.STDOUT,
            env=environment(**more),
        )
        self.url = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._out.close()

    def said(self) -> str:
        return self.log.read_bytes()[self._from :].decode(errors="replace")

    def ready(self, timeout: float = 30.0) -> Self:
        def address() -> str:
            assert self.process.poll() is None, f"gatehouse ended:\n{self.said()[-3000:]}"
            match = re.search(r"^Open (http://\S+?)/?$", self.said(), re.MULTILINE)
            return match[1] if match else ""

        try:
            self.url = wait_for("web server", address, timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}; what it said:\n{self.said()[-3000:]}") from None
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, timeout: float = 10.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request; words of a header's name are joined by ``_``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def get(self, path: str, **query: object) -> Answer:
        return self.ask("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def json(self, path: str, **query: object) -> Any:
        answer = self.get(path, **query)
        assert answer.status == 200, answer.body[:500]
        return json.loads(answer.body)

    def camera(self, camera: str) -> dict[str, Any]:
        return next(c for c in self.json("/api/v1/cameras")["items"] if c["id"] == camera)

    def recording(self, *cameras: str, timeout: float = 30.0) -> None:
        def all_do() -> bool:
            states = {c["id"]: c["state"] for c in self.json("/api/v1/cameras")["items"]}
            return all(states.get(camera) == "recording" for camera in cameras)

        wait_for(f"recording of {', '.join(cameras)}", all_do, timeout)

    def ledger(self, camera: str, since_us: int = 0) -> tuple[list[tuple[int, int]], list[tuple[int, int, str]]]:
        """Recorded spans and closed gaps of a camera, in microseconds."""
        now = time.time_ns() // 1000
        start = since_us or now - 3_600_000_000
        item = self.json("/api/v1/timeline", cameras=camera, **{"from": start / 1e6, "to": (now + 60_000_000) / 1e6})[
            "items"
        ][0]
        recorded = [(us(a), us(b)) for a, b in item["recorded"]]
        gaps = [(us(g["from"]), us(g["to"]), g["cause"]) for g in item["gaps"] if not g.get("open")]
        return recorded, gaps


def decode(film: Path | bytes) -> int:
    """Decode a whole film strictly; return how many pictures it shows."""
    source = io.BytesIO(film) if isinstance(film, bytes) else str(film)
    with av.open(source) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"err_detect": "explode"}
        return sum(1 for _ in container.decode(stream))


def recordings(data: Path) -> list[Path]:
    return sorted((data / "recordings").rglob("*.mp4"))


def leftovers(data: Path) -> list[Path]:
    return sorted((data / "spool").rglob("*.mp4"))

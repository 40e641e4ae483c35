"""Start docker-compose.yml for real and see that it does what docs/operations.md says: `make compose`.

Needs a Docker engine with its compose plugin. Images are those that the file names, or what RABBITMQ_IMAGE,
MYSQL_IMAGE, S3_IMAGE with S3_COMMAND, and PROMETHEUS_IMAGE say. All is made under a project of its own, and removed at
the end. It takes three minutes, and eight with --alert.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECRETS = ("RABBITMQ_PASSWORD", "MYSQL_PASSWORD", "S3_SECRET_KEY", "SERVICE_TOKEN", "SEALING_KEY")
PROCESSES = 11
"""So many does Prometheus ask: two recorders, segmenters, indexers and janitors, and one of each other service."""
LONGEST_GAP_S = 20.0


class Site:
    """A running project of compose."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        made = {name: secrets.token_hex(24) for name in SECRETS}
        self._environment = {**os.environ, **made, "PORT": str(self.port)}
        self.secrets, self.token = list(made.values()), ""

    def compose(self, *arguments: str, timeout: float = 600) -> str:
        """Call `docker compose`; return what it printed, or end with what it said."""
        command = ["docker", "compose", "--project-name", "gatehouse-try", "--profile", "monitoring", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        if done.returncode:
            raise AssertionError(f"{' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a container."""
        return self.compose("exec", "-T", service, *command)

    def get(self, path: str, **query: str) -> bytes:
        """Ask the api."""
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def ask_prometheus(self, query: str) -> list[dict[str, str]]:
        """Return the labels of what a query finds."""
        told = self.inside("prometheus", "promtool", "query", "instant", "http://127.0.0.1:9090", query)
        return [dict(re.findall(r'(\w+)="([^"]*)"', line)) for line in told.splitlines() if line.strip()]


def main() -> None:
    """Try it, tell what was seen, and take all of it away."""
    site = Site()
    try:
        try_it(site)
        if "--alert" in sys.argv[1:]:
            try_alert(site)
        logs = site.compose("logs", "--no-color")
        assert not [one for one in site.secrets if one in logs], "a secret is in a log"
    finally:
        site.compose("down", "--volumes")


def try_it(site: Site) -> None:
    """See it start, record, answer, and be upgraded."""
    site.compose("build", timeout=1800)
    began = time.monotonic()
    services = [name for name in site.compose("config", "--services").split() if name != "grafana"]
    site.compose(
        "up", "--detach", "--wait", *[name for name in services if name not in {"prometheus", "bucket", "demo"}]
    )
    print(f"all healthy after {time.monotonic() - began:.0f} s")
    site.compose("up", "--detach", "prometheus")
    site.inside(
        "api",
        "sh",
        "-c",
        "echo correct-horse-battery > /tmp/p; gatehouse user add ann --role admin --password-file /tmp/p",
    )
    scopes = [
        word
        for scope in ("cameras:read", "footage:read", "footage:export", "plates:read")
        for word in ("--scope", scope)
    ]
    site.token = site.inside("api", "gatehouse", "token", "create", "--user", "ann", "--name", "try", *scopes).split()[
        -1
    ]
    wait("every process is asked", lambda: len(site.ask_prometheus("up == 1")) == PROCESSES, 90)
    print(f"Prometheus asks {PROCESSES} processes, and each answers")
    wait("a plate", lambda: json.loads(site.get("/api/v1/plates"))["items"], 120)
    film = site.get("/api/v1/footage", camera="demo", **{"from": at(-25), "to": at(-15)})
    assert film[4:8] == b"ftyp", film[:100]
    print(f"10 s of footage: {len(film)} bytes")
    for recorder in ("capture-1", "capture-2"):
        site.compose("up", "--detach", "--no-deps", "--force-recreate", "--wait", recorder)
        time.sleep(20)  # as an upgrade one after the other
    ledger = json.loads(site.get("/api/v1/coverage", camera="demo", **{"from": at(-60), "to": at(-5)}))["items"][0]
    gaps = sum(ledger["gap_seconds"].values())
    assert ledger["unexplained_seconds"] == 0, ledger
    assert gaps <= LONGEST_GAP_S, ledger
    print(f"both recorders made anew: {gaps:.1f} s were not recorded, {ledger['gap_seconds']}")
    report = json.loads(site.inside("api", "gatehouse", "check", "--quick", "--json"))
    assert report["problems"] == [], report
    print(f"index and store agree: {report['files']} files")


def try_alert(site: Site) -> None:
    """See that a service which is not there calls somebody."""
    site.compose("stop", "indexer")
    firing = 'ALERTS{alertname="GatehouseServiceAbsent",alertstate="firing"}'
    wait("the alert", lambda: site.ask_prometheus(firing), 480)
    print("GatehouseServiceAbsent fires without an indexer")
    site.compose("start", "indexer")
    wait("its end", lambda: not site.ask_prometheus(firing), 120)


def wait(what: str, happens: Any, seconds: float) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, f"{what} did not come within {seconds:.0f} s"
        time.sleep(2)


def at(seconds: float) -> str:
    """The time so long from now, RFC 3339."""
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


if __name__ == "__main__":
    main()

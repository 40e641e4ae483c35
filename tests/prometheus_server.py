"""A Prometheus of the tests' own, on what deploy/prometheus says, and what its queries ask for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ports import free_port
from running import wait_for

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
_NAME = re.compile(r"\b(?:gatehouse|process|python)_\w+|\bup\b")


@dataclass(frozen=True)
class Query:
    """A query, and where it is from."""

    where: str
    expr: str

    @property
    def metrics(self) -> set[str]:
        """The names of the samples that it asks for."""
        return set(_NAME.findall(re.sub(r'"[^"]*"', "", self.expr)))


def rules() -> list[tuple[str, dict[str, Any]]]:
    """Return every alert that is shipped, with the file that it is in."""
    return [
        (path.name, rule)
        for path in sorted((SHIPPED / "rules").glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def alert_queries() -> list[Query]:
    """Return the expressions of all alerts."""
    return [Query(f"{file}: {rule['alert']}", rule["expr"]) for file, rule in rules()]


def panel_queries() -> list[Query]:
    """Return the queries of all dashboards, of all cameras."""
    return [
        Query(f"{path.stem}: {panel['title']}", target["expr"].replace("$camera", ".+"))
        for path in DASHBOARDS
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
    ]


def promtool(*arguments: str, given: str | None = None, cwd: Path = SHIPPED) -> subprocess.CompletedProcess[str]:
    """Run Prometheus' own checker."""
    return subprocess.run(
        ["promtool", *arguments], input=given, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def samples_of(text: str) -> set[str]:
    """Return the names under which what an exposition declares can be asked for, whether or not there is one now."""
    names: set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
        names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
    return names


class Prometheus:
    """A running one."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self._port, self._process, self._log = port, process, log

    def ask(self, path: str, **query: str) -> Any:
        """Return the data of an answer of its API."""
        asked = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{query}: {error.read().decode()[:500]}") from error

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return the series that an expression is now; one that is wrong fails."""
        found: list[dict[str, Any]] = self.ask("query", query=expr)["result"]
        return found

    def targets(self) -> dict[str, list[str]]:
        """Return how each target is, by job."""
        found: dict[str, list[str]] = {}
        for one in self.ask("targets")["activeTargets"]:
            found.setdefault(one["labels"]["job"], []).append(one["health"])
        return found

    def firing(self, alert: str) -> list[dict[str, str]]:
        """Return the labels of what an alert fires for."""
        alerts = self.ask("alerts")["alerts"]
        return [a["labels"] for a in alerts if a["labels"]["alertname"] == alert and a["state"] == "firing"]

    def wrong_rules(self) -> list[tuple[str, str]]:
        """Return the rules that cannot be evaluated, each with why."""
        groups = self.ask("rules")["groups"]
        return [(r["name"], r["lastError"]) for group in groups for r in group["rules"] if r["health"] == "err"]

    def is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text(errors="replace")[-3000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def prometheus(
    folder: Path,
    shipped: str,
    addresses: Mapping[str, Sequence[str]],
    token: str = "",
    patience: str = "",
    write_rules: Callable[[Path], None] | None = None,
    every: tuple[str, str] = ("1s", "1s"),
) -> Iterator[Prometheus]:
    """Run one on a configuration that is shipped; only where services are, and how often is looked, is another.

    Args:
        folder: for its files.
        shipped: the configuration's name.
        addresses: of services, by job.
        token: what is shown to them, where the configuration names a file with one.
        patience: in place of the time for which something has to be so before an alert fires.
        write_rules: writes other files of rules in place of those that are shipped.
        every: how often is looked, and how often rules are judged.
    """
    home = folder / "prometheus"
    shutil.copytree(SHIPPED, home)
    settings = yaml.safe_load((home / shipped).read_text())
    settings["global"] = {"scrape_interval": every[0], "evaluation_interval": every[1]}
    assert {job["job_name"] for job in settings["scrape_configs"]} == addresses.keys()
    for job in settings["scrape_configs"]:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": list(addresses[job["job_name"]])}]
    (home / shipped).write_text(yaml.safe_dump(settings))
    (home / "gatehouse.token").write_text(token)
    if patience:
        for path in (home / "rules").glob("*.yml"):
            path.write_text(re.sub(r"for: \w+", f"for: {patience}", path.read_text()))
    if write_rules is not None:
        write_rules(home / "rules")
    port, log = free_port(), folder / "prometheus.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={home / shipped}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        made = Prometheus(port, process, log)
        wait_for("Prometheus", made.is_ready, 60)
        yield made
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

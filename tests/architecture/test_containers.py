"""The files for containers say what the program understands, and hold no secret that cannot be changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from gatehouse.cli.entry import root
from gatehouse_common.settings import load

ROOT = Path(__file__).parents[2]
MONITORING = {"prometheus", "grafana"}
SERVERS = {"rabbitmq", "mysql", "s3", *MONITORING}
FILLED = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text()
    read = yaml.safe_load(FILLED.sub(lambda found: found[2] or "", text))
    assert isinstance(read, dict)
    return read


def ours(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in compose["services"].items() if name not in SERVERS}


def test_every_setting_in_the_compose_file_is_one(compose: dict[str, Any]) -> None:
    """One that is not known stops every process at its start, with its name."""
    for one in ours(compose).values():
        environ = {name: str(value) for name, value in one["environment"].items()}
        values = load({}, environ=environ).values
        assert values.broker_url.startswith("amqp://")
        assert values.database_url.startswith("mysql://")
        assert values.storage_url.startswith("s3://")


def test_every_setting_in_the_image_is_one() -> None:
    text = (ROOT / "Dockerfile").read_text()
    named = dict(re.findall(r"^\s*(?:ENV )?(GATEHOUSE_\w+)=(\S+)", text, re.MULTILINE))
    assert "GATEHOUSE_DATA_DIR" in named
    load({}, environ=named)


def test_every_command_in_the_compose_file_is_one(compose: dict[str, Any]) -> None:
    for name, one in ours(compose).items():
        if "entrypoint" in one:
            continue
        # With --help at the end everything before it is read, and nothing is done.
        shown = CliRunner().invoke(root, [*one["command"], "--help"])
        assert shown.exit_code == 0, f"{name}: {shown.output}"


def test_every_kind_of_process_is_there_and_recorders_keep_their_spools(compose: dict[str, Any]) -> None:
    """A recorder's spool has a name of its own: `docker compose down` takes away those that have none."""
    services = ours(compose)
    runs = {name: one["command"][1] for name, one in services.items() if one.get("command", [""])[0] == "run"}
    assert set(runs.values()) == {"capture", "segmenter", "detector", "indexer", "janitor", "transcoder", "api"}
    spools = [services[name]["volumes"] for name, kind in runs.items() if kind == "capture"]
    names = [volume.partition(":")[0] for (volume,) in spools]
    assert len(set(names)) == len(names) >= 2
    assert set(names) <= compose["volumes"].keys()


def test_nothing_but_the_api_and_graphs_can_be_reached_and_that_from_this_machine_only(compose: dict[str, Any]) -> None:
    ports = {name: one["ports"] for name, one in compose["services"].items() if "ports" in one}
    assert ports == {"api": ["127.0.0.1:5000:5000"], "grafana": ["127.0.0.1:3000:3000"]}
    for one in [*ours(compose).values(), *(compose["services"][name] for name in MONITORING)]:
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]


def test_every_secret_can_be_set_in_one_place() -> None:
    example = (ROOT / "deploy" / "compose.env.example").read_text()
    for name, default in FILLED.findall((ROOT / "docker-compose.yml").read_text()):
        if default == "only-on-this-machine":
            assert f"\n{name}=\n" in f"\n{example}", name


def test_the_image_takes_what_it_is_built_from() -> None:
    """Whatever is copied is let through to the builder."""
    let_through = (ROOT / ".dockerignore").read_text().split()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    for name in " ".join(copied).split():
        assert f"!{name}" in let_through
        assert (ROOT / name).exists()

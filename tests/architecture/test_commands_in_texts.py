"""What texts have people type can be typed: commands and options of `gatehouse`, targets of make, systemd's unit."""

from __future__ import annotations

import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

from gatehouse.cli.entry import root

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def typed(path: Path, program: str) -> list[str]:
    """Return the lines that a text has people type to a program: whole blocks of shell, and code in sentences."""
    text = path.read_text()
    blocks = re.findall(r"^ *```(?:sh|bash)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", rest)]
    begin = re.compile(rf"(?:^|&& |sudo |\$\(|bin/|-- |exec [\w-]+ ){program} +([^|<>;&)]+)")
    return [found[1] for line in lines if (found := begin.search(re.sub(r"(^| )#.*", "", line)))]


def test_commands_are_found_at_all() -> None:
    assert len([line for path in TEXTS for line in typed(path, "gatehouse")]) > 60
    assert len([line for path in TEXTS for line in typed(path, "make")]) > 10


def wrong_with(words: list[str]) -> str:
    """Return what `gatehouse` would not know of some words; empty: nothing."""
    command: click.Command = root
    context = click.Context(root)
    while isinstance(command, click.Group) and words and re.fullmatch(r"[a-z][a-z-]*", words[0].split("|")[0]):
        found = command.get_command(context, words[0].split("|")[0])
        if found is None:
            return f"there is no command {words[0]!r} in {command.name}"
        command, words = found, words[1:]
    known = {name for one in command.get_params(context) for name in one.opts + one.secondary_opts}
    unknown = [word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    return f"{command.name} has no {unknown}" if unknown else ""


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_commands_and_options_are_there(path: Path) -> None:
    wrong = {}
    for line in typed(path, "gatehouse"):
        words = shlex.split(re.sub(r"[][']", "", line))
        if words and (told := wrong_with(words)):
            wrong[line] = told
    assert wrong == {}


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_targets_of_make_are_there(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for line in typed(path, "make") for word in line.split() if re.fullmatch(r"[a-z]+", word)}
    assert named - targets == set()


def test_the_unit_of_systemd_fits_to_the_program_and_to_itself() -> None:
    """It gives as much time to end as containers have, and writes where its data are."""
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "deploy" / "systemd" / "gatehouse.service")
    service = unit["Service"]
    assert wrong_with(service["ExecStart"].split()[1:]) == ""
    assert f"stop_grace_period: {service['TimeoutStopSec']}s" in (ROOT / "docker-compose.yml").read_text()
    data = service["Environment"].removeprefix("GATEHOUSE_DATA_DIR=")
    assert data == service["ReadWritePaths"] == service["WorkingDirectory"] == unit["Unit"]["RequiresMountsFor"]

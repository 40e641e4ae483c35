"""What a bench says: the figure, its reference in the same run, the ratio, and what it was measured on."""

from __future__ import annotations

import json
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.pace import Pace

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table.

    Attributes:
        id: the target's id, e.g. ``P3``.
        what: what was measured, in words.
        value: the figure, with its unit in ``unit``.
        reference: the reference's figure in the same unit and run, or None where there is none.
        target: the target in words.
        met: whether the target was reached.
        on: what it was measured on: codec, size, rate, length, count.
        more: further figures of the same run, by their names.
        more_is_better: whether a larger figure is the better one.
    """

    id: str
    what: str
    value: float
    unit: str
    target: str
    met: bool
    reference: float | None = None
    on: str = ""
    more: dict[str, float | str] = field(default_factory=dict)
    more_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """Value divided by reference: measured in one run, it can be carried to other machines."""
        return self.value / self.reference if self.reference else None


def saved() -> list[dict[str, Any]]:
    """Return the lines of ``bench/results.json``, as they were saved."""
    lines: list[dict[str, Any]] = json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else []
    return lines


def save(results: list[Result], pace: Pace) -> None:
    """Write ``bench/results.json``: lines measured now replace their older selves, others stay.

    Each line says when it was measured, of which version, and how fast the machine was; the machine is the one of the
    newest.

    Args:
        results: lines.
        pace: of the machine about then.
    """
    made = {
        "when": str(datetime.now(UTC).date()),
        "version": version(),
        "pace": {name: round(took, 3) for name, took in asdict(pace).items()},
    }
    now = [{**asdict(r), "ratio": r.ratio, **made} for r in results]
    measured = {(r["id"], r["what"]) for r in now}
    kept = [r for r in saved() if (r["id"], r["what"]) not in measured]
    lines = sorted(kept + now, key=lambda r: (r["id"][0] != "P", int(r["id"][1:]), r["what"]))
    machine = {"cpu": cpu_model(), "system": platform.platform(), "python": platform.python_version()}
    RESULTS.write_text(json.dumps({"machine": machine, "results": lines}, indent=1) + "\n")


def version() -> str:
    """Return what is measured: the commit, and a ``+`` if files of the program differ from it; empty without git."""
    root = RESULTS.parents[1]
    commands = (["git", "rev-parse", "--short", "HEAD"], ["git", "status", "--porcelain", "libs", "services"])
    try:
        commit, changed = (
            subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout.strip()
            for command in commands
        )
    except OSError:
        return ""
    return commit + "+" * bool(changed)


def cpu_model() -> str:
    """Return the processor's name and how many of it there are."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} x {names[0] if names else 'unknown'}"

"""What a bench says: the figure, its reference in the same run, the ratio, and what it was measured on."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

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

    @property
    def ratio(self) -> float | None:
        """Value divided by reference: below one is better than the reference."""
        return self.value / self.reference if self.reference else None


def show(results: list[Result]) -> None:
    """Print the table."""
    table = Table(title="Gatehouse beside its references")
    for column in ("id", "what", "figure", "reference", "ratio", "target", "met", "on"):
        table.add_column(column, overflow="fold")
    for r in results:
        ratio = "" if r.ratio is None else f"{r.ratio:.3g}"
        reference = "" if r.reference is None else f"{r.reference:.4g} {r.unit}"
        met = "[green]yes[/]" if r.met else "[red]no[/]"
        table.add_row(r.id, r.what, f"{r.value:.4g} {r.unit}", reference, ratio, r.target, met, r.on)
    Console(width=160).print(table)


def save(results: list[Result]) -> None:
    """Write ``bench/results.json``: lines measured now replace their older selves, others stay."""
    old = json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else []
    now = [{**asdict(r), "ratio": r.ratio} for r in results]
    measured = {(r["id"], r["what"]) for r in now}
    kept = [r for r in old if (r["id"], r["what"]) not in measured]
    lines = sorted(kept + now, key=lambda r: (r["id"][0] != "P", int(r["id"][1:]), r["what"]))
    machine = {"cpu": cpu_model(), "system": platform.platform(), "python": platform.python_version()}
    RESULTS.write_text(json.dumps({"machine": machine, "results": lines}, indent=1) + "\n")


def cpu_model() -> str:
    """Return the processor's name and how many of it there are."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} x {names[0] if names else 'unknown'}"

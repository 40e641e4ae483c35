"""Every target with what was found: a table on the terminal, and docs/figures.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.result import RESULTS, saved
from bench.targets import TARGETS, Target, why

PAGE = RESULTS.parents[1] / "docs" / "figures.md"
FAULTS = PAGE.with_name("reliability.json")

HEAD = """# Figures

Every target with what was measured last, beside its reference in the same run. A ratio can be carried from machine to
machine; a time cannot. `make bench` measures anew what is fast, cheap and well read, and makes this page, of
[bench/results.json](../bench/results.json); `make bench-compare` says what has become worse since a commit; and
`make faults` does the others, which are told in [reliability.md](reliability.md) too. Where nothing is wanted, the
figure is told.

The newest was measured on {cpu}, {system}, Python {python}. Others use that machine too. Its *pace* is how many
seconds a fixed loop of Python took about the time of the measurement, and how many a GiB of memory that is written to
for the first time: where they are larger times are longer, and ratios are worse as well, for a reference needs less of
both.

"""
TOLD = "told"
"""The target of a figure of which nothing is wanted."""
COLUMNS = ("id", "what", "figure", "reference", "ratio", "target", "met", "measured on, when; why it falls short")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table, as it is shown."""

    id: str
    what: str
    figure: str
    reference: str
    ratio: str
    target: str
    met: bool | None
    on: str
    short: str


def lines() -> Iterator[Line]:
    """Yield what was found for each target, then what else was measured; a target without a finding says so."""
    benches, faults = saved(), _faults()
    known = {target.id for target in TARGETS}
    for target in TARGETS:
        found = [_measured(r) for r in benches if r["id"] == target.id]
        found += [_found(f) for f in faults if f["target"] == target.id]
        yield from found or [_missing(target)]
    yield from (_measured(r) for r in benches if r["id"] not in known)
    yield from (_found(f) for f in faults if f["target"] not in known)


def _faults() -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(FAULTS.read_text(encoding="utf-8")) if FAULTS.exists() else []
    return told


def _measured(r: dict[str, Any]) -> Line:
    reference = "" if r["reference"] is None else f"{r['reference']:.4g} {r['unit']}".strip()
    ratio = "" if r["ratio"] is None else f"{r['ratio']:.3g}"
    figure = f"{r['value']:.4g} {r['unit']}".strip()
    at_pace = "pace {steps_s:.2f} and {memory_s:.1f} s".format(**r["pace"]) if r.get("pace") else ""
    on = ", ".join(filter(None, (r["on"], r.get("when", ""), at_pace)))
    short = "" if r["met"] else why(r["id"], r["what"])
    return Line(r["id"], r["what"], figure, reference, ratio, r["target"], r["met"], on, short)


def _found(f: dict[str, Any]) -> Line:
    short = "" if f["met"] else why(f["target"], f["what"])
    return Line(f["target"], f["what"], f["figure"], "", "", f["wanted"], f["met"], f["on"], short)


def _missing(t: Target) -> Line:
    return Line(t.id, t.what, "", t.reference, "", t.target, None, t.measured_by, "")


def _cells(line: Line) -> list[str]:
    met = "not measured" if line.met is None else "told" if line.target == TOLD else "yes" if line.met else "no"
    on = f"{line.on}. Why: {line.short}" if line.short else line.on
    return [line.id, line.what, line.figure, line.reference, line.ratio, line.target, met, on]


def show() -> None:
    """Print the table, every target of it, and how many are met."""
    table = Table(title="Gatehouse: every target, with what was found last")
    for column in (*COLUMNS[:-1], "why it falls short"):
        table.add_column(column, overflow="fold")
    every = list(lines())
    colours = {True: "green", False: "red", None: "yellow"}
    for line in every:
        cells = [escape(cell) for cell in _cells(line)]
        cells[6:] = f"[{colours[line.met]}]{cells[6]}[/]", escape(line.short if line.met is not None else line.on)
        table.add_row(*cells)
    console = Console(width=180)
    console.print(table)
    wanted = [line for line in every if line.target != TOLD]
    met = sum(line.met is True for line in wanted)
    console.print(
        f"{met} of {len(wanted)} lines are met; {len(every) - len(wanted)} are told, where nothing is wanted."
    )


def page() -> str:
    """Return docs/figures.md."""
    machine = json.loads(RESULTS.read_text())["machine"]
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_cells(line) for line in lines())]
    return HEAD.format(**machine) + "".join(_row(cells) for cells in rows)


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def main() -> None:
    """Print all, and write the page."""
    show()
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

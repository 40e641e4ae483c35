"""What has become worse or better since a commit, by the figures that are kept: ``python -m bench.compare [COMMIT]``.

A line with a reference is compared by its ratio, since that was measured beside it in one run; others by their figure,
which says something only where the machine is the same.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.result import RESULTS

TOLERANCE = float(os.environ.get("TOLERANCE", "0.25"))
"""By how much a figure may be worse: as much as it differs from run to run on a machine that others use too."""
_EXPONENT, _WAVERS = "exponent", 0.15
"""By how much one may be larger: as much as is called flat."""


def main() -> int:
    """Print what has changed; return 1 where something is worse."""
    base = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    command = ["git", "show", f"{base}:bench/results.json"]
    told = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False)
    if told.returncode:
        sys.exit(f"There are no figures of {base}: {told.stderr.strip()}")
    old, new = json.loads(told.stdout), json.loads(RESULTS.read_text())
    found = changes(old["results"], new["results"])
    table = Table(title=f"Since {base}" + ("" if old["machine"] == new["machine"] else ", on another machine"))
    for column in ("id", "what", "before", "now", "change", ""):
        table.add_column(column, overflow="fold")
    for change in found:
        table.add_row(*map(escape, change))
    Console(width=140).print(table)
    worse = sum(change[-1].startswith("worse") for change in found)
    print(f"{worse} worse, of {len(found)} that were measured anew.")
    return 1 if worse else 0


def changes(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[tuple[str, str, str, str, str, str]]:
    """Return a row for each line that was measured anew, and one for each that is gone.

    Args:
        old: the lines of ``bench/results.json`` of before.
        new: those of now.
    """
    before = {(r["id"], r["what"]): r for r in old}
    rows = []
    for line in new:
        was = before.pop((line["id"], line["what"]), None)
        if was is None or was == line:
            continue
        by = "ratio" if line["ratio"] is not None and was["ratio"] is not None else "value"
        unit = "x" if by == "ratio" else line["unit"]
        shown = [f"{one[by]:.4g} {unit}".strip() for one in (was, line)]
        step = line[by] - was[by]
        if unit == _EXPONENT:  # about nought is usual, and a share of it says nothing
            change, told = step / _WAVERS * TOLERANCE, f"{step:+.2g}"
        else:
            change = step / abs(was[by]) if was[by] else 0.0 if not step else math.copysign(math.inf, step)
            told = f"{change:+.0%}"
        rows.append((line["id"], line["what"], *shown, told, _verdict(was, line, change)))
    rows += [(id_, what, f"{was['value']:.4g} {was['unit']}", "", "", "gone") for (id_, what), was in before.items()]
    return rows


def _verdict(was: dict[str, Any], line: dict[str, Any], change: float) -> str:
    if was["on"] != line["on"]:
        return "measured under other conditions"
    gain = change if line.get("more_is_better") else -change
    if was["met"] and not line["met"]:
        return "worse: not met any more" + _slower(was, line)
    if gain < -TOLERANCE:
        return "worse" + _slower(was, line)
    if line["met"] and not was["met"]:
        return "better: met now"
    return "better" if gain > TOLERANCE else ""


def _slower(was: dict[str, Any], line: dict[str, Any]) -> str:
    """Return what there is to say of a machine that is slower than it was: also ratios suffer, if less than times."""
    before, now = was.get("pace"), line.get("pace")
    times = max(now[name] / before[name] for name in now) if before and now else 0
    return f"; the machine is up to {times:.1f} times as slow" if times > 1 + TOLERANCE else ""


if __name__ == "__main__":
    sys.exit(main())

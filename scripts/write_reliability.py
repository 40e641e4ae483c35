"""Write docs/reliability.md from what `make faults` has found; lines of what it did not try stay."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reliability.md"
KEPT = PAGE.with_name("reliability.json")

Line = dict[str, Any]

HEAD = """# What faults cost

Every line is what one test has found, at the length that its target says: those of `tests/faults/` and of
`tests/integration/cluster/`, black boxes on real files, real cameras and real processes; for days that nobody
waits for, `tests/integration/capture/test_long_days.py`, on a clock of its own; and what is asked of every route, and
of every car of a film, of `tests/integration/api` and `detector`. `make faults` makes this page (as root,
for it mounts file systems); `make test` does the same faults for a shorter time, on every change. What a fast camera's
clock, and one that is set back, do to dates is told in [design/time.md](design/time.md).

| target | what was done | what came of it | what was wanted | met | when, on |
|---|---|---|---|---|---|
"""


def main() -> int:
    """Merge the findings of the named file into those that are kept, and write the page."""
    told = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    known = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else []
    when = f"{datetime.now(UTC).date()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    kept, fresh = merged(known, told)
    lines = kept + [{**line, "on": when} for line in fresh]
    lines.sort(key=lambda line: (line["target"], line["what"]))
    KEPT.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(HEAD + "".join(_row(line) for line in lines), encoding="utf-8")
    print(f"{PAGE}: {len(fresh)} findings, {sum(not line['met'] for line in fresh)} of them not as wanted")
    return 0


def merged(known: list[Line], told: list[Line]) -> tuple[list[Line], list[Line]]:
    """Return the findings of before that stand, and those of now.

    Those of a test that was run do not stand; of one that failed nothing is met, whatever it told before it did.

    Args:
        known: findings of before, with the test, or the file of tests, that made each.
        told: what tests have said now: findings, and ``{"ran": test, "passed": whether}`` of each.
    """
    found = [line for line in told if "target" in line]
    ran = {line["ran"] for line in told if "ran" in line}
    failed = {line["ran"] for line in told if "ran" in line and not line["passed"]}
    again = {line["test"] for line in found}
    kept, fresh = list[Line](), list[Line]()
    for line in found:
        is_true = not _is_of(line, failed)
        fresh.append(line if is_true else {**line, "met": False, "figure": f"{line['figure']}; the test failed"})
    for line in known:
        if line["test"] in again:
            continue
        if _is_of(line, failed):
            fresh.append({**line, "met": False, "figure": "the test failed"})
        elif line["test"] not in ran:
            kept.append(line)
    return kept, fresh


def _is_of(line: Line, tests: set[str]) -> bool:
    """Return whether a finding is of one of these tests, or of a file with one of them."""
    of = line["test"]
    return of in tests or ("::" not in of and any(test.startswith(f"{of}::") for test in tests))


def _row(line: Line) -> str:
    cells = [
        line["target"],
        line["what"],
        line["figure"],
        line["wanted"],
        "yes" if line["met"] else "**no**",
        line["on"],
    ]
    return "| " + " | ".join(cells) + " |\n"


if __name__ == "__main__":
    sys.exit(main())

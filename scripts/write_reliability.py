"""Write docs/reliability.md from what `make faults` has found; lines of targets that it did not try stay."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reliability.md"
KEPT = PAGE.with_name("reliability.json")

HEAD = """# What faults cost

Every line is what one test has found, at the length that its target says: those of `tests/faults/` and of
`tests/integration/cluster/`, black boxes on real files, real cameras and real processes; and, for days that nobody
waits for, `tests/integration/capture/test_long_days.py`, on a clock of its own. `make faults` makes this page (as root,
for it mounts file systems); `make test` does the same faults for a shorter time, on every change. What a fast camera's
clock, and one that is set back, do to dates is told in [design/time.md](design/time.md).

| target | what was done | what came of it | what was wanted | met | when, on |
|---|---|---|---|---|---|
"""


def main() -> int:
    """Merge the findings of the named file into those that are kept, and write the page."""
    lines = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    known = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else []
    tried = {line["target"] for line in lines}
    when = f"{datetime.now(UTC).date()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    fresh = [{**line, "on": when} for line in lines]
    kept = [line for line in known if line["target"] not in tried] + fresh
    kept.sort(key=lambda line: (line["target"], line["what"]))
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(HEAD + "".join(_row(line) for line in kept), encoding="utf-8")
    print(f"{PAGE}: {len(fresh)} findings, {sum(not line['met'] for line in fresh)} of them not as wanted")
    return 0


def _row(line: dict[str, str]) -> str:
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

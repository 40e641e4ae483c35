"""Run the benches named on the command line, or all of them; then show every target with what was found last."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path

from bench.pace import pace
from bench.report import main as report
from bench.result import save

BENCHES = {
    "P1": "bench.recording",
    "P2": "bench.capacity",
    "P3": "bench.slicing",
    "P4": "bench.exactness",
    "P5": "bench.lookup",
    "P6": "bench.object_reads",
    "P7": "bench.event_clips",
    "P8": "bench.plate_latency",
    "P9": "bench.idle_watch",
    "P10": "bench.uploads",
    "P11": "bench.plate_search",
    "P12": "bench.timeline",
    "P13": "bench.start",
    "P14": "bench.live",
    "grid": "bench.live_grid",  # more of P14
    "K": "bench.retention",  # K1 and K2, with one index
    "verify": "bench.verify",
    "installation": "bench.installation",  # S1 and S2
    "fleet": "bench.fleet",  # S3 to S6
    "fleet-parts": "bench.fleet.apart",  # the same with servers
    "fleet-bucket": "bench.fleet.bucket",  # S7
    "A": "bench.plates",  # A1 to A4, in one reading of the photographs
}


def main() -> None:
    """Measure, save, then print every target. A bench that cannot run here says why and the others go on."""
    wanted = sys.argv[1:] or list(BENCHES)
    unknown = sorted(set(wanted) - set(BENCHES))
    if unknown:
        sys.exit(f"No bench {', '.join(unknown)}; there are {', '.join(BENCHES)}.")
    failed = 0
    for name in wanted:
        print(f"{name} ...", flush=True)
        before = pace()
        with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
            try:
                found = importlib.import_module(BENCHES[name]).run(Path(folder))
            except RuntimeError as error:
                print(f"{name} did not run: {error}", file=sys.stderr)
                failed += 1
                continue
        save(found, before.between(pace()))
    report()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

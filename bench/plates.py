"""A1 to A4: how well plates are read on photographs, beside an off-the-shelf reader of text, and what it costs."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path

from bench.result import Result
from gatehouse.plate_bench import Bench, Row, rows_of
from gatehouse_detector.reading.engines import open_engine
from gatehouse_detector.reading.images import decode
from gatehouse_detector.reading.port import Image

EXACT = {"us": 0.78, "eu": 0.90, "br": 0.98}
FOLDED = {"us": 0.82, "eu": 0.97, "br": 0.99}
PRECISION = 0.95
CPU_MS = 120.0
_REGION = (960, 540)
"""Pixels of a moving region: a quarter of a 1080p picture, a car near enough to be read."""


def run(_folder: Path) -> list[Result]:
    """Read every photograph, and a moving region of each."""
    root = os.environ.get("GATEHOUSE_TEST_DATA")
    if not root:
        raise RuntimeError("GATEHOUSE_TEST_DATA names no folder with plates/index.csv")
    index = Path(root) / "plates" / "index.csv"
    rows = rows_of(index)
    measured, engine = Bench(open_engine(), baseline=True), open_engine()
    cpu_ms = []
    for row in rows:
        picture = decode((index.parent / row.file).read_bytes())
        measured.read(row, picture, row.region)
        region = moving_region(row, picture)
        began = time.process_time()
        engine.read(region, row.region)
        cpu_ms.append(1000 * (time.process_time() - began))
    found: list[Result] = []
    for name, score in measured.regions.items():
        on = f"{score.n} photographs, region told, {score.cpu_ms:.0f} ms CPU each"
        found += (
            _result("A1", f"top answer exact, {name}", score.exact, EXACT[name], measured.baseline[name].exact, on),
            _result("A2", f"top answer folded, {name}", score.folded, FOLDED[name], measured.baseline[name].folded, on),
        )
    precision = measured.share(measured.sure_on_plate)
    on = f"{measured.sure} answers with a confidence above 0.5, {measured.share(measured.sure_right):.3f} right in text"
    found.append(_result("A3", "answers that are plates", precision, PRECISION, None, on))
    cost = statistics.fmean(cpu_ms)
    on = f"{_REGION[0]}x{_REGION[1]} regions of {len(cpu_ms)} photographs, one thread"
    more: dict[str, float | str] = {"median": statistics.median(cpu_ms), "worst": max(cpu_ms)}
    found.append(
        Result("A4", "CPU per frame, moving region", cost, "ms", f"<= {CPU_MS:g} ms", cost <= CPU_MS, None, on, more)
    )
    return found


def moving_region(row: Row, picture: Image) -> Image:
    """Return the part of a picture around its plate that is as large as a car that moves."""
    height, width = picture.shape[:2]
    left, top, across, down = row.box
    x = round(min(max(left + across / 2 - _REGION[0] / 2, 0), max(0, width - _REGION[0])))
    y = round(min(max(top + down / 2 - _REGION[1] / 2, 0), max(0, height - _REGION[1])))
    return picture[y : y + _REGION[1], x : x + _REGION[0]]


def _result(target: str, what: str, value: float, wanted: float, reference: float | None, on: str) -> Result:
    return Result(target, what, value, "", f">= {wanted:g}", value >= wanted, reference, on, more_is_better=True)

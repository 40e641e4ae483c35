"""P8: from a frame being captured to its plate event in SQL, on a machine that does nothing else."""

from __future__ import annotations

import re
import sqlite3
import statistics
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from bench.product import running
from bench.result import Result

CARS = 20
EVERY_S, CROSSES_S = 7.3, 3.0
WARM_UP_S = 8.0
_LOOK_S = 0.01
_PATIENCE_S = 60.0
LETTERS = "BCDFGHJKLMNPRSTVWXZ"


def run(folder: Path) -> list[Result]:
    """Film cars, and look into the index for their events as they come."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from plate_film import FPS, HEIGHT, WIDTH, Car, Street, make_plate_film  # noqa: PLC0415 - only now on the path

    # The first car has the reading process started; it is not counted.
    cars = [Car(_plate(k), "us", WARM_UP_S + k * EVERY_S, CROSSES_S, leftwards=bool(k % 2)) for k in range(CARS + 1)]
    street = Street(cars, cars[-1].leaves_s + 5)
    on = f"{WIDTH}x{HEIGHT} at {FPS} fps, GOP 2 s, {CARS} cars one by one, embedded, one reading process"
    results = []
    for steady, of in ((True, "sizes of pictures tell what moves"), (False, "sizes tell nothing")):
        film = make_plate_film(folder / f"{steady}.mp4", street, steady=steady)
        results.append(_measure(folder / f"data-{steady}", film, len(cars), of, on))
    return results


def _measure(data: Path, film: Path, cars: int, of: str, on: str) -> Result:
    with running(data, "--camera", f"cam=file://{film}", plates=True) as (_, url):
        latencies = list(_latencies(data / "gatehouse.db", cars))[1:]
        ocr = _mean_read_s(url)
    if len(latencies) < CARS:
        raise RuntimeError(f"only {len(latencies)} of {CARS} cars became plate events")
    p95 = statistics.quantiles(latencies, n=20)[-1]
    limit = 0.5 + ocr
    more: dict[str, float | str] = {"median": statistics.median(latencies), "one OCR": ocr}
    what = f"frame captured to plate event in SQL, p95, {of}"
    return Result("P8", what, p95, "s", f"<= 0.5 s + one OCR ({limit:.2f} s)", p95 <= limit, None, on, more)


def _plate(number: int) -> str:
    return "".join(LETTERS[(number * step + step) % len(LETTERS)] for step in (3, 5, 7)) + f"-{4187 + 263 * number:04}"


def _latencies(index: Path, count: int) -> Iterator[float]:
    """Yield, for each plate event, the seconds from its first read's frame to when its row can be seen."""
    known: set[str] = set()
    deadline = time.monotonic() + _PATIENCE_S + count * EVERY_S
    while len(known) < count and time.monotonic() < deadline:
        with closing(sqlite3.connect(f"file:{index}?mode=ro", uri=True, timeout=5)) as db:
            while len(known) < count and time.monotonic() < deadline:
                for event, start_us in db.execute("SELECT id, start_us FROM plate_events"):
                    if event not in known:
                        known.add(event)
                        yield time.time() - start_us / 1e6
                time.sleep(_LOOK_S)


def _mean_read_s(url: str) -> float:
    """Return the mean seconds that reading one picture took."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    name = r'gatehouse_detector_inference_seconds_{}\{{stage="read"\}} (\S+)'
    total, count = (re.search(name.format(what), text) for what in ("sum", "count"))
    if total is None or count is None:
        raise RuntimeError("no picture has been read")
    return float(total[1]) / float(count[1])

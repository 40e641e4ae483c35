"""P5: a range look-up in an index of 26 thousand and of 2.6 million chunks, beside the plain overlap predicate."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.result import Result
from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.db import Database, FootageReader
from gatehouse_common.testing.chunk_rows import seed_chunks

CAMERAS = 16
ROWS = tuple(int(n) for n in os.environ.get("GATEHOUSE_BENCH_ROWS", "26000,2600000").split(","))
LOOKUPS = 5000
REFERENCE_LOOKUPS = 20
START_US = 1_700_000_000_000_000
OVERLAP = "SELECT * FROM chunks WHERE camera = ? AND NOT (end_us <= ? OR start_us >= ?) ORDER BY start_us"


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of a look-up: the median and the 99th percentile."""

    p50: float
    p99: float


def run(folder: Path) -> list[Result]:
    """Fill an index of each size and look up a random 10 minutes again and again."""
    results: list[Result] = []
    sizes: list[Times] = []
    for rows in ROWS:
        db = Database(f"sqlite:///{folder}/{rows}.db")
        db.upgrade()
        cameras = [f"camera-{k:02d}" for k in range(CAMERAS)]
        end = seed_chunks(db, cameras, rows // CAMERAS, start_us=START_US)
        ours, theirs = measure(db, cameras, end)
        db.close()
        sizes.append(ours)
        on = f"SQLite, {rows} chunks of {CAMERAS} cameras, {LOOKUPS} ranges of 10 min at random"
        more: dict[str, float | str] = {"p50_ms": ours.p50}
        results.append(
            Result("P5", f"look-up p99, {rows} chunks", ours.p99, "ms", "<= 1 ms", ours.p99 <= 1, theirs.p50, on, more)
        )
    growth = sizes[-1].p99 / sizes[0].p99
    on = f"SQLite, {ROWS[-1]} beside {ROWS[0]} chunks, p99"
    more = {"p50_growth": sizes[-1].p50 / sizes[0].p50}
    results.append(
        Result("P5", "look-up p99, large beside small", growth, "x", "<= 1.5x", growth <= 1.5, None, on, more)
    )
    return results


def measure(db: Database, cameras: list[str], end_us: int) -> tuple[Times, Times]:
    """Return the times of our look-up, and those of the predicate that a reader would first write down."""
    reader, chance = FootageReader(db), random.Random(5)
    asked = [(chance.choice(cameras), chance.randrange(START_US + HOUR, end_us - HOUR)) for _ in range(LOOKUPS)]

    def ours(camera: str, at: int) -> int:
        return len(reader.find_chunks(camera, at + 1, at + 10 * MINUTE))

    def theirs(camera: str, at: int) -> int:
        with db.read() as connection:
            return len(connection.exec_driver_sql(OVERLAP, (camera, at + 1, at + 10 * MINUTE)).all())

    few = asked[:REFERENCE_LOOKUPS]
    if [ours(*one) for one in few] != [theirs(*one) for one in few]:
        raise RuntimeError("the look-up and its reference do not agree")
    time_of(ours, asked[: LOOKUPS // 10])
    return time_of(ours, asked), time_of(theirs, few)


def time_of(look: Callable[[str, int], int], asked: list[tuple[str, int]]) -> Times:
    """Return how long a look-up takes."""
    taken = []
    for camera, at in asked:
        began = time.perf_counter_ns()
        look(camera, at)
        taken.append((time.perf_counter_ns() - began) / 1e6)
    taken.sort()
    return Times(taken[len(taken) // 2], taken[int(len(taken) * 0.99)])

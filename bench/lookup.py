"""P5: a range look-up in an index of 26 thousand and of 2.6 million chunks, beside the plain overlap predicate.

On SQLite, and on the MySQL or MariaDB server that GATEHOUSE_TEST_MYSQL_URL names, else on a MariaDB of its own where
that is installed (`make tools`).
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.result import Result
from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.db import Database, FootageReader
from gatehouse_common.testing.chunk_rows import seed_chunks

CAMERAS = 16
ROWS = tuple(int(n) for n in os.environ.get("GATEHOUSE_BENCH_ROWS", "26000,2600000").split(","))
LOOKUPS = 10_000
WARM_UP = 500
REFERENCE_LOOKUPS = 20
START_US = 1_700_000_000_000_000
OVERLAP = "SELECT * FROM chunks WHERE camera = ? AND NOT (end_us <= ? OR start_us >= ?) ORDER BY start_us"


def run(folder: Path) -> list[Result]:
    """Measure on every kind of database that there is here."""
    found = measure("SQLite", lambda rows: f"sqlite:///{folder}/{rows}.db")
    with mysql_server(folder) as server:
        if server is None:
            print("P5: no MariaDB here; `make tools` installs one", file=sys.stderr)
        else:
            found += measure("MariaDB", server)
    return found


def measure(kind: str, url_of: Callable[[int], str]) -> list[Result]:
    """Fill an index of each size, then look up random 10 minutes in all of them by turns.

    By turns, because a look-up takes well under a tenth of a millisecond: whatever else the machine does would
    otherwise fall on one of the sizes and be taken for growth.
    """
    indexes = [make_index(url_of(rows), rows) for rows in ROWS]
    for index in indexes:
        agree(index)
    taken: list[list[float]] = [[] for _ in ROWS]
    for turn in range(-WARM_UP, LOOKUPS):
        for index, times in zip(indexes, taken, strict=True):
            ms = timed(index.ours, index.ask())
            if turn >= 0:
                times.append(ms)
    references = [
        quantile([timed(index.theirs, index.ask()) for _ in range(REFERENCE_LOOKUPS)], 0.5) for index in indexes
    ]
    for index in indexes:
        index.db.close()
    results = [describe(kind, *one) for one in zip(ROWS, taken, references, strict=True)]
    growth = quantile(taken[-1], 0.99) / quantile(taken[0], 0.99)
    on = f"{kind}, {ROWS[-1]} beside {ROWS[0]} chunks, p99, by turns"
    more: dict[str, float | str] = {"p50_growth": quantile(taken[-1], 0.5) / quantile(taken[0], 0.5)}
    results.append(
        Result(
            "P5", f"look-up p99 on {kind}, large beside small", growth, "x", "<= 1.5x", growth <= 1.5, None, on, more
        )
    )
    return results


class Index:
    """A filled index, and random questions to it."""

    def __init__(self, db: Database, cameras: list[str], end_us: int) -> None:
        self.db = db
        self._reader = FootageReader(db)
        self._chance = random.Random(5)
        self._cameras = cameras
        self._end_us = end_us

    def ask(self) -> tuple[str, int, int]:
        """Return a camera and a range of 10 minutes."""
        at = self._chance.randrange(START_US + HOUR, self._end_us - HOUR)
        return self._chance.choice(self._cameras), at, at + 10 * MINUTE

    def ours(self, camera: str, start_us: int, end_us: int) -> list[str]:
        """Look up as the product does."""
        return [chunk.id for chunk in self._reader.find_chunks(camera, start_us, end_us)]

    def theirs(self, camera: str, start_us: int, end_us: int) -> list[str]:
        """Look up by the predicate that one would first write down."""
        with self.db.read() as connection:
            text = OVERLAP if connection.dialect.paramstyle == "qmark" else OVERLAP.replace("?", "%s")
            return [row.id for row in connection.exec_driver_sql(text, (camera, start_us, end_us))]


@contextmanager
def mysql_server(folder: Path) -> Iterator[Callable[[int], str] | None]:
    """Yield what gives the URL of a database for each size, None if there is no server."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from databases import mysql_database  # noqa: PLC0415 - the tests' server, which needs what tests need
    from mariadb_server import MariaDB  # noqa: PLC0415

    given = os.environ.get("GATEHOUSE_TEST_MYSQL_URL")
    if not given and shutil.which("mariadb-install-db") is None:
        yield None
        return
    with ExitStack() as held:
        if not given:
            server = MariaDB(folder / "mariadb").start()
            held.callback(server.stop)
            given = server.url("mysql")
        url = given
        yield lambda _rows: held.enter_context(mysql_database(url))


def make_index(url: str, rows: int) -> Index:
    """Return an index with so many chunks."""
    db = Database(url)
    db.upgrade()
    cameras = [f"camera-{k:02d}" for k in range(CAMERAS)]
    return Index(db, cameras, seed_chunks(db, cameras, rows // CAMERAS, start_us=START_US))


def agree(index: Index) -> None:
    """Fail if the look-up and its reference find different chunks."""
    for _ in range(REFERENCE_LOOKUPS):
        asked = index.ask()
        if index.ours(*asked) != index.theirs(*asked):
            raise RuntimeError(f"the look-up and its reference do not agree on {asked}")


def describe(kind: str, rows: int, taken: list[float], reference: float) -> Result:
    """Return the line of one size."""
    p99 = quantile(taken, 0.99)
    on = f"{kind}, {rows} chunks of {CAMERAS} cameras, {LOOKUPS} ranges of 10 min at random"
    more: dict[str, float | str] = {"p50_ms": quantile(taken, 0.5)}
    return Result("P5", f"look-up p99 on {kind}, {rows} chunks", p99, "ms", "<= 1 ms", p99 <= 1, reference, on, more)


def timed(look: Callable[[str, int, int], list[str]], asked: tuple[str, int, int]) -> float:
    """Return the milliseconds of one look-up."""
    began = time.perf_counter_ns()
    look(*asked)
    return (time.perf_counter_ns() - began) / 1e6


def quantile(taken: list[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed."""
    return sorted(taken)[int(len(taken) * share)]

"""P11: plates looked for among a million reads, beside a scan of all of them.

On SQLite, and on the MySQL or MariaDB server that GATEHOUSE_TEST_MYSQL_URL names, else on a MariaDB of its own where
that is installed (`make tools`).
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from bench.lookup import mysql_server, quantile
from bench.plate_history import load
from bench.result import Result
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Database, PlateQuery, PlateReader
from gatehouse_common.db.plate_texts import CONFUSED, fold, within_one
from gatehouse_common.testing.plate_rows import READS_PER_EVENT

EVENTS = int(os.environ.get("GATEHOUSE_BENCH_EVENTS", "200000"))
SEARCHES = 150
REFERENCES = 2
PAGE = 51
START_US = 1_700_000_000_000_000
EVERY_US = 150 * SECOND
CAMERAS = [f"camera-{k:02d}" for k in range(16)]
LIMIT_MS = 50.0

_LIKE = {c: group.replace(c, "") for group in CONFUSED for c in group}
_ANY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def run(folder: Path) -> list[Result]:
    """Measure on every kind of database that there is here."""
    found = measure("SQLite", f"sqlite:///{folder}/plates.db", folder)
    with mysql_server(folder) as server:
        if server is None:
            print("P11: no MariaDB here; `make tools` installs one", file=sys.stderr)
        else:
            found += measure("MariaDB", server(EVENTS), folder)
    return found


def measure(kind: str, url: str, folder: Path) -> list[Result]:
    """Fill an index, check that searches find what a scan finds, and take the time of both."""
    db = load(url, folder, EVENTS, start_us=START_US, every_us=EVERY_US, cameras=CAMERAS)
    searches = Searches(db)
    results = []
    for name, make in searches.kinds().items():
        scans = []
        for _ in range(REFERENCES):
            query = make()
            began = time.perf_counter_ns()
            there = searches.scan(query)
            scans.append((time.perf_counter_ns() - began) / 1e6)
            searches.agree(query, there)
        taken = sorted(searches.timed(make()) for _ in range(SEARCHES))
        results.append(describe(kind, name, taken, min(scans)))
    db.close()
    return results


class Searches:
    """Random searches, each for a plate that is there or nearly."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reader = PlateReader(db)
        self._chance = random.Random(7)
        with db.read() as connection:
            rows = connection.exec_driver_sql("SELECT text FROM plate_events ORDER BY id")
            self._plates = [text for (text,) in rows]
            often = "SELECT text FROM plate_events GROUP BY text ORDER BY count(*) DESC, text LIMIT 50"
            self._regulars = [text for (text,) in connection.exec_driver_sql(often)]

    def kinds(self) -> dict[str, Callable[[], PlateQuery]]:
        """Return what is looked for, and how."""
        return {
            "fuzzy, one character wrong and one confused": lambda: self._fuzzy(self._plates),
            "fuzzy, a plate that comes often": lambda: self._fuzzy(self._regulars),
            "fuzzy, of one camera on one day": lambda: self._of_a_day(self._fuzzy(self._plates)),
            "exact": lambda: PlateQuery(self._plate(), "exact", limit=PAGE),
            "prefix of 3": lambda: PlateQuery(self._plate()[:3], "prefix", limit=PAGE),
            "prefix of 1": lambda: PlateQuery(self._plate()[:1], "prefix", limit=PAGE),
            "* in the middle": lambda: self._wildcard(lambda t: f"{t[:2]}*{t[-2:]}"),
            "? in the middle": lambda: self._wildcard(lambda t: f"{t[:2]}?{t[3:]}"),
            "leading *, 3 known": lambda: self._wildcard(lambda t: f"*{t[-3:]}"),
            "* around 3 known": lambda: self._wildcard(lambda t: f"*{t[2:5]}*"),
            "* around 2 known": lambda: self._wildcard(lambda t: f"*{t[2:4]}*"),
            "* alone": lambda: PlateQuery("*", "wildcard", limit=PAGE),
        }

    def timed(self, query: PlateQuery) -> float:
        """Return the milliseconds of a search."""
        began = time.perf_counter_ns()
        self._reader.search(query)
        return (time.perf_counter_ns() - began) / 1e6

    def scan(self, query: PlateQuery) -> list[str]:
        """Return the newest events with such a read, by reading all reads: what one would do without an index."""
        with self._db.read() as connection:
            if query.match == "fuzzy":
                rows = connection.exec_driver_sql("SELECT text, event, camera FROM plate_reads WHERE qualifies = 1")
                sought = fold(query.text or "")
                found = {event for text, event, _ in rows if within_one(fold(text), sought)}
            else:
                mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
                pattern = (query.text or "") + ("*" if query.match == "prefix" else "")
                like = pattern.replace("*", "%").replace("?", "_")
                asked = f"SELECT DISTINCT event FROM plate_reads WHERE text LIKE {mark} AND qualifies = 1"
                found = {event for (event,) in connection.exec_driver_sql(asked, (like,))}
        return sorted(found, reverse=True)

    def agree(self, query: PlateQuery, scanned: Sequence[str]) -> None:
        """Fail if a page is not what the scan finds; events are also found by what was voted, which a read may lack."""
        page = self._reader.search(query)
        there = set(scanned)
        if query.start_us is not None or len(page) == PAGE:
            missed = []  # the scan knows no bounds: what it has beyond the page says nothing
        else:
            missed = sorted(there - {event.id for event in page} - self._rejected(there))
        strange = [event for event in page if event.id not in there and not _matches(query, event.text)]
        if missed or strange:
            raise RuntimeError(f"the search and its reference do not agree on {query}")

    def _rejected(self, ids: set[str]) -> set[str]:
        return {event.id for event in self._reader.events(ids).values() if event.rejected}

    def _plate(self) -> str:
        return self._chance.choice(self._plates)

    def _fuzzy(self, plates: Sequence[str]) -> PlateQuery:
        """Return a search for a plate as somebody remembers it."""
        text = list(self._chance.choice(plates))
        confused = [i for i, c in enumerate(text) if c in _LIKE]
        if confused:
            at = self._chance.choice(confused)
            text[at] = self._chance.choice(_LIKE[text[at]])
        text[self._chance.randrange(len(text))] = self._chance.choice(_ANY)
        return PlateQuery("".join(text), "fuzzy", limit=PAGE)

    def _of_a_day(self, query: PlateQuery) -> PlateQuery:
        start_us = START_US + self._chance.randrange(EVENTS * EVERY_US)
        camera = frozenset([self._chance.choice(CAMERAS)])
        return PlateQuery(query.text, "fuzzy", camera, start_us, start_us + 24 * HOUR, limit=PAGE)

    def _wildcard(self, shape: Callable[[str], str]) -> PlateQuery:
        return PlateQuery(shape(self._plate()), "wildcard", limit=PAGE)


def _matches(query: PlateQuery, text: str) -> bool:
    sought = query.text or ""
    if query.match == "fuzzy":
        return within_one(fold(text), fold(sought))
    return fnmatchcase(text, sought + "*" if query.match == "prefix" else sought)


def describe(kind: str, name: str, taken: Sequence[float], reference: float) -> Result:
    """Return the line of one kind of search."""
    p95 = quantile(list(taken), 0.95)
    reads = EVENTS * READS_PER_EVENT
    on = f"{kind}, {reads} reads of {EVENTS} visits at {len(CAMERAS)} cameras, {len(taken)} searches, a page of {PAGE}"
    more: dict[str, float | str] = {"p50_ms": quantile(list(taken), 0.5), "reference": "a scan of all reads"}
    what = f"plate search p95 on {kind}: {name}"
    return Result("P11", what, p95, "ms", "<= 50 ms", p95 <= LIMIT_MS, reference, on, more)

"""Lists of thousands of patterns: what is remembered of them has an end, and one entry more is not all of them anew."""

from __future__ import annotations

import itertools
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gatehouse_common.db import Database, EntryFields, WatchedPlates, WatchEntries, WatchLists
from made_databases import made_sqlite

T = 1_715_941_380_000_000
UTC = ZoneInfo("UTC")
MIB = 1024 * 1024


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    made = Database(made_sqlite(tmp_path / "index.db"))
    yield made
    made.close()


def listed(db: Database, *plates: str) -> str:
    of = WatchLists(db).add("Guests", "allow", T)
    WatchEntries(db).add_all(of.id, [EntryFields(plate) for plate in plates], T)
    return of.id


def test_what_many_plates_match_is_not_all_remembered(db: Database) -> None:
    listed(db, *_like_all())
    watched = WatchedPlates(db)
    assert len(watched.matches("A012345BC77", T, UTC)) == 1024
    tracemalloc.start()
    try:
        for n in range(300):
            assert watched.matches(f"A{n:06}BC77", T, UTC)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 5 * MIB


def _like_all() -> list[str]:
    """A thousand patterns that all plates match that begin with A and have 11 characters."""
    return ["A" + "".join(places) for places in itertools.product(("?", "?*"), repeat=10)]


def test_an_entry_more_is_not_all_of_them_anew(db: Database) -> None:
    of, watched = listed(db, *(f"A{n:05}*" for n in range(6000))), WatchedPlates(db)
    first, again = _lasts(watched), []
    for n in range(3):
        WatchEntries(db).add(of, EntryFields(f"B{n}*"), T)
        again.append(_lasts(watched))
        assert [one.entry.plate for one in watched.matches(f"B{n}77", T, UTC)] == [f"B{n}*"]
    assert min(again) < first / 2, (first, again)


def _lasts(watched: WatchedPlates) -> float:
    begun = time.perf_counter()
    watched.matches("A00000", T, UTC)
    return time.perf_counter() - begun


def test_many_threads_find_what_lists_say_by_then(db: Database) -> None:
    of, watched = listed(db, "AB*"), WatchedPlates(db)
    wrong: list[str] = []
    ends = threading.Event()

    def ask(plate: str) -> None:
        while not ends.is_set():
            if len(watched.matches(plate, T, UTC)) != 1:
                wrong.append(plate)

    threads = [threading.Thread(target=ask, args=(f"AB{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for n in range(20):
        entry = WatchEntries(db).add(of, EntryFields(f"X{n}"), T)
        assert [one.entry.id for one in watched.matches(f"X{n}", T, UTC)] == [entry.id]  # at once, for who has added it
    ends.set()
    for thread in threads:
        thread.join()
    assert wrong == []

"""Lists of ten thousand plates: pages, and what was noted, are read off an index on every database, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import insert, text

from gatehouse_common.db import Database, EntryFields, Listing, PlateListings, WatchEntries, WatchLists
from gatehouse_common.db.watch_models import PlateListingRow
from gatehouse_common.db.watch_records import MOST_ENTRIES
from gatehouse_common.ids import new_id
from query_plans import index_url, steps_of

T = 1_715_941_380_000_000
_LISTINGS = 4000


@pytest.fixture(scope="module", params=["sqlite", "mysql"])
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with index_url(request.param, tmp_path_factory) as url:
        made = Database(url)
        made.upgrade()
        for name in ("Guests", "Others"):
            of = WatchLists(made).add(name, "allow", T)
            WatchEntries(made).add_all(of.id, [EntryFields(f"AB{n:05}") for n in range(MOST_ENTRIES)], T)
        with made.begin() as c:
            c.execute(insert(PlateListingRow), [listing_row(n) for n in range(_LISTINGS)])
            if c.dialect.name != "sqlite":  # what it keeps by itself, some time after rows came
                c.execute(text("ANALYZE TABLE watch_entries, plate_listings"))
        yield made
        made.close()


def listing_row(n: int) -> dict[str, Any]:
    one = Listing(
        *(new_id(), f"event-{n // 2}", f"entry-{n}", "list", "Guests", "allow", "ABC123", "gate", "ABC123"),
        *(0, True, T + n, n % 1000 != 0),
    )
    return asdict(one)


def list_id(db: Database) -> str:
    return WatchLists(db).list()[0].id


ASKED: dict[str, tuple[Callable[[Database, str], object], set[str]]] = {
    "a page of entries": (
        lambda db, of: WatchEntries(db).page(of, 50, (T, "f" * 36)),
        {"ix_watch_entries_list"},
    ),
    "untold": (lambda db, _: PlateListings(db).untold(T + 10**9), {"ix_plate_listings_told"}),
    "noted since": (lambda db, _: PlateListings(db).since(T + _LISTINGS - 9, 50), {"ix_plate_listings_noted"}),
}


@pytest.mark.parametrize("asked", ASKED)
def test_it_is_read_in_the_order_of_an_index(db: Database, asked: str) -> None:
    ask, indexes = ASKED[asked]
    of = list_id(db)
    steps = steps_of(db, lambda db: ask(db, of))
    assert {step.index for step in steps} <= indexes, steps
    assert not any(step.sorts for step in steps), steps


def test_what_visits_are_on_is_looked_up(db: Database) -> None:
    (step,) = steps_of(db, lambda db: PlateListings(db).of_events({"event-1": "ABC123", "event-7": "ABC123"}))
    assert step.index in {"sqlite_autoindex_plate_listings_1", "PRIMARY"}

"""Which visits are on which lists, on every database: noted once, kept up, and told until somebody has heard."""

from __future__ import annotations

import threading
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from gatehouse_common.db import (
    Database,
    EntryFields,
    Listing,
    PlateListings,
    PlateRetention,
    PlateWriter,
    WatchEntries,
    WatchList,
    WatchLists,
)
from plate_kit import S, T, closed, seen

ZONE = ZoneInfo("UTC")
NOW = T + 3 * S


@pytest.fixture
def writer(db: Database) -> PlateWriter:
    return PlateWriter(db)


@pytest.fixture
def listings(db: Database) -> PlateListings:
    return PlateListings(db)


@pytest.fixture
def guests(db: Database) -> WatchList:
    return WatchLists(db).add("Guests", "allow", T)


def add(db: Database, of: WatchList, plate: str, **more: object) -> str:
    return WatchEntries(db).add(of.id, EntryFields(plate, **more), T).id  # type: ignore[arg-type]


def shown(found: list[Listing]) -> list[tuple[str, str, int]]:
    return [(one.plate, one.how, one.distance) for one in found]


def test_a_plate_on_no_list_is_told_of_nothing(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    add(db, guests, "XYZ789")
    writer.see(seen("one", "ABC123"))
    assert listings.note("one", ZONE, NOW) == []
    assert listings.note("gone", ZONE, NOW) == []
    assert listings.of_events(["one", "gone"]) == {}


def test_it_is_noted_once_and_told_until_it_has_been(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    entry = add(db, guests, "ABC123", distance=1)
    writer.see(seen("one", "ABC124"))
    (first,) = listings.note("one", ZONE, NOW)
    assert first == Listing(
        id=first.id,
        event="one",
        entry=entry,
        list=guests.id,
        list_name="Guests",
        kind="allow",
        plate="ABC123",
        camera="gate",
        text="ABC124",
        distance=1,
        stands=True,
        noted_us=NOW,
        told=False,
    )
    assert listings.note("one", ZONE, NOW + S) == [first]  # whoever noted it stopped before it was told
    assert listings.untold(NOW) == []
    assert listings.untold(NOW + 1) == [first]
    listings.note_told([first.id])
    assert listings.note("one", ZONE, NOW + S) == []
    assert listings.untold(NOW + 1) == []
    assert listings.by_id([first.id, "gone"]) == {first.id: replace(first, told=True)}


def test_it_follows_what_the_plate_says_and_is_not_told_again(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    add(db, guests, "ABC123", distance=1)
    writer.see(seen("one", "A8C123"))
    (first,) = listings.note("one", ZONE, NOW)
    listings.note_told([first.id])
    for n, (text, expected) in enumerate(
        [("ABC123", [("ABC123", "exact", 0)]), ("XYZ789", []), ("ABC124", [("ABC123", "fuzzy", 1)])], 1
    ):
        writer.see(seen("one", text, n))
        assert listings.note("one", ZONE, NOW + n) == []
        assert shown(listings.of_events(["one"]).get("one", [])) == expected
    assert listings.by_id([first.id])[first.id].text == "ABC124"


def test_what_a_person_says_of_the_plate_counts(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    add(db, guests, "ABC123")
    writer.close(closed("one", "XYZ789", 1))
    assert listings.note("one", ZONE, NOW) == []
    writer.correct("one", "ABC123", "ann", NOW)
    assert shown(listings.note("one", ZONE, NOW)) == [("ABC123", "exact", 0)]
    writer.reject("one", True, "ann", NOW)
    listings.note("one", ZONE, NOW)
    assert listings.of_events(["one"]) == {}


def test_lists_that_change_count_from_the_next_look_on(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    lists, entries = WatchLists(db), WatchEntries(db)
    writer.see(seen("one", "ABC123"))
    listings.note("one", ZONE, NOW)
    entry = add(db, guests, "ABC*")
    thieves = lists.add("Thieves", "deny", T)
    entries.add_all(thieves.id, [EntryFields("ABC123"), EntryFields("ABC124", distance=1)], T)
    listings.note("one", ZONE, NOW)
    assert [(one.list_name, one.plate) for one in listings.of_events(["one"])["one"]] == [
        ("Thieves", "ABC123"),
        ("Thieves", "ABC124"),
        ("Guests", "ABC*"),
    ]
    lists.change(thieves.id, disabled=True)
    listings.note("one", ZONE, NOW)
    assert shown(listings.of_events(["one"])["one"]) == [("ABC*", "pattern", 0)]
    entries.change(guests.id, entry, disabled=True)
    lists.remove(thieves.id)
    listings.note("one", ZONE, NOW)
    assert listings.of_events(["one"]) == {}
    assert len(listings.since(NOW, 10)) == 3  # what was told of stays


def test_it_has_to_be_valid_when_the_visit_begins(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    for plate, more in {
        "ABC123": {"from_us": T, "to_us": T + 1},
        "ABC12*": {"to_us": T},
        "ABC1*": {"from_us": T + 1},
        "AB*": {"schedule": "Fri 08:20-08:21"},
        "A*": {"schedule": "Fri 08:21-08:20"},
    }.items():
        add(db, guests, plate, **more)
    writer.see(seen("one", "ABC123"))
    assert [one.plate for one in listings.note("one", ZONE, NOW)] == ["ABC123", "AB*"]


def test_many_at_once_note_it_once(db: Database, writer: PlateWriter, guests: WatchList) -> None:
    add(db, guests, "ABC123")
    writer.see(seen("one", "ABC123"))
    found: list[Listing] = []

    def note() -> None:
        found.extend(PlateListings(db).note("one", ZONE, NOW))

    threads = [threading.Thread(target=note) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len({one.id for one in found}) == 1


def test_it_is_forgotten_with_the_visit(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    add(db, guests, "ABC123")
    writer.close(closed("one", "ABC123", 1))
    listings.note("one", ZONE, NOW)
    assert PlateRetention(db).forget_before(T + 60 * S, T + 90 * S, 10)[0] == 1
    assert listings.since(0, 10) == []

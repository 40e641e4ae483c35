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
    PlateLooks,
    PlateRetention,
    PlateWriter,
    WatchEntries,
    WatchList,
    WatchLists,
)
from gatehouse_common.db.plate_listings import MOST_OF_ONE
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
    assert listings.of_events({"one": "ABC123", "gone": "ABC123"}) == {}


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


def test_it_follows_what_the_plate_says_and_is_told_again_when_it_is_to_the_letter(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    add(db, guests, "ABC123", distance=1)
    writer.see(seen("one", "A8C123"))
    (first,) = listings.note("one", ZONE, NOW)
    listings.note_told([first.id])
    # Who heard that it is like the plate would wait for good for what opens the gate, or rings the bell.
    exact = [("ABC123", "exact", 0)]
    for n, (text, told, expected) in enumerate(
        [
            ("ABC124", [], [("ABC123", "fuzzy", 1)]),
            ("ABC123", exact, exact),
            ("XYZ789", [], []),
            ("ABC123", [], exact),
            ("ABC124", [], [("ABC123", "fuzzy", 1)]),
        ],
        1,
    ):
        writer.see(seen("one", text, n))
        new = listings.note("one", ZONE, NOW + n)
        assert shown(new) == told
        listings.note_told([one.id for one in new])
        assert shown(listings.of_events({"one": text}).get("one", [])) == expected
        assert listings.of_events({"one": "OTHER1"}) == {}, "nobody has looked at that text yet"
        assert all(one.id != first.id for one in new)
    assert listings.by_id([first.id]) == {}, "it was told anew, by another id"
    (now,) = listings.of_events({"one": "ABC124"})["one"]
    assert now.text == "ABC124"


def test_a_list_that_is_of_another_kind_by_now_is_told_anew(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    entry = add(db, guests, "ABC123")
    writer.see(seen("one", "ABC123"))
    (first,) = listings.note("one", ZONE, NOW)
    listings.note_told([first.id])
    WatchLists(db).change(guests.id, kind="deny")
    (again,) = listings.note("one", ZONE, NOW + 1)
    assert (again.kind, again.id != first.id, again.noted_us) == ("deny", True, NOW + 1)
    listings.note_told([again.id])
    WatchEntries(db).change(guests.id, entry, plate="ABC12?")
    assert listings.note("one", ZONE, NOW + 2) == []
    assert shown(listings.of_events({"one": "ABC123"})["one"]) == [("ABC12?", "pattern", 0)]


def test_what_does_not_stand_any_more_is_not_told(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    """Whoever noted it stopped before it was told; meanwhile the plate says something else, or is none."""
    add(db, guests, "ABC123")
    writer.close(closed("one", "ABC123", 1))
    (first,) = listings.note("one", ZONE, NOW)
    assert listings.untold(NOW + 1) == [first]
    writer.reject("one", True, "ann", NOW)
    assert listings.note("one", ZONE, NOW) == []
    assert listings.untold(NOW + 1) == []


def test_what_is_to_the_letter_is_told_however_many_are_like_it(
    db: Database, writer: PlateWriter, listings: PlateListings, guests: WatchList
) -> None:
    """A fleet with running numbers is like every reading of one of them; the one that is denied is among it."""
    fleet = [EntryFields(f"AB{n:04}C", distance=2) for n in range(300)]
    WatchEntries(db).add_all(guests.id, fleet, T)
    thieves = WatchLists(db).add("Thieves", "deny", T)
    add(db, thieves, "AB0298C")
    for n, text in enumerate(["AB0011C", "AB0022C", "AB0298C"]):
        writer.see(seen("one", text, n))
        told = listings.note("one", ZONE, NOW + n)
        listings.note_told([one.id for one in told])
    assert ("AB0298C", "exact", 0) in shown(told)
    found = listings.of_events({"one": "AB0298C"})["one"]
    assert (found[0].kind, found[0].how) == ("deny", "exact")
    assert [one.kind for one in found if one.how == "exact"] == ["deny", "allow"]
    assert len(found) <= 2 + MOST_OF_ONE


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
    assert listings.of_events({"one": "ABC123"}) == {}


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
    assert [(one.list_name, one.plate) for one in listings.of_events({"one": "ABC123"})["one"]] == [
        ("Thieves", "ABC123"),
        ("Thieves", "ABC124"),
        ("Guests", "ABC*"),
    ]
    lists.change(thieves.id, disabled=True)
    listings.note("one", ZONE, NOW)
    assert shown(listings.of_events({"one": "ABC123"})["one"]) == [("ABC*", "pattern", 0)]
    entries.change(guests.id, entry, disabled=True)
    lists.remove(thieves.id)
    listings.note("one", ZONE, NOW)
    assert listings.of_events({"one": "ABC123"}) == {}
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


def test_what_people_correct_is_to_be_looked_for_until_somebody_has_looked(db: Database, writer: PlateWriter) -> None:
    writer.close(closed("one", "ABC123", 1))
    looks = PlateLooks(db)
    assert looks.of("one") == []
    writer.correct("one", "ABC124", "ann", NOW)
    before = looks.of("one")
    writer.reject("one", True, "ann", NOW + S)
    assert looks.waiting(NOW) == []
    looks.done(before)
    assert looks.waiting(NOW + S) == []  # another is there since, and of another time
    assert looks.waiting(NOW + 2 * S) == ["one"]
    looks.done(looks.of("one"))
    assert looks.waiting(NOW + 2 * S) == []

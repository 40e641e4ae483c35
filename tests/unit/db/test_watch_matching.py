"""Which entries of a watch list match a plate, how far away they are, and when they do."""

from __future__ import annotations

import random
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from gatehouse_common.db import WatchEntry, WatchList
from gatehouse_common.db.plate_texts import distance, fold
from gatehouse_common.db.watch_matching import MatchingList, distances, is_valid, letters_of, ranked
from gatehouse_common.db.watch_plates import check_distance, parse_watched
from gatehouse_common.errors import InvalidInput

T = 1_715_934_000_000_000  # 2024-05-17 08:20:00 UTC, a Friday
BERLIN = ZoneInfo("Europe/Berlin")
GUESTS = WatchList("list", "Guests", "allow", "", False, 1, 1, T)


def entry(plate: str, far: int = 0, **more: object) -> WatchEntry:
    return WatchEntry(**{**_ENTRY, "id": plate, "plate": plate, "distance": far, **more})  # type: ignore[arg-type]


_ENTRY = {
    "list": "list",
    "owner": "",
    "note": "",
    "from_us": None,
    "to_us": None,
    "schedule": "",
    "disabled": False,
    "version": 1,
    "created_us": T,
}


def found(text: str, *entries: WatchEntry) -> list[tuple[str, str, int]]:
    return [(one.entry.plate, one.how, one.distance) for one in ranked(MatchingList(GUESTS, entries).matches(text))]


def test_to_the_letter_and_not_by_what_looks_alike() -> None:
    assert found("ABC0", entry("ABC0")) == [("ABC0", "exact", 0)]
    assert found("ABCO", entry("ABC0")) == []


def test_what_looks_alike_is_like_it_and_never_the_same() -> None:
    assert found("ABCO", entry("ABC0", 1)) == [("ABC0", "fuzzy", 1)]
    assert found("8BC0O1", entry("BBCOOI", 1)) == [("BBCOOI", "fuzzy", 1)]


@pytest.mark.parametrize(
    ("text", "far", "matches"),
    [
        ("ABC124", 1, 1),  # another character
        ("ABC12", 1, 1),  # one missing
        ("ABC1234", 1, 1),  # one too many
        ("A8C124", 1, 1),  # one that looks alike, and another one
        ("ABD124", 1, None),
        ("ABD124", 2, 2),
        ("BC124", 2, 2),
        ("ABD424", 2, None),
        ("ABC123", 2, 0),
    ],
)
def test_so_many_characters_and_no_more(text: str, far: int, matches: int | None) -> None:
    how = "exact" if matches == 0 else "fuzzy"
    assert found(text, entry("ABC123", far)) == ([] if matches is None else [("ABC123", how, matches)])


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("AB*", "ABC123", True),
        ("AB*", "AB", True),
        ("AB*", "XAB", False),
        ("*23", "ABC123", True),
        ("A?C*3", "ABC123", True),
        ("A?C123", "AC123", False),
        ("*A*A*A*A*A*A*A*A*B", "AAAAAAAAAAAAAAAA", False),
    ],
)
def test_patterns_match_the_whole_plate(pattern: str, text: str, matches: bool) -> None:
    assert found(text, entry(pattern)) == ([(pattern, "pattern", 0)] if matches else [])


def test_what_is_disabled_matches_nothing() -> None:
    assert found("ABC123", entry("ABC123", disabled=True), entry("AB*", disabled=True)) == []
    off = MatchingList(replace(GUESTS, disabled=True), [entry("ABC123")])
    assert off.matches("ABC123") == []


def test_who_is_denied_comes_first_and_then_the_closest() -> None:
    deny = replace(GUESTS, id="deny", name="Thieves", kind="deny")
    watch = replace(GUESTS, id="watch", name="Boss", kind="watch")
    lists = [
        MatchingList(GUESTS, [entry("ABC123")]),
        MatchingList(watch, [entry("ABC124", 1), entry("ABC123")]),
        MatchingList(deny, [entry("ABC12", 1)]),
    ]
    matches = ranked(match for one in lists for match in one.matches("ABC123"))
    assert [(one.list.kind, one.distance) for one in matches] == [
        ("deny", 1),
        ("watch", 0),
        ("watch", 1),
        ("allow", 0),
    ]


def test_all_distances_at_once_are_those_of_one_by_one() -> None:
    chance = random.Random(3)
    texts = ["".join(chance.choices("AB01", k=chance.randint(1, 16))) for _ in range(300)]
    for text in texts[:40]:
        expected = [distance(fold(text), fold(other)) for other in texts]
        assert distances(fold(text), letters_of([fold(other) for other in texts])).tolist() == expected


def test_it_is_valid_from_its_beginning_until_before_its_end() -> None:
    one = entry("ABC123", from_us=T, to_us=T + 10)
    assert [is_valid(one, T + n, BERLIN) for n in (-1, 0, 9, 10)] == [False, True, True, False]
    assert is_valid(entry("ABC123", from_us=T), T + 10**15, BERLIN)
    assert is_valid(entry("ABC123", to_us=T), T - 10**15, BERLIN)


def test_a_schedule_is_that_of_the_sites_clocks() -> None:
    one = entry("ABC123", schedule="Fri 10:20-10:21")  # 08:20 UTC is 10:20 in Berlin
    assert [is_valid(one, T + n * 1_000_000, BERLIN) for n in (-1, 0, 59, 60)] == [False, True, True, False]
    assert not is_valid(one, T, ZoneInfo("UTC"))


def test_a_plate_is_kept_without_what_only_parts_it() -> None:
    assert parse_watched(" m-ü 12.3 ") == "MU123"
    assert parse_watched("ab ** c?") == "AB*C?"
    assert parse_watched("ＡＢ１２") == "AB12"


@pytest.mark.parametrize("text", ["", " - ", "AB/12", "ABЖ12", "A" * 17, "*", "?*?", "A" * 17 + "*"])
def test_what_is_no_plate_is_refused_and_not_made_one(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_watched(text)


@pytest.mark.parametrize(("plate", "far"), [("ABC123", 3), ("ABC123", -1), ("AB*", 1), ("ABC", 1), ("ABCD", 2)])
def test_distances_that_would_match_too_much_are_refused(plate: str, far: int) -> None:
    with pytest.raises(InvalidInput):
        check_distance(plate, far)

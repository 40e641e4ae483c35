"""What is taken for a plate: folding, texts that are near, what may be looked for."""

from __future__ import annotations

import pytest

from gatehouse_common.db.plate_texts import (
    check_sought,
    distance,
    fold,
    longest_run,
    near,
    suffixes,
    tidy,
    within_one,
)
from gatehouse_common.errors import InvalidInput


@pytest.mark.parametrize("pair", ["O0", "Q0", "D0", "DO", "I1", "L1", "IL", "B8", "S5", "Z2", "G6"])
def test_characters_that_are_confused_are_one(pair: str) -> None:
    assert fold(pair[0]) == fold(pair[1])


def test_others_are_not() -> None:
    singles = {fold(c) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"}
    assert len(singles) == 36 - 3 - 2 - 1 - 1 - 1 - 1
    assert fold("AEHKMNPRTUVWXY3479") == "AEHKMNPRTUVWXY3479"


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [
        ("ABC123", "ABC123", 0),
        ("ABC123", "ABD123", 1),
        ("ABC123", "BC123", 1),
        ("ABC123", "ABC12", 1),
        ("ABC123", "XABC123", 1),
        ("ABC123", "ACB123", 2),
        ("", "A", 1),
        ("AB", "", 2),
        ("AAAA", "AA", 2),
    ],
)
def test_how_many_characters_differ(a: str, b: str, apart: int) -> None:
    assert distance(a, b) == distance(b, a) == apart
    assert within_one(a, b) == within_one(b, a) == (apart <= 1)


def test_what_is_near_is_some_hundreds_of_texts() -> None:
    found = near(fold("ABC1234"))
    assert len(found) == len(set(found)) < 450
    assert {"A8C1234", "AC1234", "A8C12344", "X8C1234"} <= set(found)
    assert all(text.translate(str.maketrans("ODQILZSGB", "000112568")) == text for text in found)


def test_nothing_near_is_too_long_or_empty() -> None:
    assert "" not in near("A")
    assert max(map(len, near("A" * 16))) == 16


def test_ends_of_a_text() -> None:
    assert suffixes("ABC1") == ["ABC1", "BC1", "C1"]
    assert suffixes("A") == []


def test_the_part_of_a_pattern_that_is_known() -> None:
    assert longest_run("*AB?CDE*F") == "CDE"
    assert longest_run("*?*") == ""
    assert longest_run("AB*CD") == "AB"


def test_what_people_type() -> None:
    assert tidy("m-ab 12·34") == "MAB1234"
    assert tidy("*b c?") == "*BC?"


@pytest.mark.parametrize(
    ("text", "match", "says"),
    [
        ("", "exact", "1 to 16 characters, not 0"),
        ("A" * 17, "fuzzy", "1 to 16 characters, not 17"),
        ("A" * 65, "wildcard", "1 to 64 characters, not 65"),
        ("AB*", "prefix", r"not '\*'"),
        ("ab", "exact", "not 'a'"),
        ("A%", "wildcard", "not '%'"),
        ("A_", "wildcard", "not '_'"),
        ("Ä", "wildcard", "not 'Ä'"),
    ],
)
def test_what_no_plate_has_is_refused(text: str, match: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        check_sought(text, match)  # type: ignore[arg-type] - it is one of them

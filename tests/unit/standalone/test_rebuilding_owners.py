"""Who files are of, by all that is said: the newest word of a description, and names that several have had."""

from __future__ import annotations

from gatehouse.rebuilding_owners import Owners
from gatehouse_common.db import Whose

ANN, BOB = "0190a000-0000-7000-8000-000000000001", "0190a000-0000-7000-8000-000000000002"


def described(id_: str, name: str, *, removed: bool = False) -> Whose:
    return Whose(1, id_, name, 1000, removed)


def recorded(id_: str, name: str) -> Whose:
    """As a file of a session says it."""
    return Whose(1, id_, name)


def heard(*words: tuple[Whose | None, int]) -> Owners:
    owners = Owners()
    for told, at_us in words:
        owners.hear(told, at_us)
    return owners


def test_the_newest_description_counts_and_a_recording_only_where_there_is_none() -> None:
    words = [(described(ANN, "Ann"), 5), (recorded(ANN, "bob"), 9), (described(ANN, "Anna"), 7), (None, 9)]
    for order in (words, words[::-1]):
        assert [(one.name, one.created_us) for one in heard(*order).each()] == [("Anna", 1000)]
    assert [one.name for one in heard((recorded(ANN, "A"), 4), (recorded(ANN, "B"), 3)).each()] == ["A"]
    assert list(heard((Whose(3, "", "Ann"), 4)).each()) == [], "nobody is named by an id"


def test_names_that_two_have_had_are_contested_unless_one_was_removed() -> None:
    assert heard((described(ANN, "Ann"), 1), (recorded(BOB, "ANN"), 2)).contested() == ["ann"]
    assert heard((described(ANN, "Ann", removed=True), 1), (described(BOB, "ann"), 2)).contested() == []
    assert heard((described(ANN, "Ann"), 1), (described(ANN, "ann"), 2)).contested() == []


def test_who_was_removed_by_any_word_is_so() -> None:
    (ann,) = heard((described(ANN, "Ann", removed=True), 1), (described(ANN, "Ann"), 2)).each()
    assert ann.removed

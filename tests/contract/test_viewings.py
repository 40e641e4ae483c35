"""Viewings on every database: one row for each, however often its stream broke off."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from gatehouse_common.db import Database, Viewing, ViewingQuery, Viewings, Visible, Watcher
from gatehouse_common.errors import Conflict, NotFound

T = 1_715_941_380_000_000  # 2024-05-17T10:23:00Z
SECOND = 1_000_000
ANN = Watcher(1, "Ann", "gate", "192.168.1.7")


def ended(viewings: Viewings, now_us: int) -> list[int]:
    return [one.number for one in viewings.silent(now_us) if viewings.end(one)]


def test_who_comes_again_within_a_minute_goes_on(db: Database) -> None:
    """S3-4: one row per viewing session, not per reconnect."""
    viewings = Viewings(db)
    first = viewings.open(ANN, T)
    assert (first.number, first.start_us, first.ended_us, first.bytes) == (1, T, None, 0)
    assert viewings.follow(1, T + 5 * SECOND, 1000)
    assert ended(viewings, T + 14 * SECOND) == [], "not silent for ten seconds yet"
    assert ended(viewings, T + 16 * SECOND) == [1]
    assert viewings.get(1).ended_us == T + 5 * SECOND, "when something was taken last"
    again = viewings.open(ANN, T + 64 * SECOND)
    assert again.number == 1
    assert viewings.get(1).ended_us is None
    assert viewings.follow(1, T + 66 * SECOND, 500)
    assert viewings.get(1).bytes == 1500
    assert ended(viewings, T + 80 * SECOND) == [1]
    assert viewings.open(ANN, T + 126 * SECOND).number == 2, "a minute later it is another"
    assert viewings.open(ANN, T - 3600 * SECOND).number == 3, "and so is one of long before, which is told of late"


@pytest.mark.parametrize(
    "other",
    [
        replace(ANN, user=2, user_name="Bob"),
        replace(ANN, camera="yard"),
        replace(ANN, address="192.168.1.8"),
        replace(ANN, page="0190f1d0-0000-7000-8000-000000000001"),
    ],
    ids=["user", "camera", "address", "page"],
)
def test_another_user_camera_address_or_page_is_another_viewing(db: Database, other: Watcher) -> None:
    """S3-4, S3-16."""
    viewings = Viewings(db)
    assert viewings.open(ANN, T).number == 1
    assert viewings.open(other, T).number == 2
    assert viewings.open(ANN, T + SECOND).number == 1
    assert viewings.open(other, T + SECOND).number == 2


def test_numbers_are_given_once_by_many_at_once_and_never_again(db: Database) -> None:
    """S3-9: files are called after them."""
    viewings = Viewings(db)
    found: list[int] = []

    def watch(user: int) -> None:
        for at in range(5):
            found.append(viewings.open(replace(ANN, user=user), T + at * 100 * SECOND).number)

    threads = [threading.Thread(target=watch, args=(user,)) for user in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 21))
    viewings.end(viewings.get(20))
    viewings.delete(20)
    assert viewings.open(replace(ANN, user=9), T).number == 21


def test_what_is_silent_ends_and_what_goes_on_meanwhile_does_not(db: Database) -> None:
    """S3-8."""
    viewings = Viewings(db)
    viewings.open(ANN, T)
    (silent,) = viewings.silent(T + 11 * SECOND)
    viewings.follow(1, T + 11 * SECOND, 1)
    assert not viewings.end(silent), "something was taken meanwhile"
    assert viewings.get(1).ended_us is None
    assert not viewings.follow(7, T, 1), "there is none of that number"


def test_a_late_word_of_what_has_ended_does_not_wake_it(db: Database) -> None:
    """S3-8: bytes of before its end are counted, and it stays ended."""
    viewings = Viewings(db)
    viewings.open(ANN, T)
    viewings.follow(1, T + 3 * SECOND, 10)
    assert ended(viewings, T + 14 * SECOND) == [1]
    viewings.follow(1, T + 3 * SECOND, 5)
    assert (viewings.get(1).ended_us, viewings.get(1).bytes) == (T + 3 * SECOND, 15)
    viewings.follow(1, T + 20 * SECOND, 5)
    assert viewings.get(1).ended_us is None


def watched(db: Database) -> dict[int, Viewing]:
    viewings = Viewings(db)
    for n, (user, camera) in enumerate(((1, "gate"), (2, "gate"), (1, "yard"))):
        viewings.open(replace(ANN, user=user, user_name=f"user {user}", camera=camera), T + n * 100 * SECOND)
    return {one.number: one for one in viewings.find(ViewingQuery(), 10)}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        (ViewingQuery(), [3, 2, 1]),
        (ViewingQuery(user=1), [3, 1]),
        (ViewingQuery(camera="gate"), [2, 1]),
        (ViewingQuery(start_us=T + 100 * SECOND), [3, 2]),
        (ViewingQuery(end_us=T + 100 * SECOND), [1]),
        (ViewingQuery(user=2, camera="yard"), []),
    ],
)
def test_viewings_are_found_newest_first(db: Database, query: ViewingQuery, numbers: list[int]) -> None:
    """S3-10, S3-11."""
    watched(db)
    assert [one.number for one in Viewings(db).find(query, 10)] == numbers
    assert [one.number for one in Viewings(db).find(query, 1, 1)] == numbers[1:2]


def test_what_is_not_visible_is_not_there(db: Database) -> None:
    """S3-10."""
    found = watched(db)
    gate = Viewings(db, Visible(frozenset({"gate"}), {"gate": T + 50 * SECOND}))
    assert [one.number for one in gate.find(ViewingQuery(), 10)] == [2], "1 is too old, 3 of another camera"
    for missing in (lambda: gate.get(3), lambda: gate.get(1), lambda: gate.named(found[3].id), lambda: gate.named("")):
        with pytest.raises(NotFound):
            missing()
    assert gate.named(found[2].id).number == 2


def test_a_page_finds_its_own(db: Database) -> None:
    """S3-7: by the UUID that it gave itself."""
    viewings, page = Viewings(db), "0190f1d0-0000-7000-8000-000000000001"
    viewings.open(replace(ANN, page=page), T)
    viewings.open(ANN, T)
    viewings.open(replace(ANN, page=page), T + 100 * SECOND)
    assert viewings.named(page).number == 3, "the newest"


def test_people_say_what_a_viewing_was(db: Database) -> None:
    """S3-13: renamed, noted, tagged; what is too long is cut, what no column holds is replaced."""
    viewings = Viewings(db)
    viewings.open(ANN, T)
    viewings.describe(1, "  the postman \U0001f4ee ", "x" * 3000, "a\ud800b")
    found = viewings.get(1)
    assert found.title == "the postman \U0001f4ee"
    assert len(found.note) == 2000
    assert found.tags.startswith("a")
    viewings.describe(1, "", "", "")
    assert (viewings.get(1).title, viewings.get(1).note) == ("", "")
    with pytest.raises(NotFound):
        viewings.describe(2, "", "", "")


def test_what_goes_on_is_not_deleted(db: Database) -> None:
    """S3-12."""
    viewings = Viewings(db)
    viewings.open(ANN, T)
    with pytest.raises(Conflict, match="still watching"):
        viewings.delete(1)
    assert ended(viewings, T + 11 * SECOND) == [1]
    viewings.delete(1)
    with pytest.raises(NotFound):
        viewings.get(1)
    with pytest.raises(NotFound):
        viewings.delete(1)


def test_what_ended_long_ago_is_forgotten_and_what_goes_on_is_not(db: Database) -> None:
    """S3-4: for as long as the settings say; so many at a time."""
    viewings = Viewings(db)
    for number in range(4):
        viewings.open(replace(ANN, camera=f"cam{number}"), T)
    viewings.open(replace(ANN, camera="later"), T + 1000 * SECOND)
    assert ended(viewings, T + 11 * SECOND) == [1, 2, 3, 4]
    viewings.open(replace(ANN, camera="cam3"), T + 12 * SECOND)
    assert [viewings.forget_before(T + 500 * SECOND, 2) for _ in range(3)] == [2, 1, 0]
    assert sorted(one.camera for one in viewings.find(ViewingQuery(), 10)) == ["cam3", "later"]


def test_the_name_of_a_page_is_of_whoever_has_it(db: Database) -> None:
    """S3-7: others may know it, and watch under it: the button of the first goes on acting on its own."""
    viewings, page = Viewings(db), "0190f1d0-0000-7000-8000-000000000001"
    viewings.open(replace(ANN, page=page), T)
    viewings.open(replace(ANN, user=ANN.user + 1, user_name="Bob", page=page), T + SECOND)
    assert viewings.named(page, ANN.user).number == 1
    assert viewings.named(page, ANN.user + 1).number == 2
    with pytest.raises(NotFound):
        viewings.named(page, ANN.user + 2)

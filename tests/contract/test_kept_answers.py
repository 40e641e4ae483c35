"""Answers that are kept for who asks again, and changes of what was seen alone, on every database."""

from __future__ import annotations

import threading

import pytest

from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.db import Camera, CameraRepository, Database, KeptAnswer, KeptAnswers
from gatehouse_common.errors import ChangedSince, Conflict, NotFound

NOW = 1_715_941_380_000_000


def test_an_answer_is_given_again_to_who_asked_for_a_day(db: Database) -> None:
    kept = KeptAnswers(db)
    attempt = kept.begin("ann", "k", "asked", NOW)
    assert isinstance(attempt, str)
    body = "é\U0001f600" * 50_000
    kept.keep("ann", "k", attempt, 201, {"Location": "/x"}, body)
    assert kept.begin("ann", "k", "asked", NOW + 23 * HOUR) == KeptAnswer(True, 201, {"Location": "/x"}, body)
    other = kept.begin("ann", "k", "something else", NOW)
    assert isinstance(other, KeptAnswer)
    assert not other.same
    assert isinstance(kept.begin("bob", "k", "asked", NOW), str)
    assert isinstance(kept.begin("ann", "l", "asked", NOW), str)
    assert isinstance(kept.begin("ann", "k", "asked", NOW + 24 * HOUR), str)


def test_what_came_to_nothing_frees_its_key(db: Database) -> None:
    kept = KeptAnswers(db)
    attempt = kept.begin("ann", "k", "asked", NOW)
    assert isinstance(attempt, str)
    with pytest.raises(Conflict, match="being worked on"):
        kept.begin("ann", "k", "asked", NOW + MINUTE)
    kept.give_up("ann", "k", attempt)
    assert isinstance(kept.begin("ann", "k", "asked", NOW + MINUTE), str)


def test_who_died_over_it_frees_its_key_and_is_not_heard_later(db: Database) -> None:
    kept = KeptAnswers(db)
    dead = kept.begin("ann", "k", "asked", NOW)
    assert isinstance(dead, str)
    alive = kept.begin("ann", "k", "asked", NOW + 10 * MINUTE)
    assert isinstance(alive, str)
    kept.keep("ann", "k", dead, 201, {}, "of the dead")
    kept.give_up("ann", "k", dead)
    with pytest.raises(Conflict):
        kept.begin("ann", "k", "asked", NOW + 11 * MINUTE)
    kept.keep("ann", "k", alive, 202, {}, "of the living")
    assert kept.begin("ann", "k", "asked", NOW + 12 * MINUTE) == KeptAnswer(True, 202, {}, "of the living")


def test_of_many_at_once_one_works_on_it(db: Database) -> None:
    kept, told, start = KeptAnswers(db), [], threading.Barrier(8)

    def ask() -> None:
        start.wait(10)
        try:
            told.append(kept.begin("ann", "k", "asked", NOW))
        except Conflict:
            told.append(None)

    _run(ask, 8)
    assert len([one for one in told if isinstance(one, str)]) == 1
    assert told.count(None) == 7


def test_a_camera_that_was_changed_since_is_left_as_it_is(db: Database) -> None:
    cameras = CameraRepository(db)
    cameras.add(Camera(id="gate", url="synthetic:", created_us=NOW))
    seen = cameras.get("gate").tag
    cameras.change("gate", name="one", seen={"x", seen})
    for refused in ({seen}, set()):
        with pytest.raises(ChangedSince):
            cameras.change("gate", name="two", seen=refused)
        with pytest.raises(ChangedSince):
            cameras.remove("gate", seen=refused)
    assert cameras.get("gate").name == "one"
    cameras.remove("gate", seen={cameras.get("gate").tag})
    with pytest.raises(NotFound):
        cameras.change("gate", name="three", seen={seen})


def test_of_many_that_saw_the_same_camera_one_changes_it(db: Database) -> None:
    cameras = CameraRepository(db)
    cameras.add(Camera(id="gate", url="synthetic:", created_us=NOW))
    seen, told, start = cameras.get("gate").tag, [], threading.Barrier(8)

    def change() -> None:
        start.wait(10)
        try:
            cameras.change("gate", name="x", seen={seen})
            told.append("changed")
        except ChangedSince:
            told.append("refused")

    _run(change, 8)
    assert sorted(told) == ["changed", *["refused"] * 7]
    assert cameras.get("gate").version == 1


def _run(work: object, count: int) -> None:
    assert callable(work)
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

"""Leases on every database: whoever compares first swaps, and epochs only grow."""

from __future__ import annotations

import threading

import pytest

from gatehouse_common.db import Database, Lease, LeaseRepository, Member


def only(leases: LeaseRepository) -> Lease:
    (one,) = leases.look().leases
    return one


def test_a_lease_is_taken_renewed_and_released_and_its_epoch_only_grows(db: Database) -> None:
    leases = LeaseRepository(db, "camera")
    assert leases.take("gate", None, "one") == 1
    leases.beat("one")
    seen = only(leases)
    assert seen == Lease("gate", "one", 1, 2)
    leases.beat("two")
    assert only(leases) == seen, "the signs of life of others renew nothing"
    assert leases.take("gate", seen, "two") == 2
    leases.release("gate", "one")
    assert only(leases).owner == "two", "what has become another's is not released"
    leases.release("gate", "two")
    assert only(leases).owner is None
    assert leases.take("gate", only(leases), "one") == 3


def test_what_has_changed_since_it_was_seen_is_not_taken(db: Database) -> None:
    leases = LeaseRepository(db, "camera")
    leases.take("gate", None, "one")
    seen = only(leases)
    leases.beat("one")
    assert leases.take("gate", seen, "two") is None
    assert leases.take("gate", None, "two") is None
    assert leases.take("yard", seen, "two") is None
    assert only(leases).owner == "one"


def test_works_have_nothing_to_do_with_one_another(db: Database) -> None:
    cameras, queues = LeaseRepository(db, "camera"), LeaseRepository(db, "indexer")
    cameras.take("7", None, "one")
    queues.take("7", None, "two")
    queues.beat("two")
    assert only(cameras) == Lease("7", "one", 1, 1)
    assert cameras.look().members == ()
    assert queues.look().members == (Member("two", 1),)


def test_who_leaves_has_nothing_any_more_and_who_is_forgotten_may_come_again(db: Database) -> None:
    leases = LeaseRepository(db, "camera")
    for name in ("one", "two"):
        leases.beat(name)
        leases.take(name, None, name)
    leases.leave("one")
    sight = leases.look()
    assert {one.resource: one.owner for one in sight.leases} == {"one": None, "two": "two"}
    assert sight.members == (Member("two", 1),)
    leases.beat("two")
    leases.forget(list(sight.members))
    assert leases.look().members == (Member("two", 2),), "it has given a sign of life since"
    leases.forget([Member("two", 2)])
    assert leases.look().members == ()
    leases.beat("two")
    assert leases.look().members == (Member("two", 1),)


@pytest.mark.parametrize("held", [False, True], ids=["a new one", "another's"])
def test_of_many_that_take_at_once_one_gets_it(db: Database, held: bool) -> None:
    leases = LeaseRepository(db, "camera")
    if held:
        leases.take("gate", None, "gone")
    seen = only(leases) if held else None
    got: list[int | None] = []
    start = threading.Barrier(8)

    def take(name: str) -> None:
        start.wait()
        got.append(leases.take("gate", seen, name))

    threads = [threading.Thread(target=take, args=(f"w{k}",)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [g for g in got if g is not None] == [2 if held else 1]
    assert got.count(None) == 7

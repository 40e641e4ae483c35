"""A hold that comes while objects are being deleted, on every database: what it is said to keep is kept (S2-31)."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from gatehouse_common.clock import HOUR
from gatehouse_common.db import Database, Deletion, Deletions, HoldRepository
from gatehouse_common.db.deletions import LONGEST_US
from gatehouse_common.errors import Conflict, ResourceExhausted, Unavailable
from gatehouse_common.runtime import Core
from gatehouse_common.storage import LocalStore, ObjectInfo
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor import removal
from gatehouse_janitor.removal import Removal
from retention_kit import LENGTH, NOW, cut, files, hold, open_core, record

STOP = threading.Event()


class SlowStore(LocalStore):
    """A directory at which something may happen before an object is looked at, or before objects are deleted."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.on_stat: Callable[[], object] = lambda: None
        self.on_delete: Callable[[], object] = lambda: None

    def stat(self, key: str) -> ObjectInfo:
        self.on_stat()
        return super().stat(key)

    def delete_many(self, keys: Sequence[str]) -> dict[str, str]:
        self.on_delete()
        return super().delete_many(keys)


@pytest.fixture
def core(db: Database, tmp_path: Path) -> Iterator[Core]:
    opened = open_core(tmp_path / "data", FakeClock(NOW))
    yield dataclasses.replace(opened, db=db, store=SlowStore(opened.data_dir))
    opened.close()


@pytest.fixture(autouse=True)
def _two_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_TOGETHER", 2)


def store_of(core: Core) -> SlowStore:
    assert isinstance(core.store, SlowStore)
    return core.store


def clock_of(core: Core) -> FakeClock:
    assert isinstance(core.clock, FakeClock)
    return core.clock


def removing(core: Core) -> Removal:
    return Removal(core, Deletions(core.db), lambda: None, core.clock.now_us)


def old_chunks(core: Core, count: int) -> list[str]:
    return [record(core, "gate", NOW - 80 * HOUR + k * LENGTH) for k in range(count)]


def decided(core: Core, chunks: Sequence[str]) -> list[Deletion]:
    return Deletions(core.db).mark_chunks(chunks, "age", NOW)


@pytest.mark.parametrize("how", ["just decided", "left by a crash"])
def test_a_hold_that_comes_while_some_are_deleted_keeps_the_others_and_counts_those(core: Core, how: str) -> None:
    """S2-31: the store is in the middle of deleting two of six when the hold is placed."""
    marked = decided(core, old_chunks(core, 6))
    store, remover = store_of(core), removing(core)
    inside, go_on = threading.Event(), threading.Event()
    store.on_delete = lambda: (inside.set(), go_on.wait(60))
    work = (lambda: remover.remove(marked)) if how == "just decided" else (lambda: remover.finish(STOP))
    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(60)
    kept = HoldRepository(core.db).place(hold(camera="gate"))  # and it does not wait for the store
    go_on.set()
    thread.join(60)
    assert kept == 4
    there = files(core)
    assert len(there) == 4
    assert {d.subject for d in Deletions(core.db).give_back(NOW, 10)} == there
    assert Deletions(core.db).pending() == 0


def test_a_hold_that_comes_while_the_store_is_asked_what_is_there_keeps_all(core: Core) -> None:
    """S2-31: on a distant store, half a minute may pass between the list of what is due and the first deletion."""
    chunks, clip = old_chunks(core, 5), cut(core, NOW - 80 * HOUR)
    decided(core, chunks)
    Deletions(core.db).mark_clips([clip], "age", NOW)
    told: list[int] = []

    def place() -> None:
        if not told:
            told.append(HoldRepository(core.db).place(hold(camera="gate")))

    store_of(core).on_stat = place
    assert removing(core).finish(STOP).objects == 0
    assert told == [6]
    assert files(core) == {*chunks, clip}
    assert len(Deletions(core.db).give_back(NOW, 10)) == 6


def test_a_clip_that_is_being_deleted_cannot_be_held_and_one_that_is_only_decided_on_can(core: Core) -> None:
    """S2-31: to hold one clip is to ask for just that file."""
    deletions, holds = Deletions(core.db), HoldRepository(core.db)
    going, waits = cut(core, NOW - 80 * HOUR), cut(core, NOW - 79 * HOUR)
    marked = deletions.mark_clips([going, waits], "age", NOW)
    assert len(deletions.begin([d for d in marked if d.subject == going], NOW)) == 1
    with pytest.raises(Conflict, match="is being deleted"):
        holds.place(hold(clip=going))
    assert holds.list(NOW) == []
    assert holds.place(hold(clip=waits)) == 1


def test_what_a_crash_left_half_deleted_is_not_promised_and_is_given_back_if_it_is_there(core: Core) -> None:
    (one,) = decided(core, old_chunks(core, 1))
    store, remover = store_of(core), removing(core)

    def fail() -> None:
        raise Unavailable("the store does not answer")

    store.on_delete = fail
    with pytest.raises(Unavailable):
        remover.remove([one])
    store.on_stat = fail
    remover.finish(STOP)  # it may be gone or not, and the store does not say
    assert "does not answer" in remover.refused
    assert HoldRepository(core.db).place(hold(camera="gate")) == 0
    assert [d.id for d in Deletions(core.db).give_back(NOW, 10)] == [one.id]


@pytest.mark.parametrize("how", ["the store went away", "whoever deleted it was killed"])
def test_a_clip_of_which_nobody_knows_can_be_held_and_comes_back_if_it_is_there(core: Core, how: str) -> None:
    """S2-31: nobody is deleting it any more, for hours maybe: the hold is not refused, nor is it promised."""
    clip = cut(core, NOW - 80 * HOUR)
    marked = Deletions(core.db).mark_clips([clip], "age", NOW)
    store, remover = store_of(core), removing(core)

    def fail() -> None:
        raise Unavailable("the store does not answer")

    store.on_delete = store.on_stat = fail
    if how == "the store went away":
        with pytest.raises(Unavailable):
            remover.remove(marked)
    else:
        assert len(Deletions(core.db).begin(marked, NOW)) == 1
        assert remover.finish(STOP).objects == 0
        with pytest.raises(Conflict, match="is being deleted"):  # as far as anybody knows
            HoldRepository(core.db).place(hold(clip=clip))
        clock_of(core).advance(LONGEST_US)
        remover.finish(STOP)
    assert HoldRepository(core.db).place(hold(clip=clip)) == 0
    store.on_delete = store.on_stat = lambda: None
    assert remover.finish(STOP).objects == 0
    assert [d.subject for d in Deletions(core.db).give_back(core.clock.now_us(), 10)] == [clip]
    assert files(core) == {clip}


def test_an_index_without_room_for_a_note_does_not_stop_what_makes_room(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held stays all the same."""
    old = old_chunks(core, 5)
    marked = decided(core, old)
    HoldRepository(core.db).place(hold(camera="gate", start_us=NOW - 80 * HOUR, end_us=NOW - 80 * HOUR + LENGTH))
    begin, found = Deletions.begin, list[int]()

    def full(self: Deletions, some: Sequence[Deletion], now_us: int) -> list[Deletion]:
        if len(files(core)) > 4:
            raise ResourceExhausted("database or disk is full")
        found.append(len(some))
        return begin(self, some, now_us)

    monkeypatch.setattr(Deletions, "begin", full)
    assert removing(core).remove(marked).objects == 4
    assert files(core) == {old[0]}
    assert found == [2, 1], "one after the other until there is room"


def test_an_index_without_room_is_not_held_up_by_one_object_that_cannot_go(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is there room to note that: the others go all the same."""
    old = old_chunks(core, 3)
    marked = sorted(decided(core, old), key=lambda one: old.index(one.subject))
    delete = LocalStore.delete_many

    def refuses(self: LocalStore, keys: Sequence[str]) -> dict[str, str]:
        stays = [key for key in keys if key == marked[0].key]
        return {**delete(self, [key for key in keys if key not in stays]), **dict.fromkeys(stays, "immutable")}

    def full(*_: object) -> None:
        raise ResourceExhausted("database or disk is full")

    monkeypatch.setattr(LocalStore, "delete_many", refuses)
    monkeypatch.setattr(Deletions, "begin", full)
    monkeypatch.setattr(Deletions, "refused", full)
    assert removing(core).remove(marked).objects == 2
    assert files(core) == {old[0]}
    with pytest.raises(ResourceExhausted):
        removing(core).remove(marked[:1])


def test_what_the_store_refused_to_delete_is_promised_again(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = decided(core, old_chunks(core, 1))
    monkeypatch.setattr(LocalStore, "delete_many", lambda _self, keys: dict.fromkeys(keys, "permission denied"))
    remover = removing(core)
    assert remover.remove([one]).objects == 0
    assert remover.blocked
    assert HoldRepository(core.db).place(hold(camera="gate")) == 1


def test_what_was_given_back_meanwhile_is_not_deleted(core: Core) -> None:
    """Another process leads by now, and has given it back; then the hold was released."""
    marked = decided(core, old_chunks(core, 3))
    placed = hold(camera="gate")
    HoldRepository(core.db).place(placed)
    assert len(Deletions(core.db).give_back(NOW, 10)) == 3
    HoldRepository(core.db).release(placed.id, NOW, "Ann")
    assert removing(core).remove(marked).objects == 0
    assert len(files(core)) == 3

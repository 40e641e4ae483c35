"""Members that share a work, with clocks of their own, pauses, deaths and an index that goes away: a simulation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from gatehouse_common.db import Lease, Member, Sight
from gatehouse_common.errors import Unavailable
from gatehouse_common.sharing import FairShare
from gatehouse_common.sharing.quota import quota

SECOND = 1_000_000
TTL = 5 * SECOND


class Index:
    """Leases as the database keeps them; ``away`` while it does not answer."""

    def __init__(self) -> None:
        self.members: dict[str, int] = {}
        self.leases: dict[str, Lease] = {}
        self.away = False

    def _ask(self) -> None:
        if self.away:
            raise Unavailable("the database is away")

    def beat(self, name: str) -> None:
        self._ask()
        self.members[name] = self.members.get(name, 0) + 1
        for one in list(self.leases.values()):
            if one.owner == name:
                self.leases[one.resource] = Lease(one.resource, name, one.epoch, one.renewals + 1)

    def look(self) -> Sight:
        self._ask()
        return Sight(tuple(Member(*m) for m in self.members.items()), tuple(self.leases.values()))

    def take(self, resource: str, seen: Lease | None, name: str) -> int | None:
        self._ask()
        if self.leases.get(resource) != seen:
            return None
        epoch = seen.epoch + 1 if seen else 1
        self.leases[resource] = Lease(resource, name, epoch, seen.renewals + 1 if seen else 1)
        return epoch

    def release(self, resource: str, name: str) -> None:
        self._ask()
        one = self.leases[resource]
        if one.owner == name:
            self.leases[resource] = Lease(resource, None, one.epoch, one.renewals + 1)

    def leave(self, name: str) -> None:
        self._ask()
        self.members.pop(name, None)
        for resource in [r for r, one in self.leases.items() if one.owner == name]:
            self.release(resource, name)

    def forget(self, members: list[Member]) -> None:
        self._ask()
        for member in members:
            if self.members.get(member.name) == member.renewals:
                del self.members[member.name]


@dataclass
class Worker:
    """A process with a clock of its own, a little fast or slow; what it does lags one look behind what it holds."""

    name: str
    share: FairShare
    at: list[int]
    rate: float
    working: set[str] = field(default_factory=set)
    epochs: dict[str, int] = field(default_factory=dict)
    alive: bool = True
    paused: bool = False

    def turn(self) -> None:
        self.share.look(self.working)
        held = self.share.held()
        self.working = set(held)
        self.epochs = dict(held)


def workers(index: Index, count: int, parts: list[str], rates: list[float]) -> list[Worker]:
    made = []
    for k in range(count):
        at = [k * 37 * SECOND]
        share = FairShare(index, f"w{k}", lambda: parts, lambda at=at: at[0], ttl_us=TTL)
        made.append(Worker(f"w{k}", share, at, rates[k % len(rates)]))
    return made


def run(everybody: list[Worker], seconds: int) -> None:
    for _ in range(seconds):
        for worker in everybody:
            worker.at[0] += round(SECOND * worker.rate)
            if worker.alive and not worker.paused:
                worker.turn()
        assert_one_each(everybody)


def assert_one_each(everybody: list[Worker]) -> None:
    """Nobody does what another does, but for one that is paused and does not know yet; epochs tell them apart."""
    doing = Counter(part for w in everybody if w.alive and not w.paused for part in w.working)
    assert not doing or max(doing.values()) == 1, doing
    told = [(part, epoch) for w in everybody for part, epoch in w.epochs.items() if w.alive]
    assert len(told) == len(set(told)), "two holders of one epoch"


def assert_settled(everybody: list[Worker], parts: list[str]) -> None:
    counts = [len(w.working) for w in everybody if w.alive]
    assert sum(counts) == len(parts)
    assert max(counts) - min(counts) <= 1


rates = st.lists(st.sampled_from([0.9, 1.0, 1.0, 1.1]), min_size=4, max_size=4)


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 6), parts=st.integers(0, 40), rates=rates)
def test_shares_differ_by_one_at_most_once_all_have_joined(count: int, parts: int, rates: list[float]) -> None:
    names = [f"cam-{k}" for k in range(parts)]
    everybody = workers(Index(), count, names, rates)
    for k in range(1, count + 1):  # they come one after the other
        run(everybody[:k], 2)
    run(everybody, 12)
    assert_settled(everybody, names)


@settings(max_examples=60, deadline=None)
@given(dead=st.sets(st.integers(0, 3), min_size=1, max_size=3), rates=rates, parts=st.integers(1, 24))
def test_the_parts_of_the_dead_are_taken_over_in_time(dead: set[int], rates: list[float], parts: int) -> None:
    """R6: within the time that a sign of life is waited for and two looks, by a clock that is 10 % slow too."""
    names = [f"cam-{k}" for k in range(parts)]
    everybody = workers(Index(), 4, names, rates)
    run(everybody, 15)
    for k in dead:
        everybody[k].alive = False
        everybody[k].working.clear()
    run(everybody, 8)
    assert_settled(everybody, names)


@settings(max_examples=60, deadline=None)
@given(
    outage=st.integers(1, 90),
    rates=rates,
    parts=st.integers(1, 24),
    count=st.integers(1, 4),
    late=st.lists(st.integers(0, 3), min_size=4, max_size=4),
)
def test_an_index_that_was_away_makes_nobody_lose_anything(
    outage: int, rates: list[float], parts: int, count: int, late: list[int]
) -> None:
    """R2: holders keep what they hold, for however long nobody can renew, and some find the index again later."""
    index = Index()
    names = [f"cam-{k}" for k in range(parts)]
    everybody = workers(index, count, names, rates)
    run(everybody, 15)
    before = [dict(w.epochs) for w in everybody]
    index.away = True
    run(everybody, outage)
    assert [w.epochs for w in everybody] == before
    index.away = False
    for second in range(12):
        for worker, delay in zip(everybody, late, strict=False):
            worker.paused = second < delay
        run(everybody, 1)
    assert [w.epochs for w in everybody] == before


@settings(max_examples=60, deadline=None)
@given(pause=st.integers(1, 30), rates=rates)
def test_one_that_slept_gives_up_what_others_have_taken(pause: int, rates: list[float]) -> None:
    names = [f"cam-{k}" for k in range(9)]
    everybody = workers(Index(), 3, names, rates)
    run(everybody, 15)
    everybody[0].paused = True
    run(everybody, pause)
    everybody[0].paused = False
    everybody[0].turn()  # within a second of waking up it knows
    assert_one_each(everybody)
    run(everybody, 20)
    assert_settled(everybody, names)


def test_one_that_leaves_is_followed_at_the_next_look() -> None:
    names = [f"cam-{k}" for k in range(10)]
    everybody = workers(Index(), 2, names, [1.0])
    run(everybody, 12)
    everybody[0].working.clear()
    everybody[0].share.leave()
    everybody[0].alive = False
    run(everybody, 1)
    assert_settled(everybody, names)


def test_what_is_still_done_is_not_released() -> None:
    """A recorder that takes its time to end keeps its lease for so long."""
    index = Index()
    names = ["a", "b"]
    first, second = workers(index, 2, names, [1.0])
    run([first], 3)
    assert first.working == {"a", "b"}
    for _ in range(6):
        for worker in (first, second):
            worker.at[0] += SECOND
        first.share.look({"a", "b"})
        second.turn()
        assert second.working == set()
    assert len(first.share.held()) == 1
    first.working = set(first.share.held())
    run([first, second], 2)
    assert_settled([first, second], names)


def test_a_restarted_process_has_its_own_back_at_once() -> None:
    index = Index()
    names = ["a", "b", "c"]
    (old,) = workers(index, 1, names, [1.0])
    run([old], 2)
    (new,) = workers(index, 1, names, [1.0])
    new.turn()
    assert new.working == set(names)
    assert all(new.epochs[part] > old.epochs[part] for part in names)


@settings(max_examples=60, deadline=None)
@given(parts=st.integers(0, 24), count=st.integers(1, 4), place=st.integers(0, 4))
def test_one_that_joins_gets_no_more_than_it_must(parts: int, count: int, place: int) -> None:
    """What changes hands is not recorded for a moment: the newcomer's smaller share moves, nothing else."""
    index, names = Index(), [f"cam-{k}" for k in range(parts)]
    everybody = workers(index, count + 1, names, [1.0])
    newcomer = everybody.pop(min(place, count))  # whatever its name
    run(everybody, 15)
    before = {part: w.name for w in everybody for part in w.working}
    run([*everybody, newcomer], 12)
    assert_settled([*everybody, newcomer], names)
    after = {part: w.name for w in [*everybody, newcomer] for part in w.working}
    assert {after[part] for part in names if after[part] != before[part]} <= {newcomer.name}
    assert len(newcomer.working) == parts // (count + 1)


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(0, 9), min_size=1, max_size=9), st.integers(0, 100))
def test_quotas_add_up(holding: dict[str, int], parts: int) -> None:
    shares = [quota(name, holding, parts) for name in holding]
    assert sum(shares) == parts
    assert max(shares) - min(shares) <= 1

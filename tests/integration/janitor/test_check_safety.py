"""A check on a live system, a store that is away, and a repair that is killed: nothing is lost by any of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatehouse_common.bus import Delivery
from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import FootageWriter
from gatehouse_common.errors import Cancelled, Conflict
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ChunkOpened, ChunkStored
from gatehouse_common.runtime import Core
from gatehouse_common.storage import Capacity, keys
from gatehouse_common.testing.clock import FakeClock
from gatehouse_indexer.service import build as build_indexer
from gatehouse_janitor.checking.care import ALONE, Care
from gatehouse_janitor.checking.check import Check
from gatehouse_janitor.checking.repair import Repair
from gatehouse_janitor.checking.safety import refuse_if_store_is_away
from janitor_kit import chunks, found, gaps, look, mend, objects, quarantined, read, record_chunks, replace, row_of
from pipeline_kit import START_US, core_at


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as made:
        record_chunks(made, tmp_path)
        yield made


class Meanwhile(FakeClock):
    """A clock during whose pauses something happens."""

    def __init__(self, now_us: int, what: Any) -> None:
        super().__init__(now_us)
        self._what = what

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self._what()
        return super().wait(stop, seconds)


def with_parts(core: Core, **parts: Any) -> Core:
    return type(core)(**{**{f: getattr(core, f) for f in core.__dataclass_fields__}, **parts})


def test_what_comes_and_goes_while_it_looks_is_no_problem(core: Core) -> None:
    """S2-44: files that are deleted, or stored and not indexed yet, at the first look; well at the second."""
    gone, late = chunks(core)[:2]
    indexer, media = build_indexer(core), read(core, late.key)
    FootageWriter(core.db).forget_chunk(late.id)
    core.store.delete(gone.key)

    def meanwhile() -> None:
        FootageWriter(core.db).forget_chunk(gone.id)  # as retention does
        stored = ChunkStored(
            camera="cam",
            time_us=core.clock.now_us(),
            run=late.run,
            chunk=late.id,
            key=late.key,
            spool_key="",
            start_us=late.start_us,
            end_us=late.end_us,
            origin_us=late.origin_us,
            bytes=len(media),
        )
        indexer.handle(Delivery(stored))

    live = with_parts(core, clock=Meanwhile(core.clock.now_us() + HOUR, meanwhile))
    report = Check(live, Care(15 * MINUTE, 1.0)).all(lambda _: None)
    assert report.problems == []
    assert report.passed == 2


def test_an_open_chunk_that_nobody_has_is_left_to_its_worker_while_others_are_at_work(core: Core) -> None:
    """S2-44: the worker that records it may come back under another address; alone, nobody comes."""
    opened = ChunkOpened(
        camera="cam",
        time_us=START_US,
        run=new_id(),
        chunk=new_id(),
        key=keys.spool("cam", new_id(), START_US + HOUR),
        start_us=START_US + HOUR,
        origin_us=START_US,
    )
    FootageWriter(core.db).open_chunk(opened)
    live = with_parts(core, clock=Meanwhile(core.clock.now_us(), lambda: None))
    check = Check(live, Care(15 * MINUTE, 1.0))
    (problem,) = check.all(lambda _: None).problems
    assert (problem.kind.value, problem.key) == ("missing", opened.key)
    assert Repair(live, check, core.bus.publish).mend(problem) is None
    assert row_of(core, opened.chunk) is not None
    mend(core)
    assert row_of(core, opened.chunk) is None


def test_what_stands_twice_is_told_on_a_live_system_too(core: Core) -> None:
    gone = chunks(core)[0]
    core.store.delete(gone.key)
    live = with_parts(core, clock=Meanwhile(core.clock.now_us(), lambda: None))
    report = Check(live, Care(15 * MINUTE, 1.0)).all(lambda _: None)
    assert [(p.kind.value, p.key) for p in report.problems] == [("missing", gone.key)]


def test_a_young_file_is_on_its_way_into_the_index(core: Core) -> None:
    """S2-44: a backlog of messages makes no orphans; what nobody told the index of for long is one."""
    FootageWriter(core.db).forget_chunk(chunks(core)[3].id)
    young = with_parts(core, clock=Meanwhile(core.clock.now_us() + 14 * MINUTE, lambda: None))
    assert Check(young, Care(15 * MINUTE, 1.0)).all(lambda _: None).problems == []
    old = with_parts(core, clock=Meanwhile(core.clock.now_us() + 16 * MINUTE, lambda: None))
    assert [p.kind.value for p in Check(old, Care(15 * MINUTE, 1.0)).all(lambda _: None).problems] == ["orphan"]


def test_a_chunk_that_stays_in_the_spool_for_long_is_told_and_left_to_capture(core: Core) -> None:
    """S2-44: stored and indexed, and its name in the spool is still there; while nothing runs that is no problem."""
    row = chunks(core)[0]
    left = core.data_dir / keys.spool("cam", row.run, row.start_us)
    left.parent.mkdir(parents=True)
    left.write_bytes(read(core, row.key))
    waits = left.with_name(f"{row.start_us + 9 * HOUR}.mp4")
    waits.write_bytes(b"being written")
    assert look(core).problems == []
    assert look(core).spool_files == 2
    live = with_parts(core, clock=Meanwhile(core.clock.now_us() + HOUR, lambda: None))
    check = Check(live, Care(15 * MINUTE, 1.0))
    (problem,) = check.all(lambda _: None).problems
    assert (problem.kind.value, problem.area.value, core.data_dir / problem.key) == ("leftover", "spool", left)
    assert Repair(live, check, core.bus.publish).mend(problem) is None
    assert left.exists()


def test_a_check_that_is_stopped_ends(core: Core) -> None:
    core.store.delete(chunks(core)[0].key)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        Check(core, ALONE, stop=stop).all(lambda _: None)


@pytest.mark.parametrize("gone", [7, 12])
def test_a_store_that_was_emptied_for_more_than_half_is_not_believed(core: Core, gone: int) -> None:
    """S2-44: aborts when more than half would be forgotten."""
    for row in chunks(core)[:gone]:
        core.store.delete(row.key)
    report = look(core)
    assert report.counts == {"missing": gone}
    with pytest.raises(Conflict, match=f"{gone} of 12 recordings are missing"):
        refuse_if_store_is_away(core, report)
    refuse_if_store_is_away(core, report, force=True)


def test_half_of_the_files_are_not_put_aside(core: Core) -> None:
    """S2-44: nor when more than half would be set aside: another program's folder is mounted there."""
    for n in range(14):
        core.store.put_bytes(f"recordings/other/{n}.mp4", b"film")
    report = look(core)
    assert report.counts == {"foreign": 14}
    with pytest.raises(Conflict, match="14 of 26 files would be put into quarantine"):
        refuse_if_store_is_away(core, report)


def test_another_store_is_recognised(core: Core) -> None:
    """S2-44: one missing file is no reason to ask, but a store with another sign is."""
    refuse_if_store_is_away(core, look(core))
    core.store.put_bytes(keys.STORE_SIGN, b'{"store": "another"}', overwrite=True)
    core.store.delete(chunks(core)[0].key)
    with pytest.raises(Conflict, match="another installation"):
        refuse_if_store_is_away(core, look(core))


def test_a_disk_that_is_unmounted_in_the_middle_of_a_repair_costs_no_row(core: Core) -> None:
    """S2-44: the guards are asked before each file that is moved and each row that goes, not once for all of them."""
    rows = chunks(core)
    for row in rows[1:4]:
        data = read(core, row.key)
        replace(core, row.key, data[:3000] + bytes([data[3000] ^ 1]) + data[3001:])
    core.store.delete(rows[5].key)
    report = look(core)
    refuse_if_store_is_away(core, report)
    assert report.counts == {"flipped": 3, "missing": 1}
    indexer, check = build_indexer(core), Check(core, ALONE)
    repair = Repair(core, check, lambda stored: indexer.handle(Delivery(stored)))
    problems = repair.ordered(report.problems)
    assert repair.mend(problems[0]) is not None
    left = [row.id for row in chunks(core)]
    (core.data_dir / keys.STORE_SIGN).rename(core.data_dir / "sign")
    (core.data_dir / "recordings").rename(core.data_dir / "elsewhere")
    assert [repair.mend(problem) for problem in problems[1:]] == [None, None, None]
    assert [row.id for row in chunks(core)] == left
    assert [cause for cause, _, _ in gaps(core)] == ["corrupt"]
    (core.data_dir / "elsewhere").rename(core.data_dir / "recordings")
    (core.data_dir / "sign").rename(core.data_dir / keys.STORE_SIGN)
    mend(core)
    assert found(core) == []
    assert sorted(cause for cause, _, _ in gaps(core)) == ["corrupt", "corrupt", "corrupt", "deleted"]


def test_more_than_half_damaged_is_not_believed_either(core: Core) -> None:
    """S2-44: a controller that flips bits in all that it reads: nothing is copied, and nothing put aside."""
    for row in chunks(core)[:7]:
        data = read(core, row.key)
        replace(core, row.key, data[:3000] + bytes([data[3000] ^ 1]) + data[3001:])
    report = look(core)
    assert report.counts == {"flipped": 7}
    with pytest.raises(Conflict, match="7 of 12 recordings are not what was recorded"):
        refuse_if_store_is_away(core, report)
    refuse_if_store_is_away(core, report, force=True)


def test_the_folder_of_one_camera_that_is_away_is_not_believed(core: Core, tmp_path: Path) -> None:
    """S2-44: mounted by itself, it is less than half of everything."""
    record_chunks(core, tmp_path, camera="other", count=4)
    for row in [row for row in chunks(core) if row.camera == "other"]:
        core.store.delete(row.key)
    report = look(core)
    assert report.counts == {"missing": 4}
    with pytest.raises(Conflict, match="4 of 4 recordings of camera other are missing"):
        refuse_if_store_is_away(core, report)


def test_no_copy_is_made_where_recording_needs_the_room(core: Core) -> None:
    """S2-44: what is damaged stays as it is until there is room for a second one of it."""
    row = chunks(core)[3]
    data = read(core, row.key)
    bad = data[:3000] + bytes([data[3000] ^ 1]) + data[3001:]
    replace(core, row.key, bad)
    full = with_parts(core, store=Full(core.store))
    check, indexer = Check(full, ALONE), build_indexer(core)
    repair = Repair(full, check, lambda stored: indexer.handle(Delivery(stored)))
    assert repair.mend_all(check.all(lambda _: None).problems) == {}
    assert read(core, row.key) == bad
    assert quarantined(core) == []
    mend(core)
    assert found(core) == []


class Full:
    """A store on a disk that has hardly any room left."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def capacity(self) -> Capacity:
        return Capacity(10**12, 10**6, None)


class Killed(BaseException):
    """The process ends here."""


class Fatal:
    """A stand-in for something whose so-many-th change of the world is its last."""

    def __init__(self, owner: Any, calls: list[int], names: tuple[str, ...]) -> None:
        self._owner, self._calls, self._names = owner, calls, names

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._owner, name)
        if name not in self._names:
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            self._calls[0] -= 1
            if self._calls[0] < 0:
                raise Killed
            return attribute(*args, **kwargs)

        return call


@pytest.mark.parametrize("step", range(6))
@pytest.mark.parametrize("fault", ["flipped", "truncated"])
def test_a_repair_that_is_killed_is_gone_on_with(core: Core, fault: str, step: int) -> None:
    """S2-44: between any two steps; then every byte is there, no footage twice, and the same is kept as without."""
    row = chunks(core)[4]
    data = read(core, row.key)
    flipped = data[:3000] + bytes([data[3000] ^ 1]) + data[3001:]
    replace(core, row.key, flipped if fault == "flipped" else data[: len(data) * 9 // 10])
    bad, others = read(core, row.key), {k: v for k, v in objects(core).items() if k != row.key}
    indexer, calls = build_indexer(core), [step]
    doomed = with_parts(core, store=Fatal(core.store, calls, ("put", "put_bytes", "delete")))

    def tell(stored: ChunkStored) -> None:
        calls[0] -= 1
        if calls[0] < 0:
            raise Killed
        indexer.handle(Delivery(stored))

    check = Check(doomed, ALONE)
    try:
        Repair(doomed, check, tell).mend_all(check.all(lambda _: None).problems)
    except Killed:
        assert step < 5
    mend(core)
    mend(core)
    assert found(core) == []
    assert {k: v for k, v in objects(core).items() if k in others} == others
    assert bad in quarantined(core)
    kept = row_of(core, row.id)
    assert kept is not None
    lost = [(cause, end - start) for cause, start, end in gaps(core)]
    assert lost == ([("corrupt", 1.0)] if fault == "flipped" else [("corrupt", 0.5)])
    assert sum(c.end_us - c.start_us for c in chunks(core)) == 24 * SECOND - round(sum(s for _, s in lost) * SECOND)

"""The janitor and the room there is: made before the disk is full, by what may go, and no more than is needed (R3)."""

from __future__ import annotations

import threading
from pathlib import Path

from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import (
    Camera,
    CameraRepository,
    HoldRepository,
)
from gatehouse_common.errors import ResourceExhausted
from gatehouse_common.runtime import Core
from gatehouse_common.storage import Capacity, ObjectInfo, keys
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor.once import sweep_once
from gatehouse_janitor.service import Janitor
from retention_kit import LENGTH, NOW, SmallDisk, cut, files, hold, open_core, plenty, record, trouble

KB = 1000
STOP = threading.Event()


def test_a_jump_makes_nothing_old_enough_to_go_for_room_and_ends_no_hold(tmp_path: Path, clock: FakeClock) -> None:
    core, disk = small(tmp_path, clock, 100 * KB, **{"retention.minimum_hours": 24, "retention.reserve_gb": 0.00003})
    young, held = record(core, "gate", NOW - LENGTH, 8 * KB), record(core, "gate", NOW - 40 * HOUR, 8 * KB)
    HoldRepository(core.db).place(hold(camera="gate", start_us=0, end_us=NOW - 39 * HOUR, until_us=NOW + 240 * HOUR))
    janitor = Janitor(core)
    clock.advance(HOUR)
    clock.step(40 * 24 * HOUR)
    disk.others = 90 * KB
    for _ in range(5):
        clock.advance(SECOND)
        janitor.look(STOP)
    assert files(core) == {young, held}
    core.close()


def test_a_camera_keeps_to_the_room_it_may_take(core: Core) -> None:
    CameraRepository(core.db).add(Camera("yard", "synthetic:", settings={"retention": {"max_gb": 0.00003}}))
    chunks = [record(core, "yard", NOW - (k + 1) * LENGTH, 5 * KB) for k in range(10)]
    others = plenty(core)
    Janitor(core).look(STOP)
    assert files(core) == {*chunks[:6], *others}


def test_all_together_keep_to_the_room_they_may_take(tmp_path: Path, clock: FakeClock) -> None:
    core = open_core(tmp_path / "data", clock, **{"retention.max_gb": 0.00005})
    chunks = [record(core, f"cam{k % 2}", NOW - (k + 1) * LENGTH, 10 * KB) for k in range(8)]
    clip = cut(core, NOW - 30 * 60 * SECOND, "cam0", size=10 * KB)
    Janitor(core).look(STOP)
    assert {*files(core)} == {*chunks[:4], clip}
    core.close()


def small(tmp_path: Path, clock: FakeClock, total: int, **settings: object) -> tuple[Core, SmallDisk]:
    core = open_core(tmp_path / "data", clock, total, **settings)
    assert isinstance(core.store, SmallDisk)
    return core, core.store


def test_room_is_made_before_the_disk_is_full_the_oldest_without_events_first(tmp_path: Path, clock: FakeClock) -> None:
    """R3."""
    core, _ = small(tmp_path, clock, 100 * KB, **{"retention.reserve_gb": 0.00003})
    chunks = [record(core, "gate", NOW - (k + 1) * LENGTH, 8 * KB) for k in range(10)]  # 80 of 100 kB
    clip = cut(core, NOW - 10 * LENGTH + MINUTE, size=KB)  # of the oldest
    janitor = Janitor(core)
    janitor.look(STOP)
    assert files(core) == {*chunks[:7], chunks[9], clip}
    assert trouble(janitor) == ""
    core.close()


def test_clips_go_last_and_what_is_held_never(tmp_path: Path, clock: FakeClock) -> None:
    """R3: held bytes deleted: none, however full the disk is."""
    core, disk = small(tmp_path, clock, 100 * KB, **{"retention.reserve_gb": 0.00005})
    held = [record(core, "gate", NOW - (k + 20) * LENGTH, 8 * KB) for k in range(3)]
    HoldRepository(core.db).place(hold(camera="gate", start_us=0, end_us=NOW - 17 * LENGTH))
    free = [record(core, "gate", NOW - (k + 1) * LENGTH, 8 * KB) for k in range(3)]
    clips = [cut(core, NOW - 5 * LENGTH - k * MINUTE * 2, size=8 * KB) for k in range(2)]
    janitor = Janitor(core)
    disk.others = 36 * KB  # somebody fills the disk from outside: nothing is free
    janitor.look(STOP)
    assert files(core) == {*held, clips[0]}  # half of all at most, at one look; recordings first
    for _ in range(3):
        clock.advance(5 * SECOND)
        janitor.look(STOP)
    assert files(core) == set(held)
    assert not {*free} & files(core)
    disk.others = 90 * KB
    clock.advance(5 * SECOND)
    janitor.look(STOP)
    assert not janitor.health()[0].ok
    assert files(core) == set(held)
    disk.others = 0
    clock.advance(5 * SECOND)
    janitor.look(STOP)
    assert trouble(janitor) == ""  # recovers by itself
    core.close()


def test_somebody_who_fills_the_disk_does_not_cost_all_that_is_stored(tmp_path: Path, clock: FakeClock) -> None:
    """Of what is stored goes what the reserve needs, then no more than cameras send."""
    core, disk = small(tmp_path, clock, 1000 * KB, **{"retention.reserve_gb": 0.0001})
    CameraRepository(core.db).add(Camera("gate", "synthetic:"))
    chunks = [record(core, "gate", NOW - (k + 1) * LENGTH, 10 * KB) for k in range(50)]
    janitor = Janitor(core)
    for n in range(100):
        disk.others = 500 * KB + n * 20 * KB  # faster than anything is deleted
        clock.advance(2 * SECOND)
        janitor.look(STOP)
    assert len(files(core)) >= 50 - 12
    assert files(core) == set(chunks[: len(files(core))])
    assert "something else fills the disk" in trouble(janitor)
    core.close()


def test_a_burst_of_somebody_else_is_no_reason_to_delete_while_there_is_room(tmp_path: Path, clock: FakeClock) -> None:
    core, disk = small(tmp_path, clock, 4_000_000 * KB)
    CameraRepository(core.db).add(Camera("gate", "synthetic:"))
    chunks = [record(core, "gate", NOW - (k + 1) * LENGTH, KB) for k in range(5)]
    janitor = Janitor(core)
    disk.others = 1_000_000 * KB
    janitor.look(STOP)
    disk.others = 3_000_000 * KB  # two gigabytes in a second
    clock.advance(SECOND)
    janitor.look(STOP)
    assert files(core) == set(chunks)
    core.close()


def test_deleting_that_frees_nothing_ends_soon(tmp_path: Path, clock: FakeClock) -> None:
    """As on a disk with snapshots."""
    core, disk = small(tmp_path, clock, 1000 * KB, **{"retention.reserve_gb": 0.0002})
    chunks = [record(core, "gate", NOW - (k + 1) * LENGTH, 10 * KB) for k in range(40)]
    disk.capacity = lambda: Capacity(1000 * KB, 100 * KB, None)  # type: ignore[method-assign]
    janitor = Janitor(core)
    for _ in range(50):
        clock.advance(SECOND)
        janitor.look(STOP)
    assert len(files(core)) >= 16
    assert files(core) < set(chunks)
    assert "frees nothing" in trouble(janitor)
    core.close()


def test_a_store_without_room_for_its_sign_is_given_some(tmp_path: Path, clock: FakeClock) -> None:
    core, disk = small(tmp_path, clock, 100 * KB, **{"retention.reserve_gb": 0.00003})
    chunks = [record(core, "gate", NOW - (k + 1) * LENGTH, 8 * KB) for k in range(10)]
    put = disk.put_bytes

    def full(key: str, data: bytes, *, overwrite: bool = False) -> ObjectInfo:
        if disk.capacity().free < 25 * KB:
            raise ResourceExhausted("no space left")
        return put(key, data, overwrite=overwrite)

    disk.put_bytes = full  # type: ignore[method-assign]
    janitor = Janitor(core)
    janitor.look(STOP)
    assert len(files(core)) < len(chunks)
    clock.advance(MINUTE)
    janitor.look(STOP)
    assert trouble(janitor) == ""
    assert (core.data_dir / keys.STORE_SIGN).exists()
    core.close()


def test_more_than_half_for_its_size_is_not_deleted_unless_it_is_told_so(core: Core) -> None:
    CameraRepository(core.db).add(Camera("yard", "synthetic:", settings={"retention": {"max_gb": 0.00001}}))
    chunks = {record(core, "yard", NOW - (k + 1) * LENGTH, 5 * KB) for k in range(10)}
    janitor = Janitor(core)
    janitor.look(STOP)
    assert files(core) == chunks
    assert "camera yard" in trouble(janitor)
    assert sweep_once(core, STOP, force=True)[0].objects == 8


def test_clips_of_a_camera_with_a_minimum_of_its_own_hide_no_others(tmp_path: Path, clock: FakeClock) -> None:
    core, disk = small(tmp_path, clock, 1000 * KB, **{"retention.reserve_gb": 0.0003})
    CameraRepository(core.db).add(Camera("vault", "synthetic:", settings={"retention": {"minimum_hours": 1000}}))
    vault = [cut(core, NOW - (200 + k) * HOUR, "vault", KB) for k in range(6)]
    gate = [cut(core, NOW - (100 + k) * HOUR, "gate", KB) for k in range(9)]
    disk.others = 980 * KB
    janitor = Janitor(core)
    for _ in range(5):
        clock.advance(SECOND)
        janitor.look(STOP)
    assert files(core) == set(vault)
    assert gate
    core.close()


def test_what_is_younger_than_it_must_be_is_not_deleted_not_even_for_room(tmp_path: Path, clock: FakeClock) -> None:
    core, disk = small(tmp_path, clock, 100 * KB, **{"retention.minimum_hours": 1, "retention.reserve_gb": 0.00003})
    CameraRepository(core.db).add(
        Camera("vault", "synthetic:", settings={"retention": {"minimum_hours": 100, "continuous_hours": 200}})
    )
    vault = record(core, "vault", NOW - 50 * HOUR, 8 * KB)
    young = record(core, "gate", NOW - 5 * LENGTH, 8 * KB)
    old = record(core, "gate", NOW - 8 * LENGTH, 8 * KB)
    disk.others = 90 * KB
    janitor = Janitor(core)
    for _ in range(3):
        clock.advance(SECOND)
        janitor.look(STOP)
    assert files(core) == {vault, young}
    assert old
    assert "too young" in trouble(janitor)
    core.close()


def test_it_looks_more_often_the_faster_the_disk_fills(tmp_path: Path, clock: FakeClock) -> None:
    core, disk = small(tmp_path, clock, 1000 * KB)
    CameraRepository(core.db).add(Camera("gate", "synthetic:"))
    record(core, "gate", NOW - 2 * LENGTH, KB)
    janitor = Janitor(core)
    assert janitor.look(STOP) == 5.0
    disk.others += 100 * KB
    clock.advance(SECOND)
    assert janitor.look(STOP) < 5.0
    core.close()


def test_with_retention_off_nothing_goes(tmp_path: Path, clock: FakeClock) -> None:
    core, disk = small(tmp_path, clock, 100 * KB, **{"retention.enabled": False})
    chunks = {record(core, "gate", NOW - 500 * HOUR - k * LENGTH, 8 * KB) for k in range(3)}
    disk.others = 90 * KB
    Janitor(core).look(STOP)
    assert files(core) == chunks
    core.close()

"""What the segmenter tells of the room in its store: also where there is none, and nothing can be written any more."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

from gatehouse_common.observability.metrics import STORAGE_CAPACITY, STORAGE_FREE
from gatehouse_common.settings import load
from gatehouse_common.storage import Capacity, LocalStore
from gatehouse_segmenter.service import Segmenter
from pipeline_kit import core_at
from running import wait_for
from small_disk import small_disk


def test_a_disk_that_is_full_to_the_last_byte_is_told_of(tmp_path: Path) -> None:
    """W-3: `GatehouseStorageFull` asks how much is free; that nothing can be written must not hide it."""
    with (
        small_disk(tmp_path / "disk", 8) as disk,
        core_at(tmp_path / "data", storage_url=f"file://{disk.root}") as core,
    ):
        disk.fill()
        free, size = STORAGE_FREE.labels("store"), STORAGE_CAPACITY.labels("store")
        free.set(disk.total)
        segmenter, stop = Segmenter(core), threading.Event()
        thread = threading.Thread(target=segmenter.run, args=(stop,), daemon=True)
        thread.start()
        try:
            wait_for("a look", lambda: not segmenter.health()[0].ok)
        finally:
            stop.set()
            thread.join(20)
        assert free.collect()[0].samples[0].value == 0
        assert size.collect()[0].samples[0].value == disk.total
        disk.clear()


class Roomless(LocalStore):
    """Stands for a bucket, of which nobody knows how large it is."""

    def capacity(self) -> None:  # type: ignore[override]
        return None


class NearlyFull(LocalStore):
    """The disk of a node that others have filled."""

    def capacity(self) -> Capacity:
        return Capacity(100 << 30, 1 << 20, 7)


@pytest.mark.parametrize(
    ("broker", "root", "ready"),
    [("amqp://rabbit.example.org", "work", True), ("memory:", "spool", False)],
    ids=["a segmenter among others", "all in one process"],
)
def test_the_folder_of_a_segmenter_is_no_spool(tmp_path: Path, broker: str, root: str, ready: bool) -> None:
    """Dashboards and alerts of spools are of recorders; and on a node without room it can do all that it has to."""
    with core_at(tmp_path / "data") as core:
        settings = load({"data_dir": str(core.data_dir), "broker_url": broker}, environ={})
        disks = {"store": Roomless(core.data_dir), "spool": NearlyFull(core.data_dir)}
        segmenter = Segmenter(dataclasses.replace(core, settings=settings, **disks))
        for name in ("work", "spool", "store"):
            STORAGE_FREE.labels(name).set(-1)
        segmenter._look_at_room()
        told = {s.labels["root"]: s.value for s in STORAGE_FREE.collect()[0].samples}
        assert told == {"work": -1, "spool": -1, "store": -1, root: 1 << 20}
        assert [check.ok for check in segmenter.health()] == [ready]

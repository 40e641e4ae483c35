"""What the segmenter tells of the room in its store: also where there is none, and nothing can be written any more."""

from __future__ import annotations

import threading
from pathlib import Path

from gatehouse_common.observability.metrics import STORAGE_CAPACITY, STORAGE_FREE
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

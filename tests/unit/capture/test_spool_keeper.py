"""The keeper of the spool: what it remembers of what waits, and what it takes for closed."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

from gatehouse_capture.spool_keeper import build as build_spool
from gatehouse_common.ids import new_id
from gatehouse_common.storage import keys
from gatehouse_common.testing.film import FilmSpec
from pipeline_kit import START_US, core_at, record

WAITING = 400
MOST_PER_FILE = 2_000


def test_of_what_waits_for_a_store_that_is_away_only_a_little_is_kept(tmp_path: Path) -> None:
    """R2: an outage of days leaves thousands of chunks in the spool; their samples must not fill the memory."""
    with core_at(tmp_path / "data") as core:
        keeper = build_spool(core)
        taken = record(core.data_dir, tmp_path, spec=FilmSpec(frames=600, gop=30, width=64, height=48))
        whole = core.data_dir / taken.keys[0]
        keeper.look()
        for n in range(WAITING):
            other = core.data_dir / keys.spool("cam", new_id(), START_US + n)
            other.parent.mkdir(parents=True)
            os.link(whole, other)
        tracemalloc.start()
        try:
            keeper.look()
            kept, _ = tracemalloc.get_traced_memory()
            keeper.look()
            again, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < WAITING * MOST_PER_FILE
        assert again < WAITING * MOST_PER_FILE

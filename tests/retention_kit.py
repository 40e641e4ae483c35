"""Stores and indexes with footage of known ages, for tests of what is deleted."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.db import ClipRepository, FootageWriter, Hold
from gatehouse_common.db.upkeep_models import FOREVER_US
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ChunkStored
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.storage import Capacity, LocalStore
from gatehouse_common.testing.clock import FakeClock

NOW = 1_800_000_000 * SECOND
LENGTH = 10 * MINUTE
RUN = "0190aaaa-0000-7000-8000-000000000001"


class SmallDisk(LocalStore):
    """A directory that says that it has so much room, and that others use some of it."""

    def __init__(self, root: Path, total: int) -> None:
        super().__init__(root)
        self.total, self.others = total, 0

    def capacity(self) -> Capacity:
        used = sum(p.stat().st_size for p in (self.root / "recordings").rglob("*.mp4"))
        used += sum(p.stat().st_size for p in (self.root / "videos").rglob("*.mp4"))
        return Capacity(self.total, max(0, self.total - used - self.others), None)


def open_core(folder: Path, clock: FakeClock, total: int = 0, **settings: object) -> Core:
    """Return a core on a directory and SQLite, with an index; ``total``: size of its disk in bytes."""
    core = Core.open(load({"data_dir": str(folder), "broker_url": "memory:", **settings}, config=None), clock)
    core.db.upgrade()
    return dataclasses.replace(core, store=SmallDisk(folder, total)) if total else core


def record(core: Core, camera: str, start_us: int, size: int = 1000) -> str:
    """Store a chunk of ten minutes, file and row; return its id."""
    chunk = new_id()
    key = f"recordings/{camera}/{start_us // (24 * 60 * MINUTE)}/{chunk}.mp4"
    core.store.put_bytes(key, bytes(size))
    stored = ChunkStored(
        camera=camera,
        time_us=start_us,
        run=RUN,
        chunk=chunk,
        key=key,
        spool_key="",
        start_us=start_us,
        end_us=start_us + LENGTH,
        origin_us=0,
        bytes=size,
        recovered=False,
    )
    FootageWriter(core.db).store_chunk(stored, b"index of samples")
    return chunk


def cut(core: Core, at_us: int, camera: str = "gate", size: int = 500) -> str:
    """Store a clip around a read, file and row; return its id."""
    clips = ClipRepository(core.db)
    (clip,) = clips.plan(camera, new_id(), at_us, 5 * SECOND, 15 * SECOND, 300 * SECOND, at_us)
    key = f"videos/2027-01-15/{clip}.mp4"
    core.store.put_bytes(key, bytes(size))
    clips.stored(clip, key, at_us - 5 * SECOND, at_us + 15 * SECOND, size, 1, 1, 9, "", at_us)
    return clip


def hold(**fields: object) -> Hold:
    """Return a hold of everything for ever, but for what is said."""
    base = Hold(new_id(), None, None, 0, FOREVER_US, "asked by the police", "", None, NOW)
    return replace(base, **fields)  # type: ignore[arg-type] - of the test


def files(core: Core) -> set[str]:
    """Return the ids of the chunks and clips whose files are there."""
    return {Path(i.key).stem for prefix in ("recordings/", "videos/") for i in core.store.list(prefix)}

"""Stores and indexes with footage of known ages, for tests of what is deleted."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.db import ClipRepository, Database, FootageReader, FootageWriter, Hold
from gatehouse_common.db.upkeep_models import FOREVER_US
from gatehouse_common.ids import new_id
from gatehouse_common.messages import ChunkStored
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.storage import Capacity, LocalStore
from gatehouse_common.testing.clock import FakeClock
from gatehouse_janitor.service import Janitor

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
    core = Core.open(
        load({"data_dir": str(folder), "broker_url": "memory:", "auth.mode": "open", **settings}, config=None), clock
    )
    core.db.upgrade()
    return dataclasses.replace(core, store=SmallDisk(folder, total)) if total else core


def store(
    db: Database, camera: str, start_us: int, size: int = 1000, run: str = RUN, origin_us: int = 0, key: str = ""
) -> str:
    """Give the index a stored chunk of ten minutes, of which there need be no file; return its id."""
    chunk = new_id()
    stored = ChunkStored(
        camera=camera,
        time_us=start_us,
        run=run,
        chunk=chunk,
        key=key or f"recordings/{camera}/{start_us // (24 * 60 * MINUTE)}/{chunk}.mp4",
        spool_key="",
        start_us=start_us,
        end_us=start_us + LENGTH,
        origin_us=origin_us,
        bytes=size,
        recovered=False,
    )
    FootageWriter(db).store_chunk(stored, b"index of samples")
    return chunk


def clip(db: Database, at_us: int, camera: str = "gate", size: int = 500, folder: str = "videos/2027-01-15") -> str:
    """Give the index a clip around a read, of which there need be no file; return its id."""
    clips = ClipRepository(db)
    (planned,) = clips.plan(camera, new_id(), at_us, 5 * SECOND, 15 * SECOND, 300 * SECOND, at_us)
    span = at_us - 5 * SECOND, at_us + 15 * SECOND
    clips.stored(planned, f"{folder}/{planned}.mp4", *span, size, 1, 1, 9, "", at_us)
    return planned


def record(core: Core, camera: str, start_us: int, size: int = 1000) -> str:
    """Store a chunk of ten minutes, file and row; return its id."""
    chunk = store(core.db, camera, start_us, size)
    core.store.put_bytes(FootageReader(core.db).chunk(chunk).key, bytes(size))
    return chunk


def cut(core: Core, at_us: int, camera: str = "gate", size: int = 500) -> str:
    """Store a clip around a read, file and row; return its id."""
    made = clip(core.db, at_us, camera, size)
    core.store.put_bytes(ClipRepository(core.db).get(made).key, bytes(size))
    return made


def hold(**fields: object) -> Hold:
    """Return a hold of everything for ever, but for what is said."""
    base = Hold(new_id(), None, None, 0, FOREVER_US, "asked by the police", "", None, NOW)
    return replace(base, **fields)  # type: ignore[arg-type] - of the test


def files(core: Core) -> set[str]:
    """Return the ids of the chunks and clips whose files are there."""
    return {Path(i.key).stem for prefix in ("recordings/", "videos/") for i in core.store.list(prefix)}


def plenty(core: Core, camera: str = "gate", count: int = 40) -> list[str]:
    """Footage that is young: beside it, what is old is less than half."""
    return [record(core, camera, NOW - HOUR - k * LENGTH) for k in range(count)]


def trouble(janitor: Janitor) -> str:
    """Return what a janitor says is wrong."""
    return " ".join(c.detail for c in janitor.health() if c.detail)

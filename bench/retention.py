"""K1, K2: planning over ten million chunks what goes, and deleting; beside a look at every row, and `rm` of as many."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

from bench.result import Result
from gatehouse_common.clock import HOUR, SECOND, SystemClock
from gatehouse_common.db import Camera, CameraRepository, ChunkDays
from gatehouse_common.retention import look_ahead
from gatehouse_common.runtime import Core
from gatehouse_common.settings import load
from gatehouse_common.testing.chunk_rows import seed_chunks, seed_objects
from gatehouse_janitor.once import sweep_once

ROWS = int(os.environ.get("GATEHOUSE_BENCH_RETENTION_ROWS", "10000000"))
CAMERAS = 500
CHUNK_US = 600 * SECOND
OLD = 20
"""Chunks of each camera that have come of age and are deleted."""
INDEX_BYTES = 20_000
FILE_BYTES = 4096
PLANS = 10


def run(folder: Path) -> list[Result]:
    """Fill an index, plan again and again, then delete what is too old."""
    per_camera = ROWS // CAMERAS
    now_us = SystemClock().now_us()
    span_us = per_camera * CHUNK_US
    keep_us = span_us - OLD * CHUNK_US
    settings = {"data_dir": str(folder), "broker_url": "memory:", "retention.continuous_hours": keep_us / HOUR}
    core = Core.open(load(settings, config=None))
    core.db.upgrade()
    cameras = [f"cam{n:03}" for n in range(CAMERAS)]
    for camera in cameras:
        CameraRepository(core.db).add(Camera(camera, "synthetic:", created_us=now_us - span_us))
    seed_chunks(core.db, cameras, per_camera, start_us=now_us - span_us - CHUNK_US // 2, chunk_us=CHUNK_US)
    summing = _seconds(lambda: ChunkDays(core.db).all())
    plans = sorted(_seconds(lambda: _plan(core)) for _ in range(PLANS))
    every_row = _seconds(lambda: _every_row(core))
    seed_objects(core.db, core.store, OLD * CAMERAS, FILE_BYTES, INDEX_BYTES)
    taken, gone = _sweep(core)
    reference = _rm(folder / "reference", gone)
    core.close()
    on = f"SQLite, {ROWS} chunks of {CAMERAS} cameras"
    plan = Result(
        "K1",
        "plan of what goes next and when, the slowest of ten",
        plans[-1],
        "s",
        "< 1 s",
        plans[-1] < 1,
        every_row,
        on + "; reference: one sum over every row",
        {"median": plans[PLANS // 2], "days summed up the first time": summing},
    )
    rate = gone / taken
    delete = Result(
        "K2",
        "objects deleted a second, rows and files",
        rate,
        "objects/s",
        ">= 2000 objects/s",
        rate >= 2000,
        gone / reference,
        f"{on}; {gone} files of {FILE_BYTES} bytes, sample indexes of {INDEX_BYTES}; reference: `rm` of as many files",
        more_is_better=True,
    )
    return [plan, delete]


def _plan(core: Core) -> None:
    look_ahead(core.settings.values, core.db, core.store.capacity(), core.clock.now_us(), core.zone)


def _every_row(core: Core) -> None:
    query = "SELECT camera, COUNT(*), SUM(bytes) FROM chunks WHERE state = 'stored' GROUP BY camera"
    with core.db.read() as c:
        c.exec_driver_sql(query).all()


def _sweep(core: Core) -> tuple[float, int]:
    began = time.perf_counter()
    freed, trouble = sweep_once(core, threading.Event())
    if trouble:
        raise RuntimeError(trouble)
    return time.perf_counter() - began, freed.objects


def _rm(folder: Path, count: int) -> float:
    for n in range(count):
        path = folder / f"{n % CAMERAS}" / f"{n}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(FILE_BYTES))
    return _seconds(lambda: subprocess.run(["rm", "-r", str(folder)], check=True))


def _seconds(work: object) -> float:
    began = time.perf_counter()
    assert callable(work)
    work()
    return time.perf_counter() - began

"""The index of a site as it is after weeks: cameras, chunks with their sums by day, plates. By SQL, not by messages.

Chunks are ten minutes long and have neither files nor sample indexes, as those of the other benches: 2,000 cameras have
8.6 million of them in 30 days, and no look-up that is measured on them reads either.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.plate_history import fill
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, CameraRepository, Database
from gatehouse_common.db.chunk_days import DAY_US
from gatehouse_common.db.models import ChunkRow
from gatehouse_common.db.upkeep_models import ChunkDayRow
from gatehouse_common.testing.plate_rows import Rows, plate_rows

from .scale import DAY_S, REAL_CHUNK_S, Scale

CHUNK_US = REAL_CHUNK_S * SECOND
CHUNK_BYTES = REAL_CHUNK_S * 500_000
"""At 4 Mbit/s."""
_BATCH = 20_000
_CHUNK = ("id", "camera", "run", "key", "state", "start_us", "end_us", "origin_us", "bytes", "recovered", "stored_us")


def names(count: int) -> list[str]:
    """Return the ids of so many cameras."""
    return [f"camera-{k:05d}" for k in range(count)]


def chunks_of(days: int) -> int:
    """Return how many chunks a camera has in so many days."""
    return days * DAY_S // REAL_CHUNK_S


def make_history(url: str, folder: Path, count: int, scale: Scale, end_us: int) -> int:
    """Fill a new index with cameras, chunks and plates up to ``end_us``; return where it begins, microseconds UTC."""
    db = Database(url)
    db.upgrade()
    cameras, per_camera = names(count), chunks_of(scale.days)
    start_us = end_us - per_camera * CHUNK_US
    repository = CameraRepository(db)
    for camera in cameras:
        repository.add(Camera(camera, "synthetic:", created_us=start_us))
    db.close()
    fill(url, folder, _chunks(cameras, per_camera, start_us))
    fill(url, folder, [_days(cameras, per_camera, start_us)])
    visits = count * scale.plates
    fill(url, folder, plate_rows(visits, start_us=start_us, every_us=(end_us - start_us) // visits, cameras=cameras))
    return start_us


def _chunks(cameras: Sequence[str], per_camera: int, start_us: int) -> Iterator[Rows]:
    """Yield rows by time, as they come when all cameras record at once."""
    chance = random.Random(3)
    runs = {camera: _id(chance, start_us) for camera in cameras}
    values = []
    for n in range(per_camera):
        at = start_us + n * CHUNK_US
        end, day = at + CHUNK_US, at // DAY_US
        for camera, run in runs.items():
            key = f"recordings/{camera}/{day:08d}/recording_{at}.mp4"
            values.append((_id(chance, at), camera, run, key, "stored", at, end, start_us, CHUNK_BYTES, False, end))
        if len(values) >= _BATCH:
            yield Rows(ChunkRow, _CHUNK, values)
            values = []
    if values:
        yield Rows(ChunkRow, _CHUNK, values)


def _days(cameras: Sequence[str], per_camera: int, start_us: int) -> Rows:
    """Return the sums, made: where an index grows day by day, few of them are ever out of date."""
    counts = Counter((start_us + n * CHUNK_US) // DAY_US for n in range(per_camera))
    values = [
        (camera, day, chunks, chunks * CHUNK_BYTES, chunks, chunks)
        for camera in cameras
        for day, chunks in sorted(counts.items())
    ]
    return Rows(ChunkDayRow, ("camera", "day", "chunks", "bytes", "changes", "counted"), values)


def _id(chance: random.Random, at_us: int) -> str:
    """Return a UUIDv7 of an instant, in a tenth of the time that a real one takes."""
    stamp, bits = f"{at_us // 1000:012x}", f"{chance.getrandbits(74):019x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{bits[:3]}-a{bits[3:6]}-{bits[6:18]}"

"""An index as a site has it after months: many chunk rows at once, for look-up tests and benches."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import select

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Database
from gatehouse_common.db.chunk_days import DAY_US
from gatehouse_common.db.models import ChunkIndexRow, ChunkRow
from gatehouse_common.db.upkeep_models import ChunkDayRow
from gatehouse_common.ids import new_id
from gatehouse_common.storage import ObjectStore

_ROWS_AT_ONCE = 10_000
_INDEXES_AT_ONCE = 500
_BYTES_PER_SECOND = 500_000  # 4 Mbit/s


def seed_chunks(
    db: Database, cameras: Collection[str], per_camera: int, *, start_us: int, chunk_us: int = 600 * SECOND
) -> int:
    """Fill the index with stored chunks, one run per camera without a gap; return where the footage ends.

    The cameras' rows are interleaved in time as they are when several record at once, since where rows lie on
    the disk is what a look-up's time depends on.

    Args:
        db: an index that is up to date.
        cameras: ids of the cameras.
        per_camera: chunks of each.
        start_us: where the footage begins, microseconds UTC.
        chunk_us: length of a chunk, microseconds.
    """
    end_us = start_us + per_camera * chunk_us
    days = range(start_us // DAY_US, end_us // DAY_US + 1)
    sums = ChunkDayRow.metadata.tables[ChunkDayRow.__tablename__].insert()
    with db.begin() as connection:
        for camera in cameras:
            touched = {"camera": camera, "chunks": 0, "bytes": 0, "changes": 1, "counted": 0}
            connection.execute(sums, [{**touched, "day": day} for day in days])
    rows = _rows({camera: new_id() for camera in cameras}, per_camera, start_us, chunk_us)
    insert = ChunkRow.metadata.tables[ChunkRow.__tablename__].insert()
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        with db.begin() as connection:
            connection.execute(insert, batch)
    return end_us


def seed_objects(db: Database, store: ObjectStore, count: int, size: int, index_bytes: int) -> None:
    """Make files, and sample indexes, of the oldest chunks.

    Args:
        db: the index.
        store: where the files are made.
        count: of how many chunks.
        size: bytes of each file.
        index_bytes: of each sample index.
    """
    blob, table = os.urandom(index_bytes), ChunkIndexRow.metadata.tables[ChunkIndexRow.__tablename__]
    with db.read() as connection:
        oldest = select(ChunkRow.id, ChunkRow.key).where(ChunkRow.state == "stored").order_by(ChunkRow.start_us)
        rows = connection.execute(oldest.limit(count)).all()
    for at in range(0, len(rows), _INDEXES_AT_ONCE):
        some = rows[at : at + _INDEXES_AT_ONCE]
        with db.begin() as connection:
            connection.execute(table.insert(), [{"chunk": row.id, "data": blob} for row in some])
        for row in some:
            path = store.local_path(row.key)
            if path is not None:  # synced one by one as objects are, so many would take minutes
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(bytes(size))


def _rows(runs: dict[str, str], per_camera: int, start_us: int, chunk_us: int) -> Iterator[dict[str, Any]]:
    for n in range(per_camera):
        at = start_us + n * chunk_us
        for camera, run in runs.items():
            yield {
                "id": new_id(),
                "camera": camera,
                "run": run,
                "key": f"recordings/{camera}/{at // (86_400 * SECOND):08d}/recording_{at}.mp4",
                "state": "stored",
                "start_us": at,
                "end_us": at + chunk_us,
                "origin_us": start_us,
                "bytes": chunk_us * _BYTES_PER_SECOND // SECOND,
                "recovered": False,
                "stored_us": at + chunk_us,
            }

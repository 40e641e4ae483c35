"""An index as a site has it after months: many chunk rows at once, for look-up tests and benches."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Database
from gatehouse_common.db.models import ChunkRow
from gatehouse_common.ids import new_id

_ROWS_AT_ONCE = 10_000
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
    rows = _rows({camera: new_id() for camera in cameras}, per_camera, start_us, chunk_us)
    insert = ChunkRow.metadata.tables[ChunkRow.__tablename__].insert()
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        with db.begin() as connection:
            connection.execute(insert, batch)
    return start_us + per_camera * chunk_us


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

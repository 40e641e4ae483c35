"""S3 to S7 where services are in parts: over RabbitMQ, with MariaDB; and what a chunk costs at an S3 server.

All of it on one machine, the servers too: what they take of it is missing to what is measured.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.result import Result
from gatehouse_common.observability import logs

from . import bucket, describe, say
from .scale import Scale
from .site import in_parts, measure

_CHUNK_S = 100


def run(folder: Path) -> list[Result]:
    """Measure sites of every size, each with servers of its own; then chunks in a bucket.

    Raises:
        RuntimeError: there are no servers here.
    """
    logs.set_up("error", "json", None)
    scale, sites = Scale.from_environment(), []
    scale = replace(scale, days=scale.parts_days)
    for count in scale.parts_cameras:
        with in_parts(folder / f"servers-{count}") as servers:
            sites.append(measure(folder / f"site-{count}", count, scale, servers))
        say(sites[-1])
    return [*describe(sites, scale), stored_in_a_bucket(bucket.measure(folder / "bucket", _CHUNK_S))]


def stored_in_a_bucket(requests: bucket.Requests) -> Result:
    """Return what a chunk costs at an S3 server."""
    on = f"H.264 1080p30 4 Mbit/s, chunks of {requests.mbytes:.0f} MB, Swift by S3; stored, indexed, freed"
    more: dict[str, float | str] = {**requests.stored, **{f"to delete it, {m}": n for m, n in requests.deleted.items()}}
    value = sum(requests.stored.values())
    return Result("S7", "S3 requests to store and index a chunk", value, "requests", "told", True, None, on, more)

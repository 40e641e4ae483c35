"""S3 to S6 where services are in parts: over RabbitMQ, with MariaDB.

All of it on one machine, the servers too: what they take of it is missing to what is measured.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.result import Result
from gatehouse_common.observability import logs

from . import describe, say
from .scale import Scale
from .site import in_parts, measure


def run(folder: Path) -> list[Result]:
    """Measure sites of every size, each with servers of its own.

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
    return describe(sites, scale)

"""``gatehouse coverage``: how much of each camera is recorded, and why the rest is not, straight from the index."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, CameraRepository, CoverageReader
from gatehouse_common.db.coverage import Coverage
from gatehouse_common.errors import InvalidInput
from gatehouse_common.intervals import Interval
from gatehouse_common.timefmt import parse, rfc3339

from .options import data_options, json_option, open_recordings

_DAY_US = 24 * 3600 * SECOND


@click.command()
@click.argument("camera", required=False)
@click.option("--from", "start", metavar="TIME", help="Where the range begins; 24 hours before its end if not given.")
@click.option("--to", "end", metavar="TIME", help="Where it ends; now if not given.")
@json_option
@data_options
def coverage(
    camera: str | None, start: str | None, end: str | None, as_json: bool, data: Path | None, config: Path | None
) -> None:
    """Tell how much of CAMERA, or of each camera, is recorded.

    Every second since a camera was added is recorded or in a gap with one cause. Of one camera each gap is listed.
    Times: RFC 3339, YYYYMMDD_HHMMSS in the site's zone, or seconds since 1970. No server has to run.
    """
    core = open_recordings(data, config)
    try:
        core.db.upgrade()
        now = core.clock.now_us()
        until = now if end is None else parse(end, core.zone, "--to", fold=1)
        since = until - _DAY_US if start is None else parse(start, core.zone, "--from")
        if until <= since:
            raise InvalidInput(f"--to ({rfc3339(until)}) must be after --from ({rfc3339(since)})", "--to")
        cameras = CameraRepository(core.db)
        asked = cameras.list() if camera is None else [cameras.get(camera)]
        reader = CoverageReader(core.db)
        found = [(one, reader.coverage(one, Interval(since, until), now)) for one in asked]
        if as_json:
            click.echo(json.dumps([_fields(*pair, core.zone) for pair in found], indent=1))
            return
        for one, ledger in found:
            click.echo(_line(one, ledger))
        if camera is not None:
            _list_gaps(found[0][1], core.zone)
        if not found:
            click.echo("There are no cameras.", err=True)
    finally:
        core.close()


def _line(camera: Camera, found: Coverage) -> str:
    share = "nothing expected" if found.percentage is None else f"{_percent(found.percentage)} recorded"
    causes = [f"{_length(us)} {cause.replace('_', ' ')}" for cause, us in found.gaps_us.items()]
    unexplained = f" ({_length(found.unexplained_us)} unexplained)" if found.unexplained_us else ""
    return f"{camera.id}: {share} of {_length(found.span.duration)}" + (
        f"; gaps: {', '.join(causes)}{unexplained}" if causes else ", no gap"
    )


def _list_gaps(found: Coverage, zone: ZoneInfo) -> None:
    for one in found.stretches:
        if one.cause is not None:
            more = ", goes on" if one.open else "" if one.explained else ", unexplained"
            click.echo(
                f"  {rfc3339(one.start_us, zone)} {_length(one.duration_us):>12}  {one.cause.replace('_', ' ')}{more}"
            )


def _percent(share: float) -> str:
    """Return a percentage that does not say 100 unless all is there."""
    return "100 %" if share >= 100 else f"{min(share, 99.999):.3f} %"


def _length(us: int) -> str:
    seconds = us / SECOND
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min {rest} s" if hours else f"{minutes} min {rest} s"


def _fields(camera: Camera, found: Coverage, zone: ZoneInfo) -> dict[str, object]:
    return {
        "camera": camera.id,
        "from": rfc3339(found.span.start, zone),
        "to": rfc3339(found.span.end, zone),
        "length_seconds": found.span.duration / SECOND,
        "recorded_seconds": found.recorded_us / SECOND,
        "expected_seconds": found.expected_us / SECOND,
        "gap_seconds": {cause: us / SECOND for cause, us in found.gaps_us.items()},
        "unexplained_seconds": found.unexplained_us / SECOND,
        "percentage": found.percentage,
        "gaps": [
            {
                "from": rfc3339(one.start_us, zone),
                "to": rfc3339(one.end_us, zone),
                "cause": one.cause,
                "explained": one.explained,
                "open": one.open,
            }
            for one in found.stretches
            if one.cause is not None
        ],
    }

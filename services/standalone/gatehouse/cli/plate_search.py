"""``gatehouse plates search``: when and where a plate was seen, straight from the index."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from gatehouse_common.db import Match, PlateEvent, PlateQuery, PlateReader
from gatehouse_common.db.plate_texts import distance, tidy
from gatehouse_common.timefmt import parse, rfc3339

from .options import data_options, json_option, open_recordings


@click.command("search")
@click.argument("text")
@click.option(
    "--match",
    type=click.Choice(["exact", "prefix", "wildcard", "fuzzy"]),
    help="How; else wildcard if TEXT has * or ?, and fuzzy if not.",
)
@click.option("--camera", "cameras", multiple=True, metavar="ID", help="Only of this camera; may be given again.")
@click.option("--from", "start", metavar="TIME", help="Only what was there at that time or later.")
@click.option("--to", "end", metavar="TIME", help="Only what came before that time.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="So many at most.")
@json_option
@data_options
def search(
    text: str,
    match: Match | None,
    cameras: tuple[str, ...],
    start: str | None,
    end: str | None,
    limit: int,
    as_json: bool,
    data: Path | None,
    config: Path | None,
) -> None:
    """Look for the plate TEXT among those that were read, the newest first.

    Fuzzy: one character may be wrong, missing or too many, and O, 0, Q and D are alike, as are I, 1 and L, B and 8,
    S and 5, Z and 2, G and 6. In a wildcard, * is any text and ? any character. Times: RFC 3339, YYYYMMDD_HHMMSS in
    the site's zone, or seconds since 1970. No server has to run.
    """
    sought = tidy(text)
    how: Match = match or ("wildcard" if set(sought) & {"*", "?"} else "fuzzy")
    core = open_recordings(data, config)
    try:
        core.db.upgrade()
        query = PlateQuery(
            text=sought,
            match=how,
            cameras=frozenset(cameras) or None,
            start_us=None if start is None else parse(start, core.zone, "--from"),
            end_us=None if end is None else parse(end, core.zone, "--to", fold=1),
            limit=limit,
        )
        found = PlateReader(core.db).search(query)
        if as_json:
            click.echo(json.dumps([_fields(event, core.zone) for event in found], indent=1))
            return
        for event in found:
            click.echo(_line(event, sought, how, core.zone))
        if not found:
            click.echo(f"No plate was seen that is like {sought}.", err=True)
    finally:
        core.close()


def _line(event: PlateEvent, sought: str, how: Match, zone: ZoneInfo) -> str:
    lasted_s = (event.end_us - event.start_us) / 1_000_000
    line = (
        f"{rfc3339(event.start_us, zone)}  {event.text:<8}  {event.confidence:.2f}  {event.camera}  "
        f"{event.reads} reads in {lasted_s:.0f} s"
    )
    if event.corrected_us is not None:
        line += f", read as {event.voted_text}"
    apart = distance(sought, event.text) if how == "fuzzy" else 0
    return f"{line}, {apart} different" if apart else line


def _fields(event: PlateEvent, zone: ZoneInfo) -> dict[str, object]:
    return {
        "id": event.id,
        "plate": event.text,
        "voted": event.voted_text,
        "confidence": event.confidence,
        "camera": event.camera,
        "start": rfc3339(event.start_us, zone),
        "end": rfc3339(event.end_us, zone),
        "state": event.state,
        "reads": event.reads,
        "region": event.region,
        "direction": event.direction,
        "frame": event.frame_key,
        "crop": event.crop_key,
    }

"""``gatehouse hold``: footage, clips and media that nothing deletes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from gatehouse_common.db import Hold, HoldRepository, MediaLibrary
from gatehouse_common.db.upkeep_models import FOREVER_US
from gatehouse_common.retention import copy_holds, make_hold, medium_to_hold
from gatehouse_common.runtime import Core
from gatehouse_common.timefmt import rfc3339

from .options import data_options, json_option, open_recordings

_MOST_DIGITS = 10


@click.group()
def hold() -> None:
    """Keep footage, clips and uploads from being deleted, list what is kept so, release it."""


@hold.command()
@click.option("--camera", help="Whose footage; of all cameras if none is named.")
@click.option("--from", "start", help="The first instant that is held.")
@click.option("--to", "end", help="The first that is not; if it is left out, the hold goes on.")
@click.option("--clip", help="Hold one clip, by its id, instead of a range.")
@click.option("--media", help="Hold one upload or export, by its number or id.")
@click.option("--session", type=click.IntRange(1, 2**31 - 1), help="Hold what a browser recorded, by its session.")
@click.option("--reason", required=True, help="Why, for people.")
@click.option("--case", "case_name", default="", help="What it belongs to.")
@click.option("--until", help="When it runs out by itself.")
@json_option
@data_options
def add(
    camera: str | None,
    start: str | None,
    end: str | None,
    clip: str | None,
    media: str | None,
    session: int | None,
    reason: str,
    case_name: str,
    until: str | None,
    as_json: bool,
    data: Path | None,
    config: Path | None,
) -> None:
    """Place a hold. Times are RFC 3339, YYYYMMDD_HHMMSS in the site's zone, or seconds since 1970."""
    core = open_recordings(data, config)
    try:
        core.db.upgrade()
        placed = make_hold(
            core.db,
            core.zone,
            core.clock.now_us(),
            camera=camera,
            clip=clip,
            media=medium_to_hold(MediaLibrary(core.db), _which(media), session),
            start=start,
            end=end,
            reason=reason,
            case_name=case_name,
            until=until,
            by="command line",
        )
        decided = HoldRepository(core.db).place(placed)
        _copy(core)
    finally:
        core.close()
    if as_json:
        click.echo(json.dumps({**_fields(placed), "decided": decided}))
        return
    click.echo(f"Held as {placed.id}: {_what(placed)}.")
    if decided:
        click.echo(f"{decided} objects of it had been decided on before, and are given back.")


@hold.command(name="list")
@click.option("--all", "ended", is_flag=True, help="Those too that were released, or have run out.")
@json_option
@data_options
def list_holds(ended: bool, as_json: bool, data: Path | None, config: Path | None) -> None:
    """List holds, the newest first."""
    core = open_recordings(data, config)
    try:
        core.db.upgrade()
        found = HoldRepository(core.db).list(core.clock.now_us(), ended=ended)
    finally:
        core.close()
    if as_json:
        click.echo(json.dumps([_fields(one) for one in found], indent=1))
        return
    for one in found:
        over = "" if one.released_us is None else f" (released {rfc3339(one.released_us)})"
        click.echo(f"{one.id}  {_what(one)}: {one.reason}{over}")


@hold.command()
@click.argument("hold_id", metavar="ID")
@data_options
def release(hold_id: str, data: Path | None, config: Path | None) -> None:
    """Release a hold: what it held goes as anything of its age does."""
    core = open_recordings(data, config)
    try:
        core.db.upgrade()
        released = HoldRepository(core.db).release(hold_id, core.clock.now_us(), "command line")
        _copy(core)
    finally:
        core.close()
    click.echo(f"Released: {_what(released)}.")


def _copy(core: Core) -> None:
    trouble = copy_holds(core.db, core.store, core.clock.now_us())
    if trouble:
        click.echo(trouble, err=True)


def _which(text: str | None) -> int | str | None:
    return int(text) if text and text.isdecimal() and len(text) < _MOST_DIGITS else text


def _what(one: Hold) -> str:
    if one.media is not None:
        return f"medium {one.media}"
    if one.clip is not None:
        return f"clip {one.clip}"
    until = "on" if one.end_us >= FOREVER_US else f"to {rfc3339(one.end_us)}"
    whose = "all cameras" if one.camera is None else one.camera or "recordings of browsers"
    return f"{whose} from {rfc3339(one.start_us)} {until}"


def _fields(one: Hold) -> dict[str, object]:
    return {
        "id": one.id,
        "camera": one.camera,
        "clip": one.clip,
        "media": one.media,
        "from": rfc3339(one.start_us),
        "to": None if one.end_us >= FOREVER_US else rfc3339(one.end_us),
        "reason": one.reason,
        "case": one.case_name,
        "until": None if one.until_us is None else rfc3339(one.until_us),
        "released": None if one.released_us is None else rfc3339(one.released_us),
    }

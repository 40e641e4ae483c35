"""``gatehouse retention``: what is deleted next; and to have it done now."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from gatehouse_api.routes.retention_models import plan_view
from gatehouse_common.errors import Conflict
from gatehouse_common.retention import Outlook, look_ahead
from gatehouse_common.runtime import Core
from gatehouse_common.sizefmt import shown_size
from gatehouse_common.timefmt import rfc3339
from gatehouse_janitor.once import sweep_once

from .options import data_options, json_option, open_recordings

_SHOWN_DAYS = 14


@click.group()
def retention() -> None:
    """Tell what is deleted next and when, or delete now what is too old."""


@retention.command()
@click.option("--limit", type=click.IntRange(0, 100), default=10, help="So many of what goes first are named.")
@json_option
@data_options
def plan(limit: int, as_json: bool, data: Path | None, config: Path | None) -> None:
    """Show what goes next, when, how many bytes that is, and for how long the room is enough. Deletes nothing."""
    core = open_recordings(data, config)
    try:
        core.db.upgrade()
        outlook = _look_ahead(core, limit)
        if as_json:
            click.echo(json.dumps(plan_view(outlook).model_dump(), indent=1))
        else:
            _show(core, outlook)
    finally:
        core.close()


@retention.command()
@click.option("--force", is_flag=True, help="Even if more than half of a class goes at once.")
@click.option("--dry-run", is_flag=True, help="Only tell what would go; nothing is deleted or changed.")
@click.option("--adopt-store", is_flag=True, help="The store is right, though it is not the one that was known.")
@json_option
@data_options
def run(force: bool, dry_run: bool, adopt_store: bool, as_json: bool, data: Path | None, config: Path | None) -> None:
    """Delete now what is too old or takes more room than it may; what is held stays.

    A running Gatehouse does it by itself; both may be at it at once.
    """
    core = open_recordings(data, config)
    try:
        core.db.upgrade()
        if dry_run:
            _show_due(_look_ahead(core, 0), as_json=as_json)
            return
        freed, trouble = sweep_once(core, threading.Event(), force=force, adopt_store=adopt_store)
    finally:
        core.close()
    if as_json:
        click.echo(json.dumps({"objects": freed.objects, "bytes": freed.bytes, "trouble": trouble}))
    else:
        click.echo(f"{_counted(freed.objects)} deleted, {shown_size(freed.bytes)}.")
    if trouble:
        raise Conflict(trouble)


def _look_ahead(core: Core, limit: int) -> Outlook:
    """Return what retention will do, as things stand; so many objects are named."""
    return look_ahead(core.settings.values, core.db, core.store.capacity(), core.clock.now_us(), core.zone, limit)


def _counted(objects: int) -> str:
    return "1 object" if objects == 1 else f"{objects} objects"


def _show_due(outlook: Outlook, *, as_json: bool) -> None:
    """Tell what would go now for its age."""
    if as_json:
        click.echo(plan_view(outlook).model_dump_json(include={"due"}))
        return
    for due in outlook.due:
        click.echo(
            f"{_counted(due.objects)} of class {due.kind} would be deleted for their age, {shown_size(due.bytes)}."
        )


def _show(core: Core, outlook: Outlook) -> None:
    console = Console()
    console.print(outlook.forecast.sentence, highlight=False)
    room = outlook.room
    if room.total is not None and room.free is not None:
        console.print(
            f"Of {shown_size(room.total)}, {shown_size(room.free)} are free; {shown_size(room.reserve)} are kept so. "
            f"Recordings take {shown_size(room.recordings)}, clips {shown_size(room.clips)}; "
            f"{shown_size(room.held)} are held.",
            highlight=False,
        )
    for warning in outlook.warnings:
        console.print(f"[bold]{warning}[/bold]", highlight=False)
    if not outlook.enabled:
        console.print("Nothing is deleted: retention.enabled is false.")
    for due in outlook.due:
        if due.objects:
            console.print(f"Of age now: {due.objects} of class {due.kind}, {shown_size(due.bytes)}.", highlight=False)
    days = Table("day", "class", "objects", "bytes", title="What comes of age", box=None, title_justify="left")
    for day in outlook.days[:_SHOWN_DAYS]:
        days.add_row(day.date.isoformat(), day.kind, str(day.objects), shown_size(day.bytes))
    if outlook.days:
        console.print(days)
    what = Column("what", overflow="fold")  # a name that is cut off names nothing
    first = Table("when", what, "bytes", title="What goes first", box=None, title_justify="left")
    for gone in outlook.next:
        first.add_row(rfc3339(gone.at_us, core.zone), gone.key, shown_size(gone.bytes))
    if outlook.next:
        console.print(first)

"""``gatehouse db``: the index's schema, and recordings of an older index."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from gatehouse.import_entries import read_entries
from gatehouse_common.db import Database
from gatehouse_common.runtime.index import open_index

from .opened_index import require_index
from .options import data_options, json_option, read_settings
from .progress import progress


@click.group("db")
def database() -> None:
    """Upgrade the index, or import an older one."""


@database.command()
@data_options
def upgrade(data: Path | None, config: Path | None) -> None:
    """Bring the index's schema up to date. `gatehouse up` does so too; no footage is touched."""
    db = _open(data, config, create=True)
    try:
        before = db.current()
        db.upgrade()
        after = db.current()
    finally:
        db.close()
    click.echo(f"{db.shown}: schema {after}" + ("" if before == after else f", was {before or 'empty'}"))


@database.command()
@json_option
@data_options
def current(as_json: bool, data: Path | None, config: Path | None) -> None:
    """Show which schema the index has. Exit code 1 if it must be upgraded."""
    db = _open(data, config, create=False)
    try:
        has, newest = db.current(), db.newest()
    finally:
        db.close()
    if as_json:
        click.echo(json.dumps({"current": has, "newest": newest}))
    else:
        click.echo(f"{db.shown}: schema {has or 'empty'}, newest is {newest}")
    sys.exit(0 if has == newest else 1)


@database.command("import-recording-index")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--camera", default="imported", show_default=True, help="Camera to import under.")
@json_option
@data_options
def import_recording_index(file: Path, camera: str, as_json: bool, data: Path | None, config: Path | None) -> None:
    """Import the recordings that a recording_index.json lists, each at its time.

    Files of Gatehouse's own are indexed; other films are copied into chunks, without encoding where their codec
    allows. The originals stay as they are. A film that the camera has already, under whatever time, is told and not
    recorded again. Needs Gatehouse to be stopped.
    """
    from gatehouse.importing import import_index  # noqa: PLC0415 - brings the media libraries

    settings = read_settings(data, config)
    entries = read_entries(file, settings)
    with progress("importing", len(entries), quiet=as_json) as advance:
        outcomes = import_index(settings, entries, camera, advance)
    failed = {name: why for name, why in outcomes.items() if why}
    if as_json:
        click.echo(json.dumps({"imported": len(outcomes) - len(failed), "failed": failed}, indent=1))
    else:
        click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} recordings imported as camera {camera}.")
        for name, why in failed.items():
            click.echo(f"  {name}: {why}", err=True)
    sys.exit(1 if failed else 0)


def _open(data: Path | None, config: Path | None, *, create: bool) -> Database:
    settings = read_settings(data, config)
    if create:
        settings.values.data_dir.absolute().mkdir(mode=0o700, exist_ok=True)
    else:
        require_index(settings)
    return open_index(settings)

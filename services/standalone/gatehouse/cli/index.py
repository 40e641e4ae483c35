"""``gatehouse index``: the index, made anew from files."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from pathlib import Path

import click

from gatehouse.rebuilding import Rebuilt, rebuild
from gatehouse_common.db import Database, FormerUser
from gatehouse_common.errors import NotFound
from gatehouse_common.runtime import Core, DataLock
from gatehouse_common.timefmt import to_datetime

from .options import data_options, json_option, read_settings
from .plain import plain
from .progress import progress

_NAMED = 20


@click.group()
def index() -> None:
    """Make the index anew from the files."""


@index.command("rebuild")
@click.option("--into", metavar="URL", help="Into this database, which must be empty; the one that is used stays.")
@json_option
@data_options
def rebuild_index(into: str | None, as_json: bool, data: Path | None, config: Path | None) -> None:
    """Make the index anew from the files in the store: recordings, clips, files of sessions, uploads, exports, holds.

    Into an empty index. Cameras are named by their footage and switched off: files do not say where they are. Whoever
    has files is a user again, whom nobody lets in before an admin does. What was read of plates is in no file. Holds
    hold again; nothing is deleted by its age until `gatehouse retention run` was called once. Needs Gatehouse to be
    stopped. Exit code 1 if files did not say enough: `gatehouse check` tells of them.
    """
    more = {} if into is None else {"database_url": into}
    settings = read_settings(data, config, broker_url="memory:", **more)
    folder = settings.values.data_dir.absolute()
    if not folder.is_dir():
        raise NotFound(f"there is no data directory {folder}: name it with --data.")
    Database(settings.database_url).close()  # a URL that is wrong is told before anything is locked
    lock = DataLock(folder)
    try:
        core = Core.open(settings)
        try:
            core.db.upgrade()
            with progress("rebuilding", _files(core), quiet=as_json) as advance:
                done = rebuild(core, advance)
        finally:
            core.close()
    finally:
        lock.release()
    _report(done, as_json=as_json)
    sys.exit(1 if done.left else 0)


def _files(core: Core) -> int:
    return sum(1 for prefix in ("recordings/", "videos/", "sessions/", "uploads/") for _ in core.store.list(prefix))


def _report(done: Rebuilt, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(done), indent=1))
        return
    click.echo(
        f"{done.chunks} recordings of {len(done.cameras)} cameras in {done.runs} runs, {done.clips} clips, "
        f"{done.sessions} files of sessions and {done.media} uploads and exports are in the index."
    )
    if done.holds:
        click.echo(f"{done.holds} holds hold again.")
    for user in done.users:
        click.echo(_told_of(user), err=True)
    for key, why in list(done.left.items())[:_NAMED]:
        click.echo(f"  {key}: {why}", err=True)
    if len(done.left) > _NAMED:
        click.echo(f"  and {len(done.left) - _NAMED} more", err=True)
    if done.cameras:
        click.echo(
            f"Cameras are switched off until you say where they are: {', '.join(done.cameras)} (`gatehouse camera`).",
            err=True,
        )
    if done.chunks or done.clips:
        click.echo(
            "Nothing is deleted by its age until you have set again for how long cameras keep it, and said so: "
            "`gatehouse retention run`.",
            err=True,
        )


def _told_of(user: FormerUser) -> str:
    """Return what there is to say of whom files named, and what an admin can do."""
    name, told = shlex.quote(plain(user.name)), plain(user.told)
    if user.state == "removed":
        return f"Files are of {told}, who had been removed: `gatehouse user list` does not show them."
    if user.is_apart:
        since = f" and a user since {to_datetime(user.since_us):%Y-%m-%d}" if user.since_us else ""
        why = "of whom they say no more" if user.by_name else "a name that others have or had, or can be none"
        return (
            f"Files are of somebody who was called {told}{since}, {why}: they are {plain(user.name)}'s. "
            f"If you know whose they are: `gatehouse user hand-over {name} NAME`."
        )
    if not user.since_us:
        return (
            f"Recordings are of {told}, who cannot log in until you say so; they do not say whether that is who has "
            f"the name now, or had it before and was removed: look at them before you let anybody in by "
            f"`gatehouse user reset-password {name}` and `gatehouse user set {name} --enable`."
        )
    return (
        f"Files are of {told}, who cannot log in until you say so: `gatehouse user reset-password {name}`, then "
        f"`gatehouse user set {name} --enable`, with --role if it was more than an uploader."
    )

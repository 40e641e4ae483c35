"""``gatehouse audit``: what was done, by whom, and whether that is all."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from gatehouse_common.db import Audit, Entry
from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import parse, rfc3339

from .opened_index import open_index
from .options import data_options, json_option
from .plain import plain

_MOST = 10_000


@click.group()
def audit() -> None:
    """List what was done and by whom; find out whether something of it was changed or taken out."""


@audit.command("list")
@click.option("--actor", default="", help="Only what this user did.")
@click.option("--action", default="", help="Only this, e.g. user.added; with a dot at its end all that begin so: user.")
@click.option("--from", "start", metavar="TIME", help="The first instant.")
@click.option("--to", "end", metavar="TIME", help="The first instant that is not asked for any more.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=50, show_default=True, help="So many at most.")
@json_option
@data_options
def show(
    actor: str,
    action: str,
    start: str | None,
    end: str | None,
    limit: int,
    as_json: bool,
    data: Path | None,
    config: Path | None,
) -> None:
    """List entries, the newest first. Times: RFC 3339, YYYYMMDD_HHMMSS in the site's zone, or seconds since 1970."""
    with open_index(data, config) as index:
        start_us = None if start is None else parse(start, index.zone, "--from")
        end_us = None if end is None else parse(end, index.zone, "--to", fold=1)
        if start_us is not None and end_us is not None and end_us <= start_us:
            raise InvalidInput(f"--to ({rfc3339(end_us)}) must be after --from ({rfc3339(start_us)})", "--to")
        found = Audit(index.db).entries(actor=actor, action=action, start_us=start_us, end_us=end_us, limit=limit)
    if as_json:
        click.echo(json.dumps([_fields(entry, index.zone) for entry in found], indent=1))
        return
    for entry in found:
        click.echo(_line(entry, index.zone))


@audit.command()
@json_option
@data_options
def verify(as_json: bool, data: Path | None, config: Path | None) -> None:
    """Hold every entry to its digest, and the chain of them to what was written last.

    Who can write in the database can make the whole log anew. So number and digest of the newest entry are told: note
    them elsewhere now and then, for an entry of that number and another digest is not the one that was there.
    Exit code 1 if something is wrong.
    """
    with open_index(data, config) as index:
        log = Audit(index.db)
        newest = next(iter(log.entries(limit=1)), None)
        broken = list(log.broken())
    if as_json:
        number, digest = (0, "") if newest is None else (newest.number, newest.digest)
        click.echo(json.dumps({"whole": not broken, "newest": number, "digest": digest, "broken": broken}, indent=1))
    else:
        for sentence in broken:
            click.echo(sentence)
        if broken:
            click.echo("The audit log is not as it was written.")
        elif newest is None:
            click.echo("There is no entry yet.")
        else:
            click.echo(f"The audit log is whole. Its newest entry is {newest.number}, with digest {newest.digest}.")
    sys.exit(1 if broken else 0)


def _line(entry: Entry, zone: ZoneInfo) -> str:
    deed = entry.deed
    by = plain(deed.actor) or ("somebody" if deed.address else "command line")
    token = "" if deed.token is None else f" by token {plain(deed.token)}"
    address = f" from {plain(deed.address)}" if deed.address else ""
    refused = "" if deed.done else " (refused)"
    note = f": {plain(deed.note)}" if deed.note else ""
    detail = f"  {plain(json.dumps(deed.detail, ensure_ascii=False))}" if deed.detail else ""
    return (
        f"{entry.number}  {rfc3339(entry.time_us, zone)}  {by}{token}{address}  {plain(deed.action)}  "
        f"{plain(deed.subject)}{refused}{note}{detail}"
    )


def _fields(entry: Entry, zone: ZoneInfo) -> dict[str, object]:
    deed = entry.deed
    return {
        "number": entry.number,
        "time": rfc3339(entry.time_us, zone),
        "actor": deed.actor,
        "actor_id": deed.actor_id,
        "token": deed.token,
        "address": deed.address,
        "action": deed.action,
        "subject": deed.subject,
        "detail": dict(deed.detail),
        "done": deed.done,
        "note": deed.note,
        "digest": entry.digest,
    }

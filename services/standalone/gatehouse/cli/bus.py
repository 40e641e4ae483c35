"""``gatehouse bus``: messages that could not be handled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gatehouse_common.bus import Bus
from gatehouse_common.bus.port import DeadLetter
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import InvalidInput, NotFound, Unavailable
from gatehouse_common.runtime.buses import EMBEDDED, open_bus
from gatehouse_common.timefmt import rfc3339

from .options import data_options, json_option, read_settings

_REACHED_S = 5.0


@click.group()
def bus() -> None:
    """Look after the messages between services."""


@bus.group()
def dead() -> None:
    """Messages that could not be handled, each with its reason: look at them, replay them after a fix, or drop them."""


@dead.command("list")
@click.option("--queue", metavar="NAME", help="Of this queue only.")
@json_option
@data_options
def list_(queue: str | None, as_json: bool, data: Path | None, config: Path | None) -> None:
    """List dead letters, oldest first."""
    with _bus(data, config) as opened:
        found = opened.dead_letters(queue)
    if as_json:
        click.echo(json.dumps([_fields(one) for one in found], indent=1))
        return
    for one in found:
        fields = _fields(one)
        click.echo(f"{fields['id']}  {fields['died']}  {fields['queue']}  {fields['type']}  {fields['reason']}")
    if not found:
        click.echo("There are no dead letters.")


@dead.command()
@click.argument("letter", type=int)
@data_options
def show(letter: int, data: Path | None, config: Path | None) -> None:
    """Show a dead letter, with the message, as JSON."""
    with _bus(data, config) as opened:
        found = [one for one in opened.dead_letters() if one.id == letter]
    if not found:
        raise NotFound(f"there is no dead letter {letter}: `gatehouse bus dead list` shows those there are.")
    body = found[0].data.decode(errors="backslashreplace")
    try:
        message: object = json.loads(body)
    except ValueError:
        message = body
    click.echo(json.dumps({**_fields(found[0]), "message": message}, indent=1))


@dead.command()
@click.argument("letters", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them, or all of --queue.")
@click.option("--queue", metavar="NAME", help="With --all: of this queue only.")
@data_options
def replay(
    letters: tuple[int, ...], everything: bool, queue: str | None, data: Path | None, config: Path | None
) -> None:
    """Put dead letters back into their queues, as if they had never been tried."""
    with _bus(data, config) as opened:
        done = opened.replay(_chosen(opened, letters, queue, everything=everything))
    click.echo(f"{done} put back.")


@dead.command()
@click.argument("letters", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All of them, or all of --queue.")
@click.option("--queue", metavar="NAME", help="With --all: of this queue only.")
@data_options
def drop(letters: tuple[int, ...], everything: bool, queue: str | None, data: Path | None, config: Path | None) -> None:
    """Delete dead letters for good."""
    with _bus(data, config) as opened:
        done = opened.drop(_chosen(opened, letters, queue, everything=everything))
    click.echo(f"{done} dropped.")


def _chosen(opened: Bus, letters: tuple[int, ...], queue: str | None, *, everything: bool) -> list[int]:
    if everything == bool(letters) or (queue is not None and not everything):
        raise InvalidInput("name dead letters by their ids, or all of them with --all [--queue NAME].")
    found = {one.id for one in opened.dead_letters(queue)}
    missing = [one for one in letters if one not in found]
    if missing:
        raise NotFound(f"there is no dead letter {missing[0]}: `gatehouse bus dead list` shows those there are.")
    return list(letters) or sorted(found)


@contextmanager
def _bus(data: Path | None, config: Path | None) -> Iterator[Bus]:
    """Open the bus that the settings choose, beside the processes that use it.

    Raises:
        NotFound: nothing has been recorded here.
        Unavailable: the broker does not answer.
    """
    settings = read_settings(data, config)
    if settings.values.broker_url == EMBEDDED and not (settings.values.data_dir / "bus.db").exists():
        raise NotFound(f"there is no bus.db in {settings.values.data_dir}: nothing has run with this data directory.")
    opened = open_bus(settings, SystemClock(), beside=True)
    try:
        _wait(opened)
        yield opened
    finally:
        opened.close()


def _wait(opened: Bus) -> None:
    deadline = time.monotonic() + _REACHED_S
    while True:
        try:
            return opened.check()
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _fields(one: DeadLetter) -> dict[str, object]:
    try:
        kind = str(json.loads(one.data)["type"])
    except (ValueError, KeyError, TypeError):
        kind = "unreadable"
    return {
        "id": one.id,
        "queue": one.queue,
        "type": kind,
        "reason": one.reason,
        "attempts": one.attempts,
        "died": rfc3339(one.died_us),
    }

"""``gatehouse run``: some services of a larger installation."""

from __future__ import annotations

from pathlib import Path

import click

from gatehouse.composition import NAMES, Gatehouse
from gatehouse_common.errors import InvalidInput
from gatehouse_common.observability import logs
from gatehouse_common.runtime import keep_small
from gatehouse_common.settings import Settings

from .options import data_options, read_settings
from .process import run_until, stop_on_signals


@click.command()
@click.argument("services", nargs=-1, required=True, metavar="SERVICE...")
@data_options
def run(services: tuple[str, ...], data: Path | None, config: Path | None) -> None:
    """Run the named services only: capture, segmenter, indexer, detector, janitor, transcoder, api.

    They speak through a broker, an index and a store that all hosts share. The embedded bus lives in one process, so
    with it all services run together: `gatehouse up`. Each process has a data directory of its own; that of a capture
    worker holds footage until it is stored.
    """
    unknown = [name for name in services if name not in NAMES]
    if unknown:
        raise InvalidInput(f"there is no service {unknown[0][:40]!r}: services are {', '.join(NAMES)}.", "service")
    settings = read_settings(data, config)
    _check_shared(settings, services)
    log = settings.values.log
    logs.set_up(log.level, log.format, log.file)
    stop = stop_on_signals()
    keep_small()
    gatehouse = Gatehouse(settings, names=services)
    run_until(stop, gatehouse, lambda: _announce(gatehouse, services))


def _check_shared(settings: Settings, services: tuple[str, ...]) -> None:
    """Return if these services can work with those of other processes.

    Raises:
        InvalidInput: they would be alone; the sentence names the setting.
    """
    values = settings.values
    if values.broker_url in {"embedded:", "memory:"}:
        raise InvalidInput(
            "services run apart need a broker that they share; the embedded bus (setting broker_url) lives in one "
            "process: set broker_url to 'amqp://user:password@host/', or use `gatehouse up`.",
            "broker_url",
        )
    if not values.database_url:
        raise InvalidInput(
            "services run apart need an index that they share: set database_url, "
            "e.g. 'mysql://user:password@host/gatehouse'.",
            "database_url",
        )
    if not values.storage_url:
        raise InvalidInput(
            "services run apart need a store that they share: set storage_url to 's3://bucket?endpoint=...', or to the "
            "'file:///path' of a volume that all of them mount.",
            "storage_url",
        )
    if "capture" in services and not values.service.listen:
        raise InvalidInput(
            "other services read what capture has not stored yet over its inner address: set service.listen, e.g. to "
            "'0.0.0.0:5010', and service.token to a secret that all of them share.",
            "service.listen",
        )
    if not values.service.token:
        raise InvalidInput("services run apart show each other a secret: set service.token.", "service.token")


def _announce(gatehouse: Gatehouse, services: tuple[str, ...]) -> None:
    values = gatehouse.settings.values
    click.echo(f"Gatehouse runs {', '.join(services)} with {gatehouse.core.data_dir}")
    if gatehouse.inner is not None:
        click.echo(f"Other services reach it at {gatehouse.inner.url}")
    if "api" in services:
        click.echo(f"It listens on {values.api.host} port {values.api.port}")

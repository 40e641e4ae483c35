"""``gatehouse run``: some services of a larger installation."""

from __future__ import annotations

from pathlib import Path

import click

from gatehouse_common.errors import InvalidInput

from .options import data_options, read_settings

NAMES = ("capture", "segmenter", "indexer", "api")


@click.command()
@click.argument("services", nargs=-1, required=True, metavar="SERVICE...")
@data_options
def run(services: tuple[str, ...], data: Path | None, config: Path | None) -> None:
    """Run the named services only: capture, segmenter, indexer, api.

    They speak through a broker that all hosts share. The embedded bus lives in one process, so with it all
    services run together: `gatehouse up`.
    """
    unknown = [name for name in services if name not in NAMES]
    if unknown:
        raise InvalidInput(f"there is no service {unknown[0][:40]!r}: services are {', '.join(NAMES)}.", "service")
    url = read_settings(data, config).values.broker_url
    if url == "embedded:":
        raise InvalidInput(
            "services run apart need a broker that they share; the embedded bus (setting broker_url) lives in one "
            "process: use `gatehouse up`.",
            "broker_url",
        )
    raise InvalidInput("this version has the embedded bus only: set broker_url to 'embedded:' and use `gatehouse up`.")

"""``gatehouse config``: every setting there is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gatehouse_common.observability.secrets import MASK, mask
from gatehouse_common.settings import Settings
from gatehouse_common.settings.reference import render
from gatehouse_common.settings.secret_names import is_secret

from .options import data_options, json_option, read_settings


@click.group()
def config() -> None:
    """Show every setting and where it comes from."""


@config.command()
@json_option
@data_options
def show(as_json: bool, data: Path | None, config: Path | None) -> None:
    """Show the settings that `gatehouse up` would use here, and the source of each."""
    settings = read_settings(data, config)
    found = {name: (_value(settings, name), source) for name, source in settings.sources.items()}
    if as_json:
        click.echo(json.dumps({n: {"value": v, "source": s} for n, (v, s) in found.items()}, indent=1))
        return
    wide = max(len(name) for name in found)
    for name, (value, source) in found.items():
        click.echo(f"{name:{wide}}  {'' if value is None else value}  ({source})")


@config.command()
def reference() -> None:
    """Print the reference page of all settings, as Markdown."""
    click.echo(render(), nl=False)


def _value(settings: Settings, name: str) -> Any:
    at: Any = settings.values
    for part in name.split("."):
        at = getattr(at, part)
    if at is None or isinstance(at, bool | int | float):
        return at
    return MASK if at and is_secret(name) else mask(str(at))

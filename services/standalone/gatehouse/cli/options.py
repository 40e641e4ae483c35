"""Options that commands share, and the settings that they lead to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gatehouse_common.db import Facts
from gatehouse_common.errors import NotFound
from gatehouse_common.observability import logs
from gatehouse_common.runtime import Core, zone_in_force
from gatehouse_common.settings import Settings, load

F = TypeVar("F", bound=Callable[..., Any])


def data_options(command: F) -> F:
    """Add ``--data`` and ``--config``."""
    data = click.option("--data", type=click.Path(path_type=Path), help="Data directory (setting data_dir).")
    config = click.option("--config", type=click.Path(path_type=Path), help="Settings file instead of gatehouse.toml.")
    return config(data(command))


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(command)


def read_settings(data: Path | None, config: Path | None, **more: object) -> Settings:
    """Return the settings with what the command line says on top.

    Raises:
        InvalidInput: a setting is wrong.
    """
    logs.set_up("error", "auto", None)  # a command speaks for itself; `up` sets up what the settings say
    return load({"data_dir": None if data is None else str(data), **more}, config=config)


def open_recordings(data: Path | None, config: Path | None, *, without_index: bool = False) -> Core:
    """Return a core for looking at what has been recorded: no message is touched.

    Args:
        data: the data directory of the command line.
        config: the settings file of the command line.
        without_index: a lost index is no error, and is begun anew; else nothing is created.

    Raises:
        NotFound: there is no data directory, or nothing has been recorded in it.
    """
    settings = read_settings(data, config, broker_url="memory:")
    folder = settings.values.data_dir.absolute()
    if not folder.is_dir():
        raise NotFound(f"there is no data directory {folder}: name it with --data, or record with `gatehouse up`.")
    lost = without_index and (folder / "recordings").is_dir()
    if not lost and not settings.values.database_url and not (folder / "gatehouse.db").exists():
        raise NotFound(f"{folder} holds no index yet: nothing has been recorded there with `gatehouse up`.")
    core = Core.open(settings)
    if not lost:
        core.site.zone = zone_in_force(settings, Facts(core.db))
    return core

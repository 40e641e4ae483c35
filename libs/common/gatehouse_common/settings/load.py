"""Settings come from the command line, the environment, ``gatehouse.toml`` and the defaults, in this order."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gatehouse_common.errors import InvalidInput, from_os_error

from .model import Group, SettingsModel

PREFIX = "GATEHOUSE_"
FILE_NAME = "gatehouse.toml"
_FOREIGN = ("GATEHOUSE_TEST_", "GATEHOUSE_BENCH_")


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings, and where each came from.

    Attributes:
        values: the settings.
        sources: for each dotted name, ``default``, ``environment``, ``command line`` or the file's path.
    """

    values: SettingsModel
    sources: Mapping[str, str]

    @property
    def database_url(self) -> str:
        """The database's URL, the default filled in."""
        return self.values.database_url or f"sqlite:///{self.values.data_dir.absolute() / 'gatehouse.db'}"

    @property
    def storage_root(self) -> Path:
        """The directory of the store.

        Raises:
            InvalidInput: ``storage_url`` is of a kind that this version does not support.
        """
        url = self.values.storage_url
        if not url:
            return self.values.data_dir.absolute()
        if not url.startswith("file:///"):
            raise InvalidInput(f"storage_url {url[:60]!r} is not supported: use file:///path.", "storage_url")
        return Path(url.removeprefix("file://"))


def load(
    overrides: Mapping[str, Any] | None = None,
    *,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings.

    Args:
        overrides: dotted names to values, from the command line; None values are left out.
        config: a settings file; by default ``gatehouse.toml`` in the working directory if there is one.
        environ: the environment; ``GATEHOUSE_API__PORT`` sets ``api.port``, and ``GATEHOUSE_DATABASE_URL_FILE``
            names a file whose first line is the value.

    Raises:
        InvalidInput: a setting is unknown or wrong; the sentence names it, its value and its source.
    """
    flat: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source, found in (
        _from_file(config),
        ("environment", _from_environment(os.environ if environ is None else environ)),
        ("command line", {k: v for k, v in (overrides or {}).items() if v is not None}),
    ):
        for name, value in found.items():
            flat[name], sources[name] = value, source
    try:
        values = SettingsModel.model_validate(_nested(flat))
    except ValidationError as error:
        raise _explained(error, sources) from error
    return Settings(values, {name: sources.get(name, "default") for name in names()})


def names(model: type[Group] = SettingsModel, prefix: str = "") -> list[str]:
    """Return the dotted names of all settings, in the order they are declared."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            found += names(field.annotation, f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return found


def _from_file(config: Path | None) -> tuple[str, dict[str, Any]]:
    path = config or Path(FILE_NAME)
    if config is None and not path.exists():
        return str(path), {}
    try:
        return str(path), _flat(tomllib.loads(path.read_text()))
    except OSError as error:
        raise from_os_error(error, f"reading settings from {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is not valid TOML: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {PREFIX + name.upper().replace(".", "__"): name for name in names()}
    found: dict[str, Any] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(_FOREIGN):
            continue
        if variable in known:
            found[known[variable]] = value
        elif variable.endswith("_FILE") and variable.removesuffix("_FILE") in known:
            found[known[variable.removesuffix("_FILE")]] = _first_line(variable, Path(value))
        else:
            raise InvalidInput(f"there is no setting {variable}; `gatehouse config reference` lists what there is.")
    return found


def _first_line(variable: str, path: Path) -> str:
    try:
        return (path.read_text().splitlines() or [""])[0].strip()
    except OSError as error:
        raise from_os_error(error, f"reading the file that {variable} names") from error


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = value
    return found


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, leaf = name.split(".")
        at = tree
        for group in groups:
            at = at.setdefault(group, {})
        at[leaf] = value
    return tree


def _explained(error: ValidationError, sources: Mapping[str, str]) -> InvalidInput:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    where = sources.get(name, "the settings")
    if first["type"] == "extra_forbidden":
        return InvalidInput(f"there is no setting {name} (from {where}); `gatehouse config reference` lists all.", name)
    shown = str(first["input"])
    hidden = "url" in name and "://" in shown
    value = "" if hidden else f" {shown[:60]!r}"
    return InvalidInput(f"setting {name}{value} from {where} is wrong: {first['msg']}.", name)

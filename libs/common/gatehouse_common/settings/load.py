"""Settings come from the command line, the environment, ``gatehouse.toml`` and the defaults, in this order."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gatehouse_common.errors import InvalidInput, from_os_error

from .group import Group
from .model import SettingsModel
from .secret_names import is_secret

PREFIX = "GATEHOUSE_"
FILE_NAME = "gatehouse.toml"
_FOREIGN = ("GATEHOUSE_TEST_", "GATEHOUSE_BENCH_")
# Kubernetes tells every pod of a service called gatehouse or gatehouse-api where that service is.
_SERVICE_LINK = re.compile(r"\w+_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP)(?:_\w+)?)")


@dataclass(frozen=True, slots=True)
class Settings:
    """Checked settings, and where each came from.

    Attributes:
        values: the settings.
        sources: for each dotted name, ``default``, ``environment``, ``command line``, or the path of the
            file that says it.
    """

    values: SettingsModel
    sources: Mapping[str, str]

    @property
    def database_url(self) -> str:
        """The database's URL, the default filled in."""
        return self.values.database_url or f"sqlite:///{self.values.data_dir.absolute() / 'gatehouse.db'}"

    @property
    def storage_root(self) -> Path | None:
        """The directory of the store, None if it is not in one.

        Raises:
            InvalidInput: ``storage_url`` is of a kind that this version does not support.
        """
        url = self.values.storage_url
        if not url:
            return self.values.data_dir.absolute()
        if url.startswith("s3://"):
            return None
        if not url.startswith("file:///"):
            shown = url.split("?")[0].rsplit("@", maxsplit=1)[-1][:60]
            raise InvalidInput(
                f"storage_url {shown!r} is not supported: use file:///path or s3://bucket.", "storage_url"
            )
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
        config: a settings file; by default ``gatehouse.toml`` in the working directory, else in the data
            directory, if there is one.
        environ: the environment; ``GATEHOUSE_API__PORT`` sets ``api.port``, and ``GATEHOUSE_DATABASE_URL_FILE``
            names a file whose first line is the value.

    Raises:
        InvalidInput: a setting is unknown or wrong; the sentence names it, its value and its source.
    """
    told = {k: v for k, v in (overrides or {}).items() if v is not None}
    variables, files = _from_environment(os.environ if environ is None else environ)
    path = config or _found_file(told.get("data_dir") or variables.get("data_dir") or "data")
    written = _from_file(path) if path is not None else {}
    flat = {**written, **variables, **told}
    sources = {
        **dict.fromkeys(written, str(path)),
        **dict.fromkeys(variables, "environment"),
        **files,
        **dict.fromkeys(told, "command line"),
    }
    for name in flat:
        if name not in names():
            raise _unknown(name, f" (from {sources[name]})", names())
    try:
        values = SettingsModel.model_validate(_nested(flat))
    except ValidationError as error:
        raise _explained(error, sources, secret=set(files)) from error
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


def _found_file(data_dir: object) -> Path | None:
    """Return the settings file that nobody had to name: beside us, or in the data directory."""
    here, there = Path(FILE_NAME), Path(str(data_dir)).expanduser() / FILE_NAME
    return next((path for path in (here, there) if path.is_file()), None)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return _flat(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise from_os_error(error, f"reading settings from {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"{path} is not valid TOML: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values that the environment sets, and for those of ``*_FILE`` variables the file."""
    known = {PREFIX + name.upper().replace(".", "__"): name for name in names()}
    found: dict[str, Any] = {}
    files: dict[str, str] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(_FOREIGN) or _is_service_link(variable, value):
            continue
        plain = variable.removesuffix("_FILE")
        if variable in known:
            found[known[variable]] = value
        elif plain not in known:
            raise _unknown(variable, "", list(known))
        elif plain in environ:
            raise InvalidInput(f"{plain} and {variable} are both set: keep one.", known[plain])
        else:
            found[known[plain]], files[known[plain]] = _first_line(variable, Path(value)), value
    return found, files


def _is_service_link(variable: str, value: str) -> bool:
    if _SERVICE_LINK.fullmatch(variable) is not None:
        return True
    return variable.endswith("_PORT") and value.startswith(("tcp://", "udp://"))


def _unknown(name: str, where: str, known: list[str]) -> InvalidInput:
    rests = {other.removeprefix(PREFIX): other for other in known}  # what all share makes nothing alike
    near = difflib.get_close_matches(name.removeprefix(PREFIX), rests, n=1, cutoff=0.7)
    hint = f"did you mean {rests[near[0]]}?" if near else "`gatehouse config reference` lists all."
    return InvalidInput(f"there is no setting {name[:80]}{where}: {hint}", name)


def _first_line(variable: str, path: Path) -> str:
    try:
        return (path.read_text(encoding="utf-8").splitlines() or [""])[0].strip()
    except OSError as error:
        raise from_os_error(error, f"reading the file that {variable} names") from error
    except ValueError as error:  # not UTF-8, or no path; the content may be secret, so it is not told
        raise InvalidInput(f"the file that {variable} names is not text.") from error


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


def _explained(error: ValidationError, sources: Mapping[str, str], secret: set[str]) -> InvalidInput:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    where = sources.get(name, "the settings")
    untold = name.endswith(("url", "_key")) or is_secret(name) or name in secret
    value = "" if untold else f" = {str(first['input'])[:60]!r}"
    wrong = first["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    return InvalidInput(f"setting {name}{value} (from {where}) is wrong: {wrong.rstrip('.')}.", name)

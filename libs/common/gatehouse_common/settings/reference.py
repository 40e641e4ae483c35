"""The settings as a page of the manual, and as a file to start from."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from .group import Group
from .load import PREFIX
from .model import SettingsModel

_HEAD = """# Settings

<!-- Made by `make docs` from gatehouse_common/settings. -->

A setting comes from the command line, else the environment, else `gatehouse.toml` (in the working directory, else in
the data directory; or the file that `--config` names), else its default. `gatehouse config show` prints each with its
source. A secret may be put into a file: `GATEHOUSE_DATABASE_URL_FILE=/run/secrets/url` reads its first line.
[gatehouse.example.toml](gatehouse.example.toml) is a file to start from. If a setting is unknown or wrong, that is
told, and nothing is started.
"""


def render() -> str:
    """Return the reference page as Markdown."""
    return _HEAD + "".join(_section(SettingsModel, "", "General"))


def render_example() -> str:
    """Return a ``gatehouse.toml`` with every setting at its default, commented out."""
    head = "# Settings of Gatehouse: take away the # of what you change.\n# Made by `make docs` from the code.\n"
    return head + "".join(_example(SettingsModel))


def _section(model: type[Group], prefix: str, title: str) -> list[str]:
    lines = [f"\n## {title}\n\n| in `gatehouse.toml` | in the environment | default | meaning |\n|---|---|---|---|\n"]
    later: list[str] = []
    for name, field in model.model_fields.items():
        group = _group(field)
        if group is not None:
            later += _section(group, f"{name}.", f"`[{name}]` {_title(group, name)}")
            continue
        variable = PREFIX + (prefix + name).upper().replace(".", "__")
        default = "" if field.default in {None, ""} else f"`{field.default}`"
        lines.append(f"| `{prefix}{name}` | `{variable}` | {default} | {field.description}{_allowed(field)} |\n")
    return lines + later


def _example(model: type[Group]) -> list[str]:
    lines: list[str] = []
    later: list[str] = []
    for name, field in model.model_fields.items():
        group = _group(field)
        if group is not None:
            later += [f"\n[{name}]  # {_title(group, name)}\n", *_example(group)]
            continue
        lines.append(f"\n# {field.description}{_allowed(field)}\n# {name} = {_toml(field.default)}\n")
    return lines + later


def _group(field: FieldInfo) -> type[Group] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Group) else None


def _title(group: type[Group], name: str) -> str:
    return (group.__doc__ or name).split("\n")[0].rstrip(".")


def _allowed(field: FieldInfo) -> str:
    """Return what values a setting takes, in brackets."""
    if get_origin(field.annotation) is Literal:
        return f" ({', '.join(f'`{word}`' for word in get_args(field.annotation))})"
    low = next((found.ge for found in field.metadata if isinstance(found, Ge)), None)
    high = next((found.le for found in field.metadata if isinstance(found, Le)), None)
    if low is None:
        return ""
    return f" (at least {low})" if high is None else f" ({low} to {high})"


def _toml(value: Any) -> str:
    return json.dumps("" if value is None else value if isinstance(value, int | float) else str(value))

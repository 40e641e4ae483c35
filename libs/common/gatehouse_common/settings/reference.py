"""The settings as a page of the manual."""

from __future__ import annotations

from .load import PREFIX
from .model import Group, SettingsModel

_HEAD = """# Settings

<!-- Made by `make docs` from gatehouse_common/settings. -->

A setting comes from the command line, else the environment, else `gatehouse.toml` (in the working directory, or
`--config`), else its default. `gatehouse config show` prints each with its source. A secret may be put into a file:
`GATEHOUSE_DATABASE_URL_FILE=/run/secrets/url` reads its first line.
"""


def render() -> str:
    """Return the reference page as Markdown."""
    return _HEAD + "".join(_section(SettingsModel, "", "General"))


def _section(model: type[Group], prefix: str, title: str) -> list[str]:
    lines = [f"\n## {title}\n\n| in `gatehouse.toml` | in the environment | default | meaning |\n|---|---|---|---|\n"]
    later: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Group):
            heading = (kind.__doc__ or name).split("\n")[0].rstrip(".")
            later += _section(kind, f"{name}.", f"`[{name}]` {heading}")
            continue
        variable = PREFIX + (prefix + name).upper().replace(".", "__")
        default = "" if field.default in {None, ""} else f"`{field.default}`"
        lines.append(f"| `{prefix}{name}` | `{variable}` | {default} | {field.description} |\n")
    return lines + later

"""Which settings an admin may change on a page while Gatehouse runs, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import TypeAdapter, ValidationError

from gatehouse_common.errors import InvalidInput

from .group import Group
from .load import Settings
from .model import SettingsModel

CHANGEABLE = (
    "site_name",
    "timezone",
    "live.fps",
    "live.record_sessions",
    "sessions.total_seconds",
    "sessions.chunk_seconds",
    "sessions.trash_hours",
    "sessions.path",
    "auth.sign_up",
)
"""Their dotted names: what is read each time that it is needed, so that nothing has to be started again."""
PAGE = "page"
"""The source of what was set on the page."""
DEFAULT = "default"


def overlaid(settings: Settings, told: Mapping[str, Any]) -> Settings:
    """Return settings with what was set on the page; what command line, environment or file say is not changed by it.

    Args:
        settings: as they were when the process started.
        told: values by dotted names, as they are in a settings file or as text.

    Raises:
        InvalidInput: one of them is wrong; its field is the dotted name.
    """
    taken = {name: value for name, value in told.items() if is_free(settings, name)}
    groups: dict[str, Any] = {name: _checked(name, value) for name, value in taken.items() if "." not in name}
    for name in dict.fromkeys(one.partition(".")[0] for one in taken if "." in one):
        group: Group = getattr(settings.values, name)
        own = {one.partition(".")[2]: value for one, value in taken.items() if one.startswith(f"{name}.")}
        try:
            groups[name] = type(group).model_validate({**group.model_dump(), **own})
        except ValidationError as error:
            raise _explained(error, name) from error
    values = settings.values.model_copy(update=groups)
    return Settings(values, {**settings.sources, **dict.fromkeys(taken, PAGE)})


def is_free(settings: Settings, name: str) -> bool:
    """Return whether the page decides a setting: it is one of those, and nobody has said anything else of it."""
    return name in CHANGEABLE and settings.sources[name] in {DEFAULT, PAGE}


def value_of(settings: Settings, name: str) -> Any:
    """Return the value of a setting by its dotted name."""
    found: Any = settings.values
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _checked(name: str, value: Any) -> Any:
    """Return the value of a setting that is in no group, checked as at the start.

    Raises:
        InvalidInput: it is wrong.
    """
    field = SettingsModel.model_fields[name]
    taken: TypeAdapter[Any] = TypeAdapter(cast("Any", Annotated[field.annotation, field]))
    try:
        return taken.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidInput(f"{first['msg'].removeprefix('Value error, ').rstrip('.')}.", name) from error


def _explained(error: ValidationError, group: str) -> InvalidInput:
    first = error.errors(include_url=False)[0]
    wrong = first["msg"].removeprefix("Value error, ").replace("Input should", "it should").rstrip(".")
    name = str(first["loc"][0]) if first["loc"] else "chunk_seconds" if group == "sessions" else ""
    return InvalidInput(f"{wrong}.", f"{group}.{name}")

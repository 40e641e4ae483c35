"""Where below ``sessions/`` of the store a file of a recorder session is put: a template, checked before it is kept."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

DEFAULT_SESSION_PATH = "{date}/{id}"
PLACEHOLDERS = {"date": 10, "time": 6, "camera": 64, "user": 51, "id": 64}
"""What may stand in a template, and how many characters it is at most."""
_PART = re.compile(r"(?:[A-Za-z0-9_-]|\{(?:date|time|camera|user|id)\})+")
_AROUND = len("sessions/" + "-999" + ".webm")
_LONGEST = 255


def _check(text: str) -> str:
    """Return a template as it is kept: without what says nothing: ``//``, ``./``, the ``.mp4`` at its end."""
    told = text.strip().removesuffix(".mp4")
    if told.startswith(("/", "\\", "~")) or told[1:2] == ":":
        raise ValueError("it must not begin at a root: it is a path below sessions/ of the store")
    parts = [part for part in told.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise ValueError("it must not climb with '..'")
    if not parts or any(_PART.fullmatch(part) is None for part in parts):
        named = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"use letters a to z, digits, '-', '_' and '/', and of placeholders {named}")
    if "{id}" not in parts[-1]:
        raise ValueError("its last part must hold {id}, which tells one file from another")
    kept = "/".join(parts)
    if any(kept.count(f"{{{name}}}") > 1 for name in PLACEHOLDERS):
        raise ValueError("use each placeholder once at most")
    longest = len(kept) + sum(size - len(f"{{{name}}}") for name, size in PLACEHOLDERS.items() if f"{{{name}}}" in kept)
    if longest + _AROUND > _LONGEST:
        raise ValueError(f"it is too long: a name would have up to {longest + _AROUND} characters, {_LONGEST} may be")
    return kept


SessionPath = Annotated[str, AfterValidator(_check)]

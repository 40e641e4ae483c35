"""Cameras and ranges as lists of what happened take them: both may be left open."""

from __future__ import annotations

from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import parse_slug
from gatehouse_common.timefmt import parse, rfc3339

from .times import request_zone


def camera_set(text: str) -> frozenset[str] | None:
    """Return the cameras of a list with commas; None for an empty one. Cameras may be gone by now.

    Raises:
        InvalidInput: one of them could be none.
    """
    named = [name.strip() for name in text.split(",") if name.strip()]
    return frozenset(parse_slug(name, "cameras") for name in named) or None


def open_range(start: str | None, end: str | None, tz: str | None) -> tuple[int | None, int | None]:
    """Return a range whose ends may be left out, microseconds.

    Raises:
        InvalidInput: a time cannot be read, or the range is empty or reversed.
    """
    zone = request_zone(tz)
    start_us = parse(start, zone, "from") if start else None
    end_us = parse(end, zone, "to", fold=1) if end else None
    if start_us is not None and end_us is not None and end_us <= start_us:
        raise InvalidInput(f"'to' ({rfc3339(end_us)}) must be after 'from' ({rfc3339(start_us)}).", "to")
    return start_us, end_us

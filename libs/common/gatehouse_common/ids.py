"""Identifiers: UUIDv7 for things that are many, slugs for things that people name."""

from __future__ import annotations

import re

import uuid_utils

from .errors import InvalidInput

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")


def new_id() -> str:
    """Return a new UUIDv7 (RFC 9562) as 36 characters of text: unique, and sorted by creation time."""
    return str(uuid_utils.uuid7())


def is_id(text: str) -> bool:
    """Return whether ``text`` is written as our identifiers are."""
    return _ID.fullmatch(text) is not None


def id_time_us(text: str) -> int:
    """Return when an identifier was made, microseconds UTC: UUIDv7 begins with milliseconds (RFC 9562 section 5.7).

    Raises:
        InvalidInput: it is no UUIDv7.
    """
    if not is_id(text) or text[14] != "7":
        raise InvalidInput(f"{text[:40]!r} is no id of ours: they are UUIDv7.", "id")
    return int(text[:8] + text[9:13], 16) * 1000


def parse_slug(text: str, what: str = "camera id") -> str:
    """Return ``text`` if it is a slug: 1 to 64 of ``a-z 0-9 _ -``, not beginning or ending with a mark.

    Slugs become parts of object keys, so nothing that could climb a path passes.

    Raises:
        InvalidInput: it is not a slug.
    """
    if SLUG.fullmatch(text) is None:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise InvalidInput(
            f"{what} {shown!r} is not valid: use 1 to 64 of a-z, 0-9, '-' and '_', e.g. 'front-gate'.", what
        )
    return text

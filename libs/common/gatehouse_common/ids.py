"""Identifiers: UUIDv7 for things that are many, slugs for things that people name."""

from __future__ import annotations

import re

import uuid_utils

from .errors import InvalidInput

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")


def new_id() -> str:
    """Return a new UUIDv7 (RFC 9562) as 36 characters of text: unique, and sorted by creation time."""
    return str(uuid_utils.uuid7())


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

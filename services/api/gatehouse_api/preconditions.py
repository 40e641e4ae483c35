"""Changes that are made only if nothing else changed meanwhile: ``If-Match`` (RFC 9110 section 13.1.1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import request

from gatehouse_common.errors import InvalidInput

F = TypeVar("F", bound=Callable[..., Any])

_RULE: Final = "gatehouse_conditional"
_TAG: Final = re.compile(r'(?P<weak>W/)?"(?P<tag>[\x21\x23-\x7e\x80-\uffff]*)"')
_LONGEST: Final = 8192


def conditional(view: F) -> F:
    """Say of a route that it heeds ``If-Match``."""
    setattr(view, _RULE, True)
    return view


def is_conditional(view: object) -> bool:
    """Return whether a route heeds ``If-Match``."""
    return bool(getattr(view, _RULE, False))


def seen_tags() -> frozenset[str] | None:
    """Return the tags of which one has to be that of what is changed; None: whatever it is.

    Weak tags say that something is about the same, which is not enough to change it: none of them matches.

    Raises:
        InvalidInput: the header is no list of tags.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    found: set[str] = set()
    rest = header.strip()
    while len(rest) <= _LONGEST:
        match = _TAG.match(rest)
        if match is None:
            break
        if not match["weak"]:
            found.add(match["tag"])
        rest = rest[match.end() :].lstrip()
        if not rest:
            return frozenset(found)
        if not rest.startswith(","):
            break
        rest = rest.lstrip(" \t,")  # empty elements of a list count for nothing (RFC 9110 section 5.6.1.2)
        if not rest:
            return frozenset(found)
    raise InvalidInput('If-Match has to be `*`, or tags as `ETag` has them: `"..."`.', "If-Match")

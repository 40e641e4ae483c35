"""Where the next page of a list begins: opaque to clients, and checked when it comes back."""

from __future__ import annotations

import base64
import binascii
import json

from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import is_id

Key = tuple[int, str]
"""Start and id of the last item of a page."""

_LARGEST = 2**63 - 1


def write_cursor(phase: int, before: Key | None) -> str:
    """Return the cursor of a page that begins in a phase of a search, after an item."""
    parts = [phase, *(before or ())]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).rstrip(b"=").decode()


def read_cursor(text: str | None, phases: int = 1) -> tuple[int, Key | None]:
    """Return the phase and the item that a cursor names; the beginning if there is none.

    Raises:
        InvalidInput: it is none that this list gave out.
    """
    if not text:
        return 0, None
    try:
        parts = json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidInput("the cursor is none that this list gave out", "cursor") from error
    match parts:
        case [int(phase)] if type(phase) is int and 0 <= phase < phases:
            return phase, None
        case [int(phase), int(start), str(item)] if (
            type(phase) is int and 0 <= phase < phases and type(start) is int and abs(start) < _LARGEST and is_id(item)
        ):
            return phase, (start, item)
    raise InvalidInput("the cursor is none that this list gave out", "cursor")

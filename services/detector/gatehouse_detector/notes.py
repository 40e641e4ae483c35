"""Notes in JPEGs: what a picture is of, kept in it, its pixels untouched (ITU-T T.81 B.2.4.5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_SOI, _COM = b"\xff\xd8", b"\xff\xfe"
_MOST = 65533


def with_note(jpeg: bytes, note: Mapping[str, Any]) -> bytes:
    """Return a JPEG with a comment in it; unchanged if it is none, or if there is too much to say."""
    told = json.dumps(note, separators=(",", ":")).encode()
    if not jpeg.startswith(_SOI) or len(told) > _MOST:
        return jpeg
    return _SOI + _COM + (len(told) + 2).to_bytes(2, "big") + told + jpeg[2:]


def note_of(jpeg: bytes) -> dict[str, Any] | None:
    """Return the note that :func:`with_note` put in a JPEG, None if there is none."""
    if jpeg[:4] != _SOI + _COM:
        return None
    try:
        found = json.loads(jpeg[6 : 4 + int.from_bytes(jpeg[4:6], "big")])
    except ValueError:  # somebody else's comment
        return None
    return found if isinstance(found, dict) else None

"""What clients tell of their files: names, types, digests, when and in which session they were recorded."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from gatehouse_common.db.browser_sessions import INTERRUPTED, PAUSES
from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import is_id
from gatehouse_common.timefmt import LATEST_US, parse, zone

_MOST_NAME, _MOST_TYPE, _MOST_METADATA = 255, 100, 8192
_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*(?:\s*;.*)?", re.IGNORECASE)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_MOST_CHUNK_S: Final = 3600
_PAUSE: Final = re.compile(r"[0-9]{1,9}\+[0-9]{1,9}")
_MOST_PAUSES: Final = 500
_MOST_WAIT_MS: Final = 86_400_000
"""Somebody may be asked for long whether a page may record: what can be believed is judged later."""
_UTC: Final = zone("UTC")


def parse_metadata(header: str) -> dict[str, str]:
    """Return what `Upload-Metadata` says: pairs of a key and a value in Base64, with commas between (tus 1.0.0).

    Raises:
        InvalidInput: it is too long, or written otherwise.
    """
    if len(header) > _MOST_METADATA:
        raise InvalidInput(f"Upload-Metadata is longer than {_MOST_METADATA} characters.", "Upload-Metadata")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (ValueError, binascii.Error) as error:
            raise InvalidInput(f"Upload-Metadata: {key[:40]!r} is no Base64 of UTF-8.", "Upload-Metadata") from error
    return found


def file_name(told: str) -> str:
    """Return the name of a file as it is shown: no folders, nothing that cannot be seen, 255 characters at most."""
    name = unicodedata.normalize("NFC", told[: 4 * _MOST_NAME]).replace("\\", "/").rpartition("/")[2]
    seen = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C").strip()
    return seen[:_MOST_NAME] if seen.strip(". ") else "upload"


def claimed_type(told: str) -> str:
    """Return the media type that somebody claims, empty if it is none."""
    return told.strip()[:_MOST_TYPE] if _TYPE.fullmatch(told.strip()) else ""


def announced_digest(told: str) -> str:
    """Return the SHA-256 of a file that its client announces, as hexadecimal text; empty: none.

    Raises:
        InvalidInput: it is no SHA-256.
    """
    digest = told.strip().lower()
    if digest and _SHA256.fullmatch(digest) is None:
        raise InvalidInput("sha256 has to be 64 hexadecimal digits.", "sha256")
    return digest


def facts_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return what else is told: `session`, `chunk_seconds`, `camera`, `started_after_ms`, `started_us` or `started_at`.

    Raises:
        InvalidInput: a value cannot be one.
    """
    found: dict[str, Any] = {}
    if metadata.get("session"):
        if not is_id(metadata["session"]):
            raise InvalidInput("session has to be the id of a recorder session.", "session")
        found["session"] = metadata["session"]
    if metadata.get("chunk_seconds"):
        found["chunk_seconds"] = _number(metadata["chunk_seconds"], "chunk_seconds", _MOST_CHUNK_S)
    if metadata.get("camera"):
        found["camera"] = file_name(metadata["camera"])[:64]
    if metadata.get("started_after_ms"):
        found["started_after_ms"] = _number(metadata["started_after_ms"], "started_after_ms", _MOST_WAIT_MS, 0)
    if metadata.get("started_us"):
        found["started_us"] = _number(metadata["started_us"], "started_us", LATEST_US)
    elif metadata.get("started_at"):
        found["started_us"] = parse(metadata["started_at"], _UTC)
    return found


def later_facts_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return what a browser tells of its recording after its beginning: `interrupted`, and `pauses`.

    Pauses are `at+lasted` with spaces between: what had been recorded by then, and how long the pause was,
    milliseconds.

    Raises:
        InvalidInput: a value cannot be one.
    """
    found: dict[str, Any] = {}
    if metadata.get(INTERRUPTED):
        found[INTERRUPTED] = True
    told = metadata.get(PAUSES, "").split()
    if len(told) > _MOST_PAUSES or not all(_PAUSE.fullmatch(one) for one in told):
        raise InvalidInput(f"pauses have to be `at+lasted` in milliseconds, {_MOST_PAUSES} at most.", PAUSES)
    if told:
        pairs = ([int(part) for part in one.split("+")] for one in told)
        found[PAUSES] = [{"at_ms": at, "lasted_ms": lasted} for at, lasted in pairs]
    return found


def read_length(text: str | None, header: str) -> int | None:
    """Return a size or an offset of a header in bytes, None if it is not there.

    Raises:
        InvalidInput: it is no whole number.
    """
    if text is None:
        return None
    if _NUMBER.fullmatch(text.strip()) is None:
        raise InvalidInput(f"{header} has to be a whole number of bytes.", header)
    return int(text)


def _number(text: str, name: str, most: int, least: int = 1) -> int:
    if _NUMBER.fullmatch(text) is None or not least <= int(text) <= most:
        raise InvalidInput(f"{name} has to be a whole number from {least} to {most}.", name)
    return int(text)

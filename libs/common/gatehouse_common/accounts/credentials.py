"""What programs and browsers show to be known: tokens and sessions. Only fingerprints of them are kept."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass

_PREFIX = "gatehouse_pat"
"""Programs that look for credentials in places where none should be know them by such a prefix."""
_TOKEN = re.compile(rf"{_PREFIX}_([a-z2-7]{{12}})_([a-z2-7]{{52}})")


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as its owner has it: shown once, when it is made.

    Attributes:
        id: what it is called in lists and logs.
        text: all of it: ``gatehouse_pat_<id>_<secret>``.
    """

    id: str
    text: str


def new_token() -> ApiToken:
    """Return a new token with a secret of 256 bits."""
    token_id = base64.b32encode(secrets.token_bytes(8)).decode().lower()[:12]
    secret = base64.b32encode(secrets.token_bytes(32)).decode().lower().rstrip("=")
    return ApiToken(token_id, f"{_PREFIX}_{token_id}_{secret}")


def parse_token(text: str) -> ApiToken | None:
    """Return what is written as our tokens are, None if it is not; it may be one that there never was."""
    found = _TOKEN.fullmatch(text)
    return None if found is None else ApiToken(found[1], text)


def new_session_id() -> str:
    """Return 256 random bits for a cookie: 43 characters that need no quoting."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Return by what a token or a session is kept: SHA-256, hexadecimal.

    Nobody guesses 256 random bits, so a slow function as for passwords would protect nothing more.
    """
    return hashlib.sha256(secret.encode()).hexdigest()

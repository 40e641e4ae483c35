"""Signatures of Standard Webhooks 1.0.0: HMAC-SHA256 of id, time and body, by each secret that is good at the time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

from gatehouse_common.errors import InvalidInput

PREFIX: Final = "whsec_"
_BYTES = 32
"""The specification asks for 24 to 64."""


def new_secret() -> str:
    """Return a new secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def headers(event_id: str, time_s: int, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """Return the headers by which a receiver knows who sent a body, and when.

    Args:
        event_id: the same at every try.
        time_s: of this try, seconds since 1970.
        body: as it is sent, to the byte.
        keys: secrets, the newest first: while one takes the place of another, both sign.

    Raises:
        InvalidInput: a secret cannot be read: it was sealed with another key.
    """
    signed = b".".join((event_id.encode(), str(time_s).encode(), body))
    signatures = " ".join(f"v1,{_sign(key, signed)}" for key in keys)
    return {"webhook-id": event_id, "webhook-timestamp": str(time_s), "webhook-signature": signatures}


def _sign(key: str, signed: bytes) -> str:
    try:
        if not key.startswith(PREFIX):
            raise ValueError
        raw = base64.b64decode(key.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput(
            "the webhook's secret cannot be read: it was sealed with another key. Restore that, or give it another.",
            "secret",
        ) from error
    return base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()

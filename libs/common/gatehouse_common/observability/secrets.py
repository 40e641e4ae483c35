"""Keeping credentials out of everything that people and machines read."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

MASK: Final = "***"

_USERINFO = re.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^\s/@:'\"]*):(?P<password>[^\s'\"]*?)@(?=[^\s@/'\"]+)"
)
_PARAMETER = re.compile(r"(?i)\b(pass(?:word|wd)?|pwd|token|secret|api_?key|auth)=[^&\s'\"]+")

_known: set[str] = set()


def register_url(url: str) -> None:
    """Remember the password of ``url``: it is masked wherever it turns up, in whatever form."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return
    if password and len(password) >= 4:
        _known.update({password, unquote(password)})


def mask(text: str) -> str:
    """Return ``text`` with the passwords of URLs, secret parameters and known secrets replaced by ``***``."""
    masked = _USERINFO.sub(rf"\g<scheme>\g<user>:{MASK}@", text)
    masked = _PARAMETER.sub(rf"\1={MASK}", masked)
    for secret in _known:
        masked = masked.replace(secret, MASK)
    return masked

"""Keeping credentials out of everything that people and machines read."""

from __future__ import annotations

import base64
import json
import re
import threading
from typing import Final
from urllib.parse import quote, unquote, urlsplit

MASK: Final = "***"

_SHORTEST = 4  # what is shorter would be masked inside ordinary words; in a URL it is masked by its place

# Text may be JSON already, where a quote inside a value is written \" and must stay whole: so escapes go in pairs.
_USERINFO = re.compile(
    r"""(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)(?P<user>[^\s/@:'"?#]*):"""
    r"""(?:(?:[^\s"/?#\\]|\\.)*@|(?:[^\s'"\\]|\\.)*?@)(?=[^\s@/'"])"""
)
_WORD = r"(?:pass?(?:word|wd|phrase)?|pswd?|pwd|token|secret|api[_-]?key|auth|signature|credentials?)"
_PARAMETER = re.compile(rf"""({_WORD})=(?:[^&\s'"\\]|\\[^"'])+""", re.IGNORECASE)
_FIELD = re.compile(
    rf"""((?P<q>\\*['"])[\w-]*{_WORD}(?P=q)\s*:\s*(?P<v>\\*['"]))(?:(?!(?P=v)).)+(?P=v)""", re.IGNORECASE
)
_HEADER = re.compile(
    r"""(authorization\\?['"]?\s*[:=]\s*\\?['"]?(?:basic|bearer)\s+)[A-Za-z0-9+/=._~-]+"""
    r"""|(\bresponse\s*=\s*\\?['"])[0-9a-f]{32,}""",
    re.IGNORECASE,
)

_TOKEN = re.compile(r"(gatehouse_pat_[a-z2-7]{12})_[a-z2-7]{52}")

_lock = threading.Lock()
_known: tuple[tuple[str, str], ...] = ()  # replaced as a whole: logs are written by many threads


def register_secret(secret: str, shown: str = MASK) -> None:
    """Remember a secret: from now on it is masked wherever it turns up, however it is quoted or escaped.

    Args:
        secret: what must not be told; shorter than four characters it is passed over, for it would be part of words.
        shown: what is told in its place.
    """
    global _known  # noqa: PLW0603 - what is secret is so for the whole process
    if len(secret) < _SHORTEST:
        return
    with _lock:
        # Longest first: a form that is part of another must not leave the rest of it.
        known = {**dict.fromkeys(_forms(secret), shown), **dict(_known)}
        _known = tuple(sorted(known.items(), key=lambda form: len(form[0]), reverse=True))


def register_url(url: str) -> None:
    """Remember the password of ``url``, also as a Basic header would carry it."""
    try:
        parts = urlsplit(url)
        user, password = parts.username or "", parts.password
    except ValueError:
        return
    if not password:
        return
    register_secret(password)
    register_secret(unquote(password))
    register_secret(base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode())


def mask(text: str) -> str:
    """Return ``text`` with the passwords of URLs, secret parameters and known secrets replaced by ``***``."""
    for secret, shown in _known:
        text = text.replace(secret, shown)
    text = _TOKEN.sub(rf"\1_{MASK}", text)
    text = _USERINFO.sub(rf"\g<scheme>\g<user>:{MASK}@", text)
    text = _PARAMETER.sub(rf"\1={MASK}", text)
    text = _FIELD.sub(rf"\1{MASK}\g<v>", text)
    return _HEADER.sub(lambda m: f"{m[1] or m[2]}{MASK}", text)


def _forms(secret: str) -> set[str]:
    """Return the ways in which a secret may be written: as it is, in a URL, in Python's or JSON's quotes."""
    found = {secret, quote(secret, safe=""), quote(secret)}
    for _ in range(2):  # a repr in a message inside JSON is escaped twice
        found |= {json.dumps(form)[1:-1] for form in found}
        found |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in found}
        found |= {repr(form)[1:-1] for form in found}
    return found

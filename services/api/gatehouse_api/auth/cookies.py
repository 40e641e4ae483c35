"""The cookie of a session."""

from __future__ import annotations

from flask import Request, Response

_SECURE, _PLAIN = "__Host-gatehouse", "gatehouse"
"""Over TLS nobody but this very host can set it; without there is no such promise (RFC 6265bis section 4.1.3)."""
_LONGEST = 100


def read_cookie(request: Request) -> str:
    """Return what the cookie says, empty if there is none."""
    said = request.cookies.get(_SECURE if request.is_secure else _PLAIN, "")
    return said if len(said) <= _LONGEST else ""


def set_cookie(answer: Response, request: Request, said: str, seconds: float) -> None:
    """Give the browser a session for so long."""
    _put(answer, request, said, round(seconds))


def clear_cookie(answer: Response, request: Request) -> None:
    """Take it away."""
    _put(answer, request, "", 0)


def _put(answer: Response, request: Request, said: str, seconds: int) -> None:
    answer.set_cookie(
        _SECURE if request.is_secure else _PLAIN,
        said,
        max_age=seconds,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )

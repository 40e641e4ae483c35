"""Who really asks, behind proxies: they say it in headers, which are believed from those that are trusted alone."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

from gatehouse_common.accounts.addresses import parse_address

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

VIA = "gatehouse.proxy"
"""Where a request's environment has the address of the trusted proxy that it came by."""


class Forwarded:
    """Sets address, scheme and host of requests to what a trusted proxy says that they were at its door.

    Args:
        app: answers.
        trusted: networks of proxies.
    """

    def __init__(self, app: WSGIApplication, trusted: Iterable[IPv4Network | IPv6Network]) -> None:
        self._app, self._trusted = app, tuple(trusted)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        nearest = environ.get("REMOTE_ADDR", "")
        if self._is_trusted(nearest):
            environ[VIA] = nearest
            environ["REMOTE_ADDR"] = self._client(environ.get("HTTP_X_FORWARDED_FOR", ""), nearest)
            scheme = _last(environ.get("HTTP_X_FORWARDED_PROTO", ""))
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
            host = _last(environ.get("HTTP_X_FORWARDED_HOST", ""))
            if host:
                environ["HTTP_HOST"] = host
        return self._app(environ, start_response)

    def _client(self, chain: str, nearest: str) -> str:
        """Return the last address that no trusted proxy has: whoever is before it may have written what they liked."""
        found = nearest
        for part in reversed(chain.split(",")):
            address = part.strip()
            if not _is_address(address):
                break
            found = address
            if not self._is_trusted(address):
                break
        return found

    def _is_trusted(self, text: str) -> bool:
        try:
            address = parse_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def _last(text: str) -> str:
    """Return what the nearest proxy added."""
    return text.rpartition(",")[2].strip()

"""What a proxy says of who asks is believed from trusted ones alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from gatehouse_api.forwarded import VIA, Forwarded
from gatehouse_common.settings import trusted_networks

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def seen(trusted: str, **environ: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def app(environ: WSGIEnvironment, _start: StartResponse) -> Iterable[bytes]:
        found.update(environ)
        return []

    given = {"wsgi.url_scheme": "http", "HTTP_HOST": "inside:5000", **environ}
    Forwarded(app, trusted_networks(trusted))(given, lambda *_: lambda _: None)  # type: ignore[arg-type, return-value]
    return found


@pytest.mark.parametrize(
    ("trusted", "nearest", "chain", "client"),
    [
        ("10.0.0.1", "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", "1.2.3.4, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.0/8", "10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.7, junk", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.0/8", "192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("", "127.0.0.1", "198.51.100.7", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_that_no_trusted_proxy_is(trusted: str, nearest: str, chain: str, client: str) -> None:
    assert seen(trusted, REMOTE_ADDR=nearest, HTTP_X_FORWARDED_FOR=chain)["REMOTE_ADDR"] == client


def test_scheme_and_host_are_those_at_the_proxys_door() -> None:
    said = {"HTTP_X_FORWARDED_PROTO": "evil, https", "HTTP_X_FORWARDED_HOST": "evil.example, cams.example.org"}
    found = seen("127.0.0.1", REMOTE_ADDR="127.0.0.1", **said)
    assert (found["wsgi.url_scheme"], found["HTTP_HOST"], found[VIA]) == ("https", "cams.example.org", "127.0.0.1")
    stranger = seen("127.0.0.1", REMOTE_ADDR="192.0.2.1", **said)
    assert (stranger["wsgi.url_scheme"], stranger["HTTP_HOST"]) == ("http", "inside:5000")
    assert VIA not in stranger
    assert seen("127.0.0.1", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_PROTO="gopher")["wsgi.url_scheme"] == "http"

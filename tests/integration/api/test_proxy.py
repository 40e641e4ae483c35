"""Behind a proxy that has logged people in itself: whom it names, and who may name anybody."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from gatehouse_common.runtime import Core
from gatehouse_common.runtime.web_server import WebServer
from pipeline_kit import core_at

SECRET = "between proxy and gatehouse"
SETTINGS = {
    "auth.mode": "proxy",
    "auth.proxy_secret": SECRET,
    "auth.proxy_admins": "Ann, carla",
    "api.trusted_proxies": "10.0.0.1",
}
PAGE = {"Accept": "text/html"}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **SETTINGS) as opened:
        yield opened


def asked(app: Flask, path: str = "/api/v1/auth/me", via: str = "10.0.0.1", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(path, headers=named, environ_base={"REMOTE_ADDR": via})


def by_proxy(app: Flask, name: str, path: str = "/api/v1/auth/me") -> TestResponse:
    return asked(app, path, X_Forwarded_User=name, X_Gatehouse_Proxy_Secret=SECRET, X_Forwarded_For="198.51.100.7")


def test_whom_the_proxy_names_is_met_and_stays_the_same(app: Flask) -> None:
    ann, bob = by_proxy(app, "ann").get_json(), by_proxy(app, "bob").get_json()
    assert (ann["role"], bob["role"], bob["cameras"], bob["mode"]) == ("admin", "viewer", [], "proxy")
    assert by_proxy(app, "ANN").get_json()["id"] == ann["id"]
    assert by_proxy(app, "bob", "/api/v1/users").status_code == 403
    assert [u["name"] for u in by_proxy(app, "ann", "/api/v1/users").get_json()["items"]] == ["ann", "bob"]


def test_nobody_else_names_anybody(app: Flask) -> None:
    assert by_proxy(app, "ann").status_code == 200
    right = {"X_Forwarded_User": "ann", "X_Gatehouse_Proxy_Secret": SECRET}
    assert asked(app, via="10.0.0.2", **right).status_code == 401, "another machine, with the secret"
    assert asked(app, X_Forwarded_User="ann").status_code == 401, "the proxy's machine, without it"
    assert asked(app, X_Forwarded_User="ann", X_Gatehouse_Proxy_Secret="guessed").status_code == 401
    assert asked(app, X_Forwarded_User="ann", X_Gatehouse_Proxy_Secret=SECRET + "é").status_code == 401
    assert asked(app).status_code == 401
    page = asked(app, "/", Accept="text/html")
    assert page.status_code == 401
    assert "proxy" in page.text


def test_who_is_disabled_here_is_not_let_in_by_the_proxy(app: Flask) -> None:
    bob, client = by_proxy(app, "bob").get_json(), app.test_client()
    changed = client.patch(
        f"/api/v1/users/{bob['id']}",
        json={"state": "disabled"},
        headers={"X-Forwarded-User": "ann", "X-Gatehouse-Proxy-Secret": SECRET},
        environ_base={"REMOTE_ADDR": "10.0.0.1"},
    )
    assert changed.status_code == 200
    assert by_proxy(app, "bob").status_code == 401


def test_no_password_is_a_way_past_the_proxy_and_admins_change_admins(app: Flask) -> None:
    carla, ann = by_proxy(app, "carla").get_json(), by_proxy(app, "ann").get_json()
    client, first = app.test_client(), {"name": "Eve", "password": "violet engine harbour 7"}
    for path in ("/api/v1/auth/setup", "/api/v1/auth/login", "/api/v1/auth/signup"):
        assert client.post(path, json=first).status_code in {403, 409}
    old = {"user_name": first["name"], "password": first["password"]}
    for path in ("/api/users/register", "/api/users/login"):
        assert client.post(path, json=old).status_code in {403, 409}
    shown = {"X-Forwarded-User": "ann", "X-Gatehouse-Proxy-Secret": SECRET}
    via = {"REMOTE_ADDR": "10.0.0.1"}
    off = client.patch(f"/api/v1/users/{carla['id']}", json={"state": "disabled"}, headers=shown, environ_base=via)
    assert off.status_code == 200
    last = client.patch(f"/api/v1/users/{ann['id']}", json={"role": "viewer"}, headers=shown, environ_base=via)
    assert last.status_code == 409
    met = client.get("/api/v1/audit?action=user.added", headers=shown, environ_base=via).get_json()["items"]
    assert [entry["subject"] for entry in met] == ["user ann", "user carla"]


def test_no_header_is_smuggled_past_the_proxy_with_an_underscore() -> None:
    """A proxy takes away the `X-Forwarded-User` of a client, not its `X_Forwarded_User`: WSGI sees both as one."""
    server, stop, ending = WebServer("127.0.0.1", 0, "--port"), threading.Event(), threading.Event()
    found: list[str | None] = []

    def app(environ: dict[str, object], start: object) -> list[bytes]:
        found.append(environ.get("HTTP_X_FORWARDED_USER"))  # type: ignore[arg-type]
        start("200 OK", [("Content-Length", "0")])  # type: ignore[operator]
        return []

    serving = threading.Thread(
        target=server.serve, args=(app, stop, ending), kwargs={"threads": 4, "most_body_bytes": 1000}
    )
    serving.start()
    try:
        for header in ("X_Forwarded_User: ann", "X-Forwarded-User : ann", "X-Forwarded-User: bob"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
                client.sendall(f"GET / HTTP/1.1\r\nHost: x\r\n{header}\r\nConnection: close\r\n\r\n".encode())
                assert client.recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        stop.set()
        serving.join()
    assert found == [None, None, "bob"]

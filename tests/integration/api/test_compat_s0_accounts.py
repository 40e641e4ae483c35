"""The older recorder's sign-up and log-in: by the rules of ours, with the answers of its clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from gatehouse_api.app import create_app
from gatehouse_common.accounts import Role
from gatehouse_common.accounts.passwords import Passwords
from gatehouse_common.db import Audit, Users
from gatehouse_common.runtime import Core
from pipeline_kit import core_at

PASSWORD = "copper lantern winter 9"
EVE = {"user_name": "Eve", "password": PASSWORD}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local", "auth.sign_up": True}) as opened:
        kept = Passwords().hash(PASSWORD)
        Users(opened.db).add("Ann", Role.ADMIN, opened.clock.now_us(), password=kept, first=True)
        yield opened


def test_who_registers_waits_for_an_admin_and_then_logs_in(core: Core, app: Flask) -> None:
    """S0-29c, S0-21: a session's cookie, an argon2id hash, and both deeds on record."""
    client = app.test_client()
    made = client.post("/api/users/register", json=EVE)
    assert made.status_code == 201
    assert made.get_json()["message"] == "User registered successfully"
    assert (made.get_json()["user"]["username"], made.get_json()["state"]) == ("Eve", "pending")
    assert made.headers["Link"].startswith("</api/v1/auth/signup>")
    kept = Users(core.db).named("Eve")
    assert kept is not None
    assert (kept.password or "").startswith("$argon2id$")
    early = client.post("/api/users/login", json=EVE)
    assert (early.status_code, early.get_json().keys()) == (401, {"error"})
    Users(core.db).change(kept.id, state="active")
    done = client.post("/api/users/login", json={"username": "eve", "password": PASSWORD})
    assert (done.status_code, done.get_json()["message"]) == (200, "Login successful")
    assert done.get_json()["user"] == {**made.get_json()["user"]}
    assert "HttpOnly" in done.headers["Set-Cookie"]
    assert client.get("/api/v1/auth/me").get_json()["name"] == "Eve"
    deeds = [one.deed.action for one in Audit(core.db).entries(limit=10)]
    assert {"user.signed_up", "session.begun", "session.refused"} <= set(deeds)


def test_what_is_no_account_is_refused_as_elsewhere(app: Flask) -> None:
    """S0-29c, S0-39: names and passwords that cannot be used, a name that is taken, guesses, and pages of others."""
    client = app.test_client()
    refused = (
        {"user_name": "", "password": PASSWORD},
        {"user_name": 7, "password": PASSWORD},
        {"user_name": "Bob"},
        {"user_name": "Bob", "password": ["x"]},
        {"user_name": "Bob", "password": "p" * 1025},
        {"user_name": "Bob", "password": "password1234"},
        {"user_name": "B\0b", "password": PASSWORD},
        [],
    )
    for body in refused:
        answer = client.post("/api/users/register", json=body)
        assert (answer.status_code, answer.get_json().keys()) == (400, {"error"}), body
        assert PASSWORD not in answer.text
    assert client.post("/api/users/register", json={**EVE, "user_name": "ann"}).status_code == 409
    foreign = client.post("/api/users/login", json={**EVE, "user_name": "Ann"}, headers={"Origin": "https://evil.test"})
    assert (foreign.status_code, "Set-Cookie" in foreign.headers) == (403, False)
    tried = [client.post("/api/users/login", json={"user_name": "Ann", "password": "no"}) for _ in range(12)]
    assert (tried[0].status_code, tried[-1].status_code) == (401, 429)
    assert int(tried[-1].headers["Retry-After"]) > 0
    assert client.post("/login", data={"name": "Ann", "password": PASSWORD}).status_code == 429, "counted as one"


def test_where_nobody_may_sign_up_nobody_registers(tmp_path: Path) -> None:
    """S0-29c: by default; and where nobody is known there are no passwords."""
    with core_at(tmp_path / "local", **{"auth.mode": "local"}) as core:
        assert create_app(core).test_client().post("/api/users/register", json=EVE).status_code == 403
    with core_at(tmp_path / "open", **{"auth.sign_up": True}) as core:
        client = create_app(core).test_client()
        assert client.post("/api/users/register", json=EVE).status_code == 409
        assert client.post("/api/users/login", json=EVE).status_code == 409
        assert Users(core.db).named("Eve") is None

"""S0-21, S3-2: users, sessions and tokens as clients meet them, over HTTP, on a real index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from account_clients import ANN, BOB, PAGE, by, core_with_users, first_admin, guess, log_in, token_of, user
from gatehouse_api.auth.witness import DEEDS
from gatehouse_common.accounts import Scope
from gatehouse_common.runtime import Core


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_with_users(tmp_path / "data") as made:
        yield made


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    return first_admin(app)


def test_a_session_ends_with_log_out(app: Flask, ann: FlaskClient) -> None:
    cookie = ann.get_cookie("gatehouse")
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    ann.post("/api/v1/auth/logout")
    assert ann.get("/api/v1/cameras").status_code == 401
    thief = app.test_client()
    thief.set_cookie("gatehouse", cookie.value)
    assert thief.get("/api/v1/cameras").status_code == 401, "the cookie itself is worth nothing any more"


def test_wrong_guesses_are_slowed_down_and_no_answer_tells_who_there_is(app: Flask, ann: FlaskClient) -> None:
    said = set()
    for name in ("Ann", "nobody"):
        answers = [guess(app, name, f"wrong {n}") for n in range(7)]
        assert [a.status_code for a in answers[:5]] == [401] * 5, name
        assert 429 in {a.status_code for a in answers[5:]}, "after five there is a second between two"
        slowed = next(a for a in answers if a.status_code == 429)
        assert int(slowed.headers["Retry-After"]) >= 1
        said.add(answers[0].get_json()["detail"])
    assert len(said) == 1
    for n in range(3):
        guess(app, "Ann", f"still wrong {n}")
    assert guess(app, "Ann", ANN).status_code == 429, "not even with the right one, meanwhile"


def test_with_another_password_all_other_sessions_end(app: Flask, ann: FlaskClient) -> None:
    other = log_in(app, "ann", ANN)
    wrong = ann.put("/api/v1/auth/password", json={"current": BOB, "password": "amber orbit 4 kettles"})
    assert wrong.status_code == 401
    weak = ann.put("/api/v1/auth/password", json={"current": ANN, "password": "password1234"})
    assert weak.status_code == 400
    assert ann.put("/api/v1/auth/password", json={"current": ANN, "password": BOB}).status_code == 204
    assert ann.get("/api/v1/auth/me").status_code == 200
    assert other.get("/api/v1/auth/me").status_code == 401
    log_in(app, "ANN", BOB)


def test_sessions_are_listed_and_ended_from_elsewhere(app: Flask, ann: FlaskClient) -> None:
    other = log_in(app, "Ann", ANN)
    found = ann.get("/api/v1/auth/sessions").get_json()["items"]
    assert [one["current"] for one in found].count(True) == 1
    there = next(one["id"] for one in found if not one["current"])
    user(ann, "Bob")
    assert log_in(app, "Bob").delete(f"/api/v1/auth/sessions/{there}").status_code == 404, "it is another's"
    assert ann.delete(f"/api/v1/auth/sessions/{there}").status_code == 204
    assert other.get("/api/v1/auth/me").status_code == 401


def test_a_token_does_what_it_was_made_for_and_nothing_else(app: Flask, ann: FlaskClient) -> None:
    token = token_of(ann, "cameras:read", cameras=["gate"])
    assert [c["id"] for c in by(app, token).get_json()["items"]] == ["gate"]
    assert by(app, token, "/api/v1/cameras/yard").status_code == 404
    assert by(app, token, "/api/v1/users").status_code == 403
    for headers in ({"X-API-Key": token}, {"Authorization": f"ApiKey {token}"}):
        wanted = 200 if "X-API-Key" in headers else 401
        assert app.test_client().get("/api/v1/cameras", headers=headers).status_code == wanted
    assert app.test_client().get("/api/v1/cameras", auth=("any", token)).status_code == 200
    assert app.test_client().get(f"/api/v1/cameras?token={token}").status_code == 401, "addresses end up in logs"
    listed = ann.get("/api/v1/tokens").get_json()["items"]
    assert token not in json.dumps(listed)
    assert listed[0]["used"] is not None
    assert ann.delete(f"/api/v1/tokens/{listed[0]['id']}").status_code == 204
    assert by(app, token).status_code == 401


def test_a_token_makes_no_tokens_and_ends_no_sessions(app: Flask, ann: FlaskClient) -> None:
    """Whoever finds one that ends in an hour must not make one of it that does not."""
    shown = {"Authorization": f"Bearer {token_of(ann, *Scope, days=1)}"}
    stranger = app.test_client()
    made = stranger.post("/api/v1/tokens", json={"name": "x", "scopes": ["cameras:read"]}, headers=shown)
    assert made.status_code == 403
    assert stranger.get("/api/v1/tokens", headers=shown).status_code == 403
    assert stranger.get("/api/v1/auth/sessions", headers=shown).status_code == 403
    assert stranger.delete("/api/v1/auth/sessions", headers=shown).status_code == 403
    changed = {"current": ANN, "password": BOB}
    assert stranger.put("/api/v1/auth/password", json=changed, headers=shown).status_code == 403
    assert stranger.get("/account", headers=shown).status_code == 403
    assert ann.get("/api/v1/auth/me").status_code == 200


@pytest.mark.parametrize("more", [{"scopes": ["users:admin"]}, {"scopes": [*Scope], "cameras": ["gate"]}])
def test_a_token_for_users_makes_nobody_who_may_more(app: Flask, ann: FlaskClient, more: dict[str, Any]) -> None:
    shown = {"X-API-Key": token_of(ann, *more.pop("scopes"), **more)}
    stranger, me = app.test_client(), ann.get("/api/v1/auth/me").get_json()["id"]
    eve = {"name": "Eve", "password": BOB, "role": "admin"}
    assert stranger.post("/api/v1/users", json=eve, headers=shown).status_code == 403
    assert stranger.patch(f"/api/v1/users/{me}", json={"password": BOB}, headers=shown).status_code == 403
    assert stranger.get("/api/v1/users", headers=shown).status_code == 200
    whole = {"X-API-Key": token_of(ann, *Scope, networks=["127.0.0.0/8"], days=0.01)}
    assert stranger.post("/api/v1/users", json=eve, headers=whole).status_code == 403


@pytest.mark.parametrize(
    ("more", "said"),
    [({"networks": ["10.0.0.0/8"]}, 401), ({"networks": ["127.0.0.0/8"]}, 200), ({"days": 0.000001}, 401)],
)
def test_a_token_is_good_from_where_and_for_as_long_as_it_says(
    app: Flask, ann: FlaskClient, more: dict[str, Any], said: int
) -> None:
    token = token_of(ann, "cameras:read", **more)
    assert by(app, token).status_code == said or "days" in more
    if "days" in more:
        import time

        time.sleep(0.2)
        assert by(app, token).status_code == 401


def test_a_viewer_sees_what_was_granted(app: Flask, ann: FlaskClient) -> None:
    bob = user(ann, "Bob", grants=[{"camera": "gate", "permissions": ["live", "playback"]}])
    assert bob["all_cameras"] is False
    client = log_in(app, "bob")
    assert [c["id"] for c in client.get("/api/v1/cameras").get_json()["items"]] == ["gate"]
    unseen, never = client.get("/api/v1/cameras/yard"), client.get("/api/v1/cameras/void")
    assert unseen.status_code == never.status_code == 404
    assert unseen.get_json()["detail"].replace("yard", "") == never.get_json()["detail"].replace("void", "")
    assert client.post("/api/v1/cameras", json={"id": "x", "url": "rtsp://x/1"}).status_code == 403
    grants = {"grants": [{"camera": "yard"}]}
    assert ann.put(f"/api/v1/users/{bob['id']}/grants", json=grants).status_code == 200
    assert [c["id"] for c in client.get("/api/v1/cameras").get_json()["items"]] == ["yard"], "at once"


def test_who_is_disabled_or_removed_is_out_at_once(app: Flask, ann: FlaskClient) -> None:
    bob = user(ann, "Bob")
    client = log_in(app, "Bob")
    token = token_of(client, "cameras:read")
    assert ann.patch(f"/api/v1/users/{bob['id']}", json={"state": "disabled"}).status_code == 200
    assert client.get("/api/v1/cameras").status_code == 401
    assert by(app, token).status_code == 401
    assert ann.patch(f"/api/v1/users/{bob['id']}", json={"state": "active"}).status_code == 200
    assert by(app, token).status_code == 200
    assert ann.delete(f"/api/v1/users/{bob['id']}").status_code == 204
    assert by(app, token).status_code == 401
    assert ann.get(f"/api/v1/users/{bob['id']}").status_code == 404
    user(ann, "Bob")


def test_the_last_admin_stays(ann: FlaskClient) -> None:
    me = ann.get("/api/v1/auth/me").get_json()["id"]
    for change in ({"role": "viewer"}, {"state": "disabled"}):
        assert ann.patch(f"/api/v1/users/{me}", json=change).status_code == 409
    assert ann.delete(f"/api/v1/users/{me}").status_code == 409


def test_a_stale_change_of_a_user_is_refused(ann: FlaskClient) -> None:
    bob = user(ann, "Bob")
    path = f"/api/v1/users/{bob['id']}"
    seen = ann.get(path).headers["ETag"]
    assert ann.patch(path, json={"name": "Rob"}, headers={"If-Match": seen}).status_code == 200
    assert ann.patch(path, json={"name": "Bill"}, headers={"If-Match": seen}).status_code == 412
    assert ann.put(f"{path}/grants", json={"grants": []}, headers={"If-Match": seen}).status_code == 412
    assert ann.get(path).get_json()["name"] == "Rob"


BAD_USERS: list[dict[str, Any]] = [
    {"name": "", "password": BOB},
    {"name": "x" * 300, "password": BOB},
    {"name": "a\x00b", "password": BOB},
    {"name": "eve\u202egnp", "password": BOB},
    {"name": "ann", "password": BOB},
    {"name": "eve", "password": "short"},
    {"name": "eve", "password": BOB, "role": "root"},
    {"name": "eve", "password": BOB, "grants": [{"camera": "../etc"}]},
    {"name": "eve", "password": BOB, "grants": [{"camera": "gate", "permissions": ["fly"]}]},
    {"name": "eve", "password": BOB, "grants": [{"camera": "gate", "last_hours": -1}]},
    {"name": "eve", "password": BOB, "state": "removed"},
    {"name": ["eve"], "password": BOB},
    {"name": "eve", "password": {"x": BOB}},
    {},
]


@pytest.mark.parametrize("number", range(len(BAD_USERS)))
def test_what_cannot_be_a_user_is_refused_and_no_password_is_said_again(ann: FlaskClient, number: int) -> None:
    refused = ann.post("/api/v1/users", json=BAD_USERS[number])
    assert refused.status_code in {400, 409, 422}, refused.text
    assert refused.content_type == "application/problem+json"
    assert BOB not in refused.text
    assert "short" not in refused.text
    assert [u["name"] for u in ann.get("/api/v1/users").get_json()["items"]] == ["Ann"]


def test_spaces_are_no_way_around_the_pauses(app: Flask, ann: FlaskClient) -> None:
    for n in range(8):
        guess(app, "Ann", f"wrong {n}")
    assert guess(app, " " * 252 + "Ann", ANN).status_code == 429
    form = {"name": " " * 253 + "Ann", "password": ANN}
    assert app.test_client().post("/login", data=form, headers=PAGE).status_code == 429


def test_refusals_are_on_record_too_and_nobody_fills_it(app: Flask, ann: FlaskClient) -> None:
    user(ann, "Bob")
    bob = log_in(app, "Bob")
    for _ in range(3):
        assert bob.post("/api/v1/users", json={"name": "x"}).status_code == 403
        assert by(app, "gatehouse_pat_nonsense").status_code == 401
    for n in range(5):
        assert ann.get(f"/api/v1/plates?q=AB123&cursor=&x{n}={'z' * 900}").status_code == 200
    entries = ann.get("/api/v1/audit?limit=500").get_json()["items"]
    found = [(e["actor"], e["action"], e["subject"]) for e in entries if not e["done"]]
    assert sorted(found) == [
        ("", "token.refused", "a token"),
        ("Bob", "request.refused", "POST /api/v1/users"),
    ]
    searched = [e["detail"] for e in entries if e["action"] == "plates.searched"]
    assert searched == [{"q": "AB123"}]


def test_who_looks_and_who_changes_is_on_record_without_secrets(app: Flask, ann: FlaskClient) -> None:
    new = {"id": "porch", "url": "rtsp://user:hunter22@127.0.0.1:9/x", "enabled": False}
    assert ann.post("/api/v1/cameras", json=new).status_code == 201
    assert ann.patch("/api/v1/cameras/porch", json={"name": "The porch"}).status_code == 200
    user(ann, "Bob", grants=[{"camera": "porch"}])
    bob = log_in(app, "Bob")
    for _ in range(3):
        assert bob.patch("/api/v1/cameras/porch", json={"name": "Mine"}).status_code == 403
        assert bob.get("/api/v1/hls/porch/live.m3u8").status_code in {404, 503}
    for _ in range(3):
        assert ann.get("/api/v1/plates?q=AB123").status_code == 200
    entries = ann.get("/api/v1/audit?limit=500").get_json()["items"]
    deeds = [(e["actor"], e["action"], e["subject"], e["done"]) for e in entries][::-1]
    assert ("Ann", "camera.added", "camera porch", True) in deeds
    assert ("Ann", "camera.changed", "camera porch", True) in deeds
    assert deeds.count(("Bob", "camera.changed", "camera porch", False)) == 1, "three times the same is one"
    assert deeds.count(("Ann", "plates.searched", "GET /api/v1/plates", True)) == 1
    assert "live.viewed" not in {action for _, action, *_ in deeds}, "there was nothing to see"
    assert "hunter22" not in json.dumps(entries)
    assert next(e["detail"] for e in entries if e["action"] == "plates.searched") == {"q": "AB123"}


def test_what_is_written_down_exists(app: Flask) -> None:
    assert set(DEEDS) <= set(app.view_functions)


def test_strangers_learn_only_whether_it_is_well(app: Flask, ann: FlaskClient) -> None:
    assert set(app.test_client().get("/readyz").get_json()) == {"status"}
    assert "checks" in ann.get("/readyz").get_json()
    assert app.test_client().get("/metrics").status_code == 401
    assert app.test_client().get("/api/docs/scalar").status_code == 401
    assert app.test_client().get("/api/v1/openapi.json").status_code == 401
    with app.test_client().get("/static/app/app.css") as style:
        assert style.status_code == 200


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    from gatehouse_api.auth.door import rule_of

    silent = [rule.endpoint for rule in app.url_map.iter_rules() if rule_of(app, rule.endpoint) is None]
    assert silent == []
    public = {r.rule for r in app.url_map.iter_rules() if not getattr(rule_of(app, r.endpoint), "scopes", True)}
    assert public == {
        "/livez",
        "/readyz",
        "/favicon.ico",
        "/api/v1/uploads",  # OPTIONS alone: what tus can here
        "/api/v1/uploads/<upload>",
        "/static/<path:filename>",
        "/login",
        "/logout",
        "/setup",
        "/signup",
        "/api/v1/auth/setup",
        "/api/v1/auth/login",
        "/api/v1/auth/signup",
        "/api/v1/auth/logout",
        "/api/users/register",
        "/api/users/login",
        "/s/<secret>",
        "/api/health",
        "/s/<secret>/footage.mp4",
    }


def test_holds_say_who_placed_and_released_them(app: Flask, ann: FlaskClient) -> None:
    wanted = {"camera": "gate", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z", "reason": "asked for"}
    held = ann.post("/api/v1/holds", json=wanted)
    assert held.get_json()["created_by"] == "Ann"
    user(ann, "Olga", role="operator")
    released = log_in(app, "Olga").delete(held.headers["Location"]).get_json()
    assert (released["created_by"], released["released_by"]) == ("Ann", "Olga")


def test_no_password_that_was_refused_is_on_record(core: Core, app: Flask, ann: FlaskClient) -> None:
    shown = {"X-API-Key": token_of(ann, "cameras:read")}
    changed = {"current": ANN, "password": 'quotes" in it and \\ too'}
    assert app.test_client().put("/api/v1/auth/password", json=changed, headers=shown).status_code == 403
    new = {"id": "porch", "url": 'rtsp://user:hun"ter22@192.0.2.1/1', "enabled": False, "name": 'a "quoted" name'}
    assert ann.post("/api/v1/cameras", json=new).status_code in {201, 400}
    kept = json.dumps(ann.get("/api/v1/audit?limit=500").get_json())
    for secret in (ANN, "quotes", "ter22"):
        assert secret not in kept

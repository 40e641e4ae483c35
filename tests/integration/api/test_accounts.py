"""S0-21, S3-2: users, sessions and tokens as clients meet them, over HTTP, on a real index."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gatehouse_api.app import create_app, setup_token_of
from gatehouse_api.auth.witness import DEEDS
from gatehouse_common.accounts import Role, Scope
from gatehouse_common.db import Audit, Camera, CameraRepository, Users
from gatehouse_common.runtime import Core
from pipeline_kit import core_at

ANN, BOB = "winter copper lantern 9", "violet engine harbour 7"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as core:
        for camera in ("gate", "yard"):
            CameraRepository(core.db).add(Camera(camera, f"rtsp://nobody/{camera}", "", False, core.clock.now_us()))
        yield core


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    client = app.test_client()
    made = client.post("/api/v1/auth/setup", json={"name": "Ann", "password": ANN})
    assert made.status_code == 204, made.text
    return client


def user(ann: FlaskClient, name: str, **more: Any) -> dict[str, Any]:
    made = ann.post("/api/v1/users", json={"name": name, "password": BOB, **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.get_json()
    return found


def log_in(app: Flask, name: str, password: str = BOB) -> FlaskClient:
    client = app.test_client()
    answer = client.post("/api/v1/auth/login", json={"name": name, "password": password})
    assert answer.status_code == 204, answer.text
    return client


def token_of(client: FlaskClient, *scopes: str, **more: Any) -> str:
    made = client.post("/api/v1/tokens", json={"name": "a program", "scopes": [*scopes], **more})
    assert made.status_code == 201, made.text
    assert made.headers["Cache-Control"] == "no-store"
    return str(made.get_json()["token"])


def by(app: Flask, token: str, path: str = "/api/v1/cameras", **more: Any) -> TestResponse:
    return app.test_client().get(path, headers={"Authorization": f"Bearer {token}"}, **more)


def first_user(**more: str) -> dict[str, str]:
    return {"name": "Ann", "password": ANN, "again": ANN, **more}


def test_whoever_sets_up_may_name_a_first_camera(app: Flask) -> None:
    """S3-2: on the page, without scripts; it is added in the new admin's name and leads to its picture."""
    client = app.test_client()
    page = client.get("/setup", headers=PAGE).get_data(as_text=True)
    assert "Recordings go to" in page
    assert " are free" in page
    address = "rtsp://viewer:canary-4711@192.0.2.7/stream"
    made = client.post("/setup", data=first_user(camera="front-gate", camera_url=address), headers=PAGE)
    assert (made.status_code, made.headers["Location"]) == (303, "/timeline?camera=front-gate")
    camera = client.get("/api/v1/cameras/front-gate").get_json()
    assert camera["enabled"] is True
    assert "canary-4711" not in camera["url"]
    (entry,) = [one for one in client.get("/api/v1/audit").get_json()["items"] if one["action"] == "camera.added"]
    assert (entry["actor"], entry["subject"]) == ("Ann", "camera front-gate")
    assert "canary-4711" not in str(client.get("/api/v1/audit").get_json())


def test_a_first_camera_that_is_there_already_stays_as_it_is(app: Flask) -> None:
    client = app.test_client()
    made = client.post("/setup", data=first_user(camera="gate", camera_url="rtsp://192.0.2.7/other"), headers=PAGE)
    assert (made.status_code, made.headers["Location"]) == (303, "/timeline?camera=gate")
    assert client.get("/api/v1/cameras/gate").get_json()["url"] == "rtsp://nobody/gate"


@pytest.mark.parametrize(
    ("camera", "url", "says"),
    [
        ("front-gate", "", "where the camera is"),
        ("", "rtsp://192.0.2.7/stream", "called in addresses"),
        ("Front Gate", "rtsp://192.0.2.7/stream", "a-z"),
        ("../x", "synthetic:", "a-z"),
        ("gate", "javascript:alert(1)", "javascript"),
        ("gate", "\x00", ""),
        ("<b>", "synthetic:", "a-z"),
    ],
)
def test_a_first_camera_that_cannot_be_is_refused_before_there_is_a_user(
    app: Flask, camera: str, url: str, says: str
) -> None:
    """S0-39: what else was written stays, and the page can be sent again."""
    client = app.test_client()
    refused = client.post("/setup", data=first_user(camera=camera, camera_url=url), headers=PAGE)
    told = refused.get_data(as_text=True)
    assert refused.status_code == 400
    assert says in told
    assert 'value="Ann"' in told
    assert "<b>" not in told
    assert client.post("/setup", data=first_user(), headers=PAGE).headers["Location"] == "/"


def test_a_stranger_is_not_told_where_recordings_go(app: Flask) -> None:
    """R8: before there is a user, from elsewhere: the token is asked for, and nothing is said of the machine."""
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    page = app.test_client().get("/setup", headers=PAGE, environ_overrides=elsewhere).get_data(as_text=True)
    assert "Setup token" in page
    assert "Recordings go to" not in page


def test_without_a_user_pages_lead_to_the_first_one_and_programs_are_told(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/plates?q=A", headers=PAGE).headers["Location"] == "/setup?next=%2Fplates%3Fq%3DA"
    refused = client.get("/api/v1/cameras", headers=PAGE)
    assert (refused.status_code, refused.content_type) == (401, "application/problem+json")
    assert "Basic" in refused.headers["WWW-Authenticate"]
    page = client.get("/api/v1/cameras", headers={"Sec-Fetch-Site": "same-origin"})
    assert page.headers["WWW-Authenticate"] == 'Bearer realm="Gatehouse"', "a browser would ask people"


def test_the_first_user_is_an_admin_and_there_is_one_first_user_only(app: Flask, ann: FlaskClient) -> None:
    me = ann.get("/api/v1/auth/me").get_json()
    assert (me["name"], me["role"], me["cameras"], me["mode"]) == ("Ann", "admin", None, "local")
    assert set(me["scopes"]) == set(Scope)
    again = app.test_client().post("/api/v1/auth/setup", json={"name": "Eve", "password": BOB})
    assert again.status_code == 409
    assert app.test_client().get("/setup", headers=PAGE).headers["Location"] == "/"
    assert app.test_client().get("/", headers=PAGE).headers["Location"] == "/login?next=%2F"


FORWARDED = ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host", "CF-Connecting-IP"]


@pytest.mark.parametrize("header", FORWARDED)
def test_what_was_forwarded_needs_the_setup_token(app: Flask, header: str) -> None:
    sent = {header: "198.51.100.7"}
    first = {"name": "Eve", "password": BOB}
    assert app.test_client().post("/api/v1/auth/setup", json=first, headers=sent).status_code == 403
    token = setup_token_of(app)
    assert token is not None
    wrong, right = {**first, "token": token[::-1]}, {**first, "token": token}
    assert app.test_client().post("/api/v1/auth/setup", json=wrong, headers=sent).status_code == 403
    assert app.test_client().post("/api/v1/auth/setup", json=right, headers=sent).status_code == 204
    assert setup_token_of(app) is None


def test_what_an_old_proxy_forwards_without_a_word_needs_it_too(app: Flask) -> None:
    """nginx speaks HTTP/1.0 to what is behind it, and adds nothing, unless it is told otherwise."""
    first = {"name": "Eve", "password": BOB}
    old = {"SERVER_PROTOCOL": "HTTP/1.0"}
    assert app.test_client().post("/api/v1/auth/setup", json=first, environ_overrides=old).status_code == 403
    elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
    assert app.test_client().post("/api/v1/auth/setup", json=first, environ_overrides=elsewhere).status_code == 403


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


def guess(app: Flask, name: str, password: str) -> TestResponse:
    return app.test_client().post("/api/v1/auth/login", json={"name": name, "password": password})


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


def test_pages_of_other_sites_change_nothing_and_log_nobody_in(app: Flask, ann: FlaskClient) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for path in ("/api/v1/auth/login", "/api/v1/auth/logout", "/login", "/logout", "/users", "/account/tokens"):
            assert ann.post(path, data={}, headers=headers).status_code == 403, path
    assert ann.get("/api/v1/auth/me").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/plates?q=AB", "/plates?q=AB"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\t/evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("//[", "/"),
        ("", "/"),
    ],
)
def test_a_log_in_leads_to_pages_of_ours_only(app: Flask, ann: FlaskClient, wanted: str, led: str) -> None:
    form = {"name": "ann", "password": ANN, "next": wanted}
    answer = app.test_client().post("/login", data=form, headers=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, led)


def test_the_pages_say_names_as_text(app: Flask, ann: FlaskClient) -> None:
    user(ann, "<script>alert(1)</script>")
    token_of(ann, "cameras:read")
    for page in ("/users", "/audit", "/webhooks", "/account"):
        shown = ann.get(page, headers=PAGE)
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
    refused = app.test_client().post("/login", data={"name": '"><b>x', "password": "y"}, headers=PAGE)
    assert refused.status_code == 401
    assert "<b>x" not in refused.text
    assert "/login" in refused.text


def test_people_without_the_right_get_a_page_and_programs_a_problem(app: Flask, ann: FlaskClient) -> None:
    user(ann, "Bob", role="viewer")
    bob = log_in(app, "Bob")
    page = bob.get("/users", headers=PAGE)
    assert page.status_code == 403
    assert page.content_type.startswith("text/html")
    assert "users:admin" in page.text
    assert bob.get("/users").get_json()["title"] == "Not allowed"
    assert "/users" not in bob.get("/account", headers=PAGE).text, "what they may not is not offered"


def test_forms_do_what_the_api_does(app: Flask, ann: FlaskClient) -> None:
    added = ann.post(
        "/users",
        data={"name": "Bob", "password": BOB, "again": BOB, "role": "viewer", "grant": ["gate:live", "gate:playback"]},
    )
    assert added.headers["Location"] == "/users?done=added"
    bob = ann.get("/api/v1/users").get_json()["items"][1]
    assert bob["grants"] == [{"camera": "gate", "permissions": ["live", "playback"], "last_hours": None}]
    differs = ann.post(f"/users/{bob['id']}", data={"deed": "password", "password": ANN, "again": BOB})
    assert differs.status_code == 400
    saved = ann.post(f"/users/{bob['id']}", data={"deed": "access", "role": "operator", "all_cameras": "on"})
    assert saved.headers["Location"] == "/users?done=changed"
    client = log_in(app, "bob")
    made = client.post("/account/tokens", data={"name": "vlc", "scope": ["live:view"], "days": "1"}, headers=PAGE)
    found = re.search(r"gatehouse_pat_[a-z2-7]{12}_[a-z2-7]{52}", made.text)
    assert found
    assert by(app, found[0], "/api/v1/auth/me").get_json()["scopes"] == ["live:view"]
    assert found[0] not in client.get("/account", headers=PAGE).text
    removed = ann.post(f"/users/{bob['id']}", data={"deed": "remove"})
    assert removed.headers["Location"] == "/users?done=removed"
    assert client.get("/api/v1/auth/me").status_code == 401


def test_sign_up_waits_for_an_admin(tmp_path: Path) -> None:
    with core_at(tmp_path / "data", **{"auth.mode": "local", "auth.sign_up": True}) as core:
        app = create_app(core)
        ann = app.test_client()
        assert ann.post("/api/v1/auth/setup", json={"name": "Ann", "password": ANN}).status_code == 204
        asked = app.test_client().post("/signup", data={"name": "Bob", "password": BOB, "again": BOB}, headers=PAGE)
        assert asked.headers["Location"] == "/signup?done=signed-up"
        early = app.test_client().post("/api/v1/auth/login", json={"name": "Bob", "password": BOB})
        assert early.status_code == 401
        bob = ann.get("/api/v1/users").get_json()["items"][1]
        assert (bob["state"], bob["role"], bob["grants"]) == ("pending", "viewer", [])
        assert ann.post(f"/users/{bob['id']}", data={"deed": "active"}).status_code == 303
        log_in(app, "Bob")


def test_the_settings_may_name_the_first_user(tmp_path: Path) -> None:
    with core_at(tmp_path / "data", **{"auth.mode": "local", "auth.admin_password": ANN}) as core:
        app = create_app(core)
        assert setup_token_of(app) is None
        log_in(app, "admin", ANN)
    with core_at(tmp_path / "data", **{"auth.mode": "local", "auth.admin_password": BOB}) as core:
        app = create_app(core)
        assert setup_token_of(app) is None
        assert guess(app, "admin", BOB).status_code == 401, "only the first time"


def test_the_settings_first_user_may_be_one_who_is_known_of_files(tmp_path: Path) -> None:
    """R5: an index that was made anew has those whose files there are as users who cannot log in; else nobody could."""
    with core_at(tmp_path / "data", **{"auth.mode": "local", "auth.admin_password": ANN}) as core:
        former = Users(core.db).add("admin", Role.UPLOADER, core.clock.now_us(), state="disabled")
        app = create_app(core)
        assert setup_token_of(app) is None
        me = log_in(app, "admin", ANN).get("/api/v1/auth/me").get_json()
        assert me["role"] == "admin"
        assert Users(core.db).named("admin") == Users(core.db).get(former.id)


def test_sign_ups_keep_nobody_else_out_and_wait_for_the_first_user(tmp_path: Path) -> None:
    with core_at(tmp_path / "data", **{"auth.mode": "local", "auth.sign_up": True}) as core:
        app = create_app(core)
        early = app.test_client().post("/api/v1/auth/signup", json={"name": "Eve", "password": BOB})
        assert early.status_code == 409
        ann = app.test_client()
        assert ann.post("/api/v1/auth/setup", json={"name": "Ann", "password": ANN}).status_code == 204

        def sign_up(name: str, address: str) -> int:
            asked = {"name": name, "password": BOB}
            answer = app.test_client().post("/api/v1/auth/signup", json=asked, environ_base={"REMOTE_ADDR": address})
            return answer.status_code

        assert 429 in [sign_up(f"eve {n}", "198.51.100.7") for n in range(9)]
        assert sign_up("bob", "198.51.100.8") == 202
        log_in(app, "Ann", ANN)


def test_spaces_are_no_way_around_the_pauses(app: Flask, ann: FlaskClient) -> None:
    for n in range(8):
        guess(app, "Ann", f"wrong {n}")
    assert guess(app, " " * 252 + "Ann", ANN).status_code == 429
    form = {"name": " " * 253 + "Ann", "password": ANN}
    assert app.test_client().post("/login", data=form, headers=PAGE).status_code == 429


def test_the_form_keeps_how_far_back_somebody_may_look(app: Flask, ann: FlaskClient) -> None:
    vic = user(ann, "Vic", grants=[{"camera": "gate", "permissions": ["live", "playback"], "last_hours": 1}])
    boxes = {"deed": "access", "role": "viewer", "grant": ["gate:live", "gate:playback", "yard:live"]}
    assert ann.post(f"/users/{vic['id']}", data=boxes).status_code == 303
    found = ann.get(f"/api/v1/users/{vic['id']}").get_json()["grants"]
    assert [(g["camera"], g["last_hours"]) for g in found] == [("gate", 1), ("yard", None)]


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


def test_nobody_signs_up_where_it_is_closed(app: Flask, ann: FlaskClient) -> None:
    refused = app.test_client().post("/api/v1/auth/signup", json={"name": "Eve", "password": BOB})
    assert refused.status_code == 403
    assert app.test_client().get("/signup", headers=PAGE).headers["Location"] == "/login"


def test_what_was_done_is_on_record_in_pages_and_tables(core: Core, app: Flask, ann: FlaskClient) -> None:
    app.test_client().post("/api/v1/auth/login", json={"name": "Ann", "password": "not this one at all"})
    for n in range(4):
        user(ann, f"=user {n}")
    token = token_of(ann, "cameras:read")
    page = ann.get("/api/v1/audit?limit=3").get_json()
    rest = ann.get(f"/api/v1/audit?limit=500&cursor={page['next_cursor']}").get_json()
    numbers = [one["number"] for one in page["items"] + rest["items"]]
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == len(numbers) == numbers[0]
    assert [e["action"] for e in ann.get("/api/v1/audit?action=session.").get_json()["items"]] == ["session.refused"]
    table = ann.get("/api/v1/audit.csv").text
    lines = ann.get("/api/v1/audit.jsonl").text.splitlines()
    told = [json.loads(line)["number"] for line in lines]
    assert told == list(range(told[0], 0, -1))
    assert set(numbers) < set(told), "and that it was read"
    assert numbers[0] + 1 <= len(table.splitlines()) - 1 <= told[0]
    for text in (table, *lines):
        assert ANN not in text
        assert BOB not in text
        assert token not in text
        assert "not this one" not in text
    assert list(Audit(core.db).broken()) == []
    assert ann.get("/audit?cursor=x", headers=PAGE).status_code == 400
    assert ann.get("/api/v1/audit?from=neverland").status_code == 400


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


def test_pages_are_not_kept_for_the_next_at_the_same_browser(ann: FlaskClient) -> None:
    for page in ("/", "/users", "/account", "/audit", "/plates"):
        assert ann.get(page, headers=PAGE).headers["Cache-Control"] == "private, no-store", page
    assert "X-API-Key" in ann.get("/api/v1/cameras").headers["Vary"]

"""S3-2: the first user, who may sign up, and what strangers are told, over HTTP, on a real index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from account_clients import ANN, BOB, PAGE, core_with_users, first_admin, first_user, guess, log_in
from gatehouse_api.app import create_app, setup_token_of
from gatehouse_common.accounts import Role, Scope
from gatehouse_common.db import Users
from gatehouse_common.runtime import Core
from pipeline_kit import core_at


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_with_users(tmp_path / "data") as made:
        yield made


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    return first_admin(app)


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


def test_nobody_signs_up_where_it_is_closed(app: Flask, ann: FlaskClient) -> None:
    refused = app.test_client().post("/api/v1/auth/signup", json={"name": "Eve", "password": BOB})
    assert refused.status_code == 403
    assert app.test_client().get("/signup", headers=PAGE).headers["Location"] == "/login"

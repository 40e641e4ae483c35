"""S0-21: the pages of users, sessions and tokens, by forms alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from account_clients import ANN, BOB, PAGE, by, core_with_users, first_admin, log_in, token_of, user
from gatehouse_common.db import Audit
from gatehouse_common.runtime import Core


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_with_users(tmp_path / "data") as made:
        yield made


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    return first_admin(app)


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


def test_the_form_keeps_how_far_back_somebody_may_look(app: Flask, ann: FlaskClient) -> None:
    vic = user(ann, "Vic", grants=[{"camera": "gate", "permissions": ["live", "playback"], "last_hours": 1}])
    boxes = {"deed": "access", "role": "viewer", "grant": ["gate:live", "gate:playback", "yard:live"]}
    assert ann.post(f"/users/{vic['id']}", data=boxes).status_code == 303
    found = ann.get(f"/api/v1/users/{vic['id']}").get_json()["grants"]
    assert [(g["camera"], g["last_hours"]) for g in found] == [("gate", 1), ("yard", None)]


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


def test_pages_are_not_kept_for_the_next_at_the_same_browser(ann: FlaskClient) -> None:
    for page in ("/", "/users", "/account", "/audit", "/plates"):
        assert ann.get(page, headers=PAGE).headers["Cache-Control"] == "private, no-store", page
    assert "X-API-Key" in ann.get("/api/v1/cameras").headers["Vary"]

"""``/api/v1/webhooks``: made, tried, told what the api itself shows, and never showing a secret again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from standardwebhooks import Webhook as Verifier

from gatehouse_api.app import close_app, create_app, notifier_of
from gatehouse_api.webhooks.reference import example
from gatehouse_common.accounts import ROLE_SCOPES, Role, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Audit, CameraRepository, FootageWriter, Gap, Tokens, Users
from gatehouse_common.messages import GapCause
from gatehouse_common.runtime import Core
from gatehouse_common.sealing import Sealer
from gatehouse_common.timefmt import rfc3339
from pipeline_kit import START_US, add_camera, core_at
from plates_kit import indexing, settle, tell, visit
from webhook_receiver import Receiver, Reply, receiving

PATH = "/api/v1/webhooks"


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    allow = {"webhooks.allow_private": True, "webhooks.allow_http": True}
    with core_at(tmp_path / "data", **{"api.port": 0, **allow}) as made:
        made.db.sealer = Sealer("0123456789abcdef0123456789abcdef")
        add_camera(made, "gate")
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as (made,):
        yield made


def make(client: FlaskClient, url: str, **more: Any) -> dict[str, Any]:
    told = client.post(PATH, json={"url": url, **more})
    assert told.status_code == 201, told.data
    assert told.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = told.json
    return found


def send(app: Flask) -> None:
    notifier = notifier_of(app)
    for _ in range(4):
        notifier.look()
        assert notifier.join(20)


def test_a_webhook_whose_key_is_lost_says_so(client: FlaskClient, core: Core, receiver: Receiver) -> None:
    made = make(client, receiver.url, note="barrier")
    assert made["trouble"] == ""
    core.db.sealer = Sealer("f" * 32)
    shown = client.get(f"{PATH}/{made['id']}").json
    assert (shown["url"], shown["secrets"]) == ("", 0)
    assert "sealed with another key" in shown["trouble"]
    assert "restore sealing.key" in client.get("/webhooks").text
    tried = client.post(f"{PATH}/{made['id']}/test").json
    assert tried["delivered"] is False
    assert "sealed with another key" in tried["detail"]
    assert receiver.got == []
    assert client.patch(f"{PATH}/{made['id']}", json={"url": receiver.url}).json["trouble"] != ""
    new = client.post(f"{PATH}/{made['id']}/secret", json={}).json
    assert (new["trouble"], new["secrets"]) == ("", 1)
    assert client.post(f"{PATH}/{made['id']}/test").json["delivered"]
    assert Verifier(new["secret"]).verify(receiver.got[0].body, receiver.got[0].headers)["type"] == "webhook.test"


def test_a_secret_is_shown_once(client: FlaskClient, receiver: Receiver) -> None:
    made = make(client, receiver.url, note="barrier", events=["plate.*"])
    assert made["secret"].startswith("whsec_")
    one = client.get(f"{PATH}/{made['id']}")
    assert one.headers["ETag"] == one.json["etag"] == made["etag"]
    shown = one.get_data(as_text=True) + client.get(PATH).get_data(as_text=True)
    assert made["secret"] not in shown
    assert (one.json["note"], one.json["events"], one.json["secrets"]) == ("barrier", ["plate.*"], 1)


def test_a_webhook_is_tried_and_what_came_back_is_shown(client: FlaskClient, receiver: Receiver) -> None:
    made = make(client, receiver.url, active=False)
    told = client.post(f"{PATH}/{made['id']}/test").json
    assert (told["delivered"], told["status"], told["answer"], told["detail"]) == (True, 200, "ok", "")
    (got,) = receiver.got
    assert Verifier(made["secret"]).verify(got.body, got.headers)["type"] == "webhook.test"
    receiver.replies = [Reply(418, b"<teapot>")]
    told = client.post(f"{PATH}/{made['id']}/test").json
    assert (told["delivered"], told["status"], told["detail"]) == (False, 418, "it answered 418")
    receiver.close()
    told = client.post(f"{PATH}/{made['id']}/test").json
    assert (told["delivered"], told["status"]) == (False, None)
    assert "cannot be reached" in told["detail"]


def test_both_secrets_sign_while_one_takes_the_place_of_the_other(client: FlaskClient, receiver: Receiver) -> None:
    made = make(client, receiver.url)
    again = client.post(f"{PATH}/{made['id']}/secret", json={"overlap_hours": 1})
    assert again.headers["Cache-Control"] == "no-store"
    assert (again.json["secrets"], again.json["secret"] == made["secret"]) == (2, False)
    client.post(f"{PATH}/{made['id']}/test")
    for secret in (made["secret"], again.json["secret"]):
        Verifier(secret).verify(receiver.got[0].body, receiver.got[0].headers)
    stale = client.post(f"{PATH}/{made['id']}/secret", json={}, headers={"If-Match": made["etag"]})
    assert stale.status_code == 412


def test_a_webhook_is_told_of_plates_as_the_api_shows_them(
    core: Core, app: Flask, client: FlaskClient, receiver: Receiver
) -> None:
    made = make(client, receiver.url, events=["plate.detected", "plate.closed", "plate.corrected"], cameras=["gate"])
    seen, other = visit("gate", "BAB1234", START_US), visit("yard", "MXY987", START_US)
    with indexing(core):
        tell(core, seen)
        tell(core, other)
        settle(core)
    client.patch(f"/api/v1/plates/{seen.event}", json={"text": "BAB1235"})
    send(app)
    told = [Verifier(made["secret"]).verify(got.body, got.headers) for got in receiver.got]
    assert sorted(one["type"] for one in told) == ["plate.closed", "plate.corrected", "plate.detected"]
    shown = client.get(f"/api/v1/plates/{seen.event}").json
    for one in told:
        assert one["data"].keys() == example(one["type"]).keys()
        assert one["data"]["id"] == seen.event
        assert {name: one["data"][name] for name in ("text", "start_time", "links") if name in shown} == {
            name: shown[name] for name in ("text", "start_time", "links") if name in shown
        }
        assert one["data"]["text"] == "BAB1235"
        assert one["links"]["self"] == f"/api/v1/plates/{seen.event}"
        assert client.get(one["links"]["self"]).status_code == 200


@pytest.mark.parametrize("missing", ["cameras:read", "footage:read", "plates:read", "records:all"])
def test_a_token_that_does_not_see_what_webhooks_tell_sees_none(tmp_path: Path, missing: str) -> None:
    """R8: one for the settings alone could read everything by a webhook of its own, or of others."""
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as core:
        app = create_app(core)
        client = app.test_client(use_cookies=False)
        ann = Users(core.db).add("Ann", Role.ADMIN, core.clock.now_us())

        def headers(scopes: frozenset[Scope]) -> dict[str, str]:
            made = Tokens(core.db).make(ann.id, f"of {len(scopes)}", scopes, core.clock.now_us())
            return {"Authorization": f"Bearer {made.text}"}

        all_of_it = headers(ROLE_SCOPES[Role.ADMIN])
        body = {"url": "https://example.com/hook", "events": ["*"]}
        made = client.post(PATH, json=body, headers=all_of_it)
        assert made.status_code == 201
        less = headers(ROLE_SCOPES[Role.ADMIN] - {Scope(missing)})
        webhook = f"{PATH}/{made.get_json()['id']}"
        assert client.post(PATH, json=body, headers=less).status_code == 403
        assert client.get(PATH, headers=less).get_json()["items"] == []
        assert client.get(f"{webhook}/deliveries", headers=less).status_code == 404
        assert client.patch(webhook, json={"url": "https://example.org"}, headers=less).status_code == 404
        close_app(app)


def test_a_webhook_is_told_once_that_a_plate_is_on_a_list(
    core: Core, app: Flask, client: FlaskClient, receiver: Receiver
) -> None:
    """What a gate opens by: which list, of which kind, and that it is the plate to the letter."""
    made = make(client, receiver.url, events=["plate.listed"])
    lists = client.post("/api/v1/watchlists", json={"name": "Residents", "kind": "allow"}).json
    entry = client.post(f"/api/v1/watchlists/{lists['id']}/entries", json={"plate": "BAB 1234"})
    assert entry.status_code == 201, entry.text
    seen, other = visit("gate", "BAB1234", START_US), visit("gate", "MXY987", START_US + 20 * SECOND)
    with indexing(core):
        tell(core, seen)
        tell(core, other)
        settle(core)
    send(app)
    (got,) = receiver.got
    told = Verifier(made["secret"]).verify(got.body, got.headers)
    assert told["type"] == "plate.listed"
    assert told["data"].keys() == example("plate.listed").keys()
    listed = {name: told["data"][name] for name in ("list", "kind", "match", "distance", "text", "camera")}
    assert listed == {
        "list": lists["id"],
        "kind": "allow",
        "match": "exact",
        "distance": 0,
        "text": "BAB1234",
        "camera": "gate",
    }
    assert client.get(told["links"]["self"]).json["id"] == seen.event


def test_gaps_jobs_and_cameras_are_told(core: Core, app: Flask, client: FlaskClient, receiver: Receiver) -> None:
    make(client, receiver.url)
    send(app)
    gap = Gap("gate", START_US, START_US + SECOND, GapCause.CAMERA_OFFLINE.value, "no answer")
    assert FootageWriter(core.db).put_gaps(None, [gap]) == [gap]
    FootageWriter(core.db).put_gaps(None, [gap])
    CameraRepository(core.db).change("gate", enabled=False)
    notifier = notifier_of(app)
    notifier._due.clear()
    send(app)
    told = {json.loads(got.body)["type"]: json.loads(got.body)["data"] for got in receiver.got}
    assert told.keys() == {"recording.gap", "camera.disabled"}
    assert len(receiver.got) == 2
    span = {"from": rfc3339(START_US), "to": rfc3339(START_US + SECOND)}
    assert told["recording.gap"] == {"camera": "gate", **span, "cause": "camera_offline", "detail": "no answer"}
    assert told["camera.disabled"]["id"] == "gate"
    for name, data in told.items():
        assert data.keys() == example(name).keys()


def test_deliveries_are_paged_and_replayed(core: Core, app: Flask, client: FlaskClient, receiver: Receiver) -> None:
    made = make(client, receiver.url)
    gaps = [Gap("gate", START_US + n * SECOND, START_US + n * SECOND + 9, "dropped", "") for n in range(5)]
    FootageWriter(core.db).put_gaps(None, gaps)
    send(app)
    send(app)
    path = f"{PATH}/{made['id']}/deliveries"
    first = client.get(path, query_string={"limit": 3}).json
    rest = client.get(path, query_string={"limit": 3, "cursor": first["next_cursor"]}).json
    found = [*first["items"], *rest["items"]]
    assert (len({one["id"] for one in found}), rest["next_cursor"]) == (5, None)
    assert {(one["state"], one["status"], one["tries"]) for one in found} == {("delivered", 200, 1)}
    assert client.get(path, query_string={"state": "failed"}).json["items"] == []
    again = client.post(f"{path}/{found[0]['id']}/replay").json
    assert again["state"] == "waiting"
    send(app)
    assert receiver.got[-1].id == found[0]["event"]
    assert receiver.got[-1].body == found[0]["body"]


def test_the_next_try_is_when_something_is_sent_at_all(
    core: Core, app: Flask, client: FlaskClient, receiver: Receiver
) -> None:
    """Not while a webhook has asked for time, be it a day, and never while it is inactive."""
    made = make(client, receiver.url, note="barrier")
    receiver.replies = [Reply(429, headers={"Retry-After": "36000"})]
    gaps = [Gap("gate", START_US + n * SECOND, START_US + n * SECOND + 9, "dropped", "") for n in range(4)]
    FootageWriter(core.db).put_gaps(None, gaps)
    send(app)
    path = f"{PATH}/{made['id']}"
    until = client.get(path).json["held_until"]
    assert until is not None
    waiting = client.get(f"{path}/deliveries").json["items"]
    assert {one["state"] for one in waiting} == {"waiting"}
    assert all(one["next_try"] >= until for one in waiting)
    assert until in {one["next_try"] for one in waiting}, "some were not tried at all"
    words = f"{until[:10]} {until[11:16]}"
    assert f"asked to wait until {words}" in client.get("/webhooks").text
    page = client.get(f"/webhooks/{made['id']}").text
    assert f"asked to wait until {words}" in page
    assert page.count(f"next try {words}") >= 1
    client.patch(path, json={"active": False})
    assert {one["next_try"] for one in client.get(f"{path}/deliveries").json["items"]} == {None}
    page = client.get(f"/webhooks/{made['id']}").text
    assert "next try" not in page
    assert "It is inactive" in page


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"url": "ftp://example.org/"}, 400),
        ({"url": "https://user:swordfish9@example.org/"}, 400),
        ({"url": "https://169.254.169.254/"}, 400),
        ({"url": "https://example.org/", "events": ["nothing"]}, 400),
        ({"url": "https://example.org/", "events": []}, 422),
        ({"url": "https://example.org/", "cameras": ["Not A Camera"]}, 400),
        ({"url": "https://example.org/", "secret": "whsec_mine"}, 422),
        ({}, 422),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(client: FlaskClient, body: dict[str, Any], status: int) -> None:
    told = client.post(PATH, json=body)
    assert told.status_code == status
    assert b"swordfish9" not in told.data
    assert client.get(PATH).json["items"] == []


def test_changes_and_deleting(client: FlaskClient, receiver: Receiver) -> None:
    made = make(client, receiver.url)
    path = f"{PATH}/{made['id']}"
    changed = client.patch(path, json={"active": False, "cameras": ["gate"]}, headers={"If-Match": made["etag"]}).json
    assert (changed["active"], changed["cameras"]) == (False, ["gate"])
    assert client.patch(path, json={"cameras": None}).json["cameras"] is None
    assert client.patch(path, json={}).status_code == 400
    assert client.patch(path, json={"active": None}).status_code == 400
    assert client.delete(path, headers={"If-Match": made["etag"]}).status_code == 412
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(f"{path}/deliveries").status_code == 404


def test_what_was_done_is_written_down_without_secrets(core: Core, client: FlaskClient, receiver: Receiver) -> None:
    made = make(client, receiver.url)
    client.patch(f"{PATH}/{made['id']}", json={"url": receiver.url + "2"})
    client.post(f"{PATH}/{made['id']}/secret", json={})
    client.post(f"{PATH}/{made['id']}/test")
    client.delete(f"{PATH}/{made['id']}")
    entries = Audit(core.db).entries(limit=10)
    assert [entry.deed.action for entry in entries][::-1] == [
        "webhook.made",
        "webhook.changed",
        "webhook.secret.rotated",
        "webhook.tested",
        "webhook.removed",
    ]
    text = json.dumps([dict(entry.deed.detail) for entry in entries])
    assert "canary9" not in text
    assert "whsec_" not in text
    assert "http://127.0.0.1:" in text

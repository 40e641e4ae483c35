"""Media on hold over HTTP, on the page and by command: nobody deletes them until the hold is released."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from gatehouse.cli.entry import root
from gatehouse_api.app import close_app, create_app
from gatehouse_common.accounts import Role, Scope
from gatehouse_common.db import OF_NO_CAMERA, Audit, MediaTrash, RecorderSessions, Tokens
from gatehouse_common.intervals import Interval
from gatehouse_common.retention import read_copy
from gatehouse_common.retention.rules import DAY_US
from gatehouse_common.runtime import Core
from media_rows import add_file, put
from pipeline_kit import core_at
from session_kit import add_user, words


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as opened:
        yield opened


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


def film(core: Core, number: int, owner: int) -> str:
    media = put(core.db, number, owner=owner, name="gate.webm")
    add_file(core.db, media, "original", 100)
    return media.id


def test_a_held_medium_cannot_be_deleted_and_can_when_it_is_released(core: Core, client: FlaskClient) -> None:
    """C-18: over HTTP, by its number or its id; the copy beside the footage has it too."""
    ann, see = add_user(core, "Ann")
    media = film(core, 1, ann.number)
    made = client.post("/api/v1/holds", json={"media": "1", "reason": "theft"}, headers=see)
    assert made.status_code == 201, made.text
    hold = made.get_json()
    assert (hold["media"], hold["camera"], hold["clip"], hold["active"]) == (media, None, None, True)
    assert client.post("/api/v1/holds", json={"media": media, "reason": "again"}, headers=see).status_code == 201
    listed = client.get("/api/v1/holds", headers=see).get_json()
    assert ([one["media"] for one in listed["items"]], listed["held_bytes"]) == ([media, media], 100)
    assert [copied.hold.media for copied in read_copy(core.store)] == [media, media]
    refused = client.delete("/api/v1/media/1", headers=see)
    assert (refused.status_code, "on hold" in refused.get_json()["detail"]) == (409, True)
    for one in listed["items"]:
        assert client.delete(f"/api/v1/holds/{one['id']}", headers=see).status_code == 200
    assert client.delete("/api/v1/media/1", headers=see).status_code == 204


def test_what_is_in_the_trash_is_held_too_and_stays_in_it(core: Core, client: FlaskClient) -> None:
    """C-18: whoever uploaded evidence may put it there, and then the time runs in which it is deleted."""
    ann, see = add_user(core, "Ann")
    film(core, 1, ann.number)
    assert client.delete("/api/v1/media/1", headers=see).status_code == 204
    assert client.post("/api/v1/holds", json={"media": "1", "reason": "theft"}, headers=see).status_code == 201
    assert MediaTrash(core.db).since(core.clock.now_us(), core.clock.now_us(), 9) == []
    page = client.get("/library?trash=1", headers=see)
    assert "On hold: theft" in page.text
    released = client.post("/library/media/1/release", data={"trash": "1"}, headers=see)
    assert released.headers["Location"] == "/library?trash=1&done=released#media-1"
    assert len(MediaTrash(core.db).since(core.clock.now_us(), core.clock.now_us(), 9)) == 1


def test_what_is_too_old_is_taken_out_of_the_trash_only_while_it_is_held(tmp_path: Path) -> None:
    """C-10: else it would be gone for good a moment later."""
    with core_at(tmp_path / "data", **{"auth.mode": "open", "retention.upload_days": 2}) as core:
        app = create_app(core)
        client, now_us = app.test_client(), core.clock.now_us()
        put(core.db, 1, owner=0, created_us=now_us - 3 * DAY_US, ready_us=now_us - 3 * DAY_US)
        assert client.delete("/api/v1/media/1").status_code == 204
        refused = client.post("/api/v1/media/1/restore")
        assert (refused.status_code, "retention.upload_days" in refused.get_json()["detail"]) == (409, True)
        assert client.post("/api/v1/holds", json={"media": "1", "reason": "theft"}).status_code == 201
        assert client.post("/api/v1/media/1/restore").status_code == 200
        close_app(app)


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"media": "1", "camera": "gate"}, 400, "media"),
        ({"media": "1", "clip": "x"}, 400, "media"),
        ({"media": "1", "from": "2026-05-17T10:00:00Z"}, 400, "media"),
        ({"media": "1", "session": 1}, 400, "session"),
        ({"media": "2"}, 404, "medium"),
        ({"media": "../1"}, 404, "medium"),
        ({"media": "9" * 30}, 404, "medium"),
        ({"session": 99}, 404, "session"),
        ({"session": -1}, 422, "session"),
        ({"session": "x"}, 422, "session"),
    ],
)
def test_what_is_no_medium_or_two_things_is_refused(
    core: Core, client: FlaskClient, body: dict[str, object], status: int, named: str
) -> None:
    ann, see = add_user(core, "Ann")
    film(core, 1, ann.number)
    refused = client.post("/api/v1/holds", json={"reason": "theft", **body}, headers=see)
    assert refused.status_code == status, refused.text
    assert named in refused.text
    assert client.get("/api/v1/holds", headers=see).get_json()["items"] == []


def test_who_does_not_see_a_medium_holds_and_releases_none_of_it(core: Core, client: FlaskClient) -> None:
    """S4-11: with a token that may place holds, and sees no uploads but one's own."""
    ann, see = add_user(core, "Ann")
    film(core, 1, ann.number)
    hold = client.post("/api/v1/holds", json={"media": "1", "reason": "theft"}, headers=see).get_json()
    bob, _ = add_user(core, "Bob")
    holder = Tokens(core.db).make(bob.id, "holds", frozenset({Scope.HOLDS_WRITE}), core.clock.now_us())
    token = {"Authorization": f"Bearer {holder.text}"}
    assert client.post("/api/v1/holds", json={"media": "1", "reason": "mine"}, headers=token).status_code == 404
    assert client.get("/api/v1/holds", headers=token).get_json() == {"items": [], "held_bytes": 0}
    assert client.get(f"/api/v1/holds/{hold['id']}", headers=token).status_code == 404
    assert client.delete(f"/api/v1/holds/{hold['id']}", headers=token).status_code == 404


def test_the_recording_of_a_browser_is_held_by_its_session(core: Core, client: FlaskClient) -> None:
    ann, see = add_user(core, "Ann")
    span = Interval(core.clock.now_us(), core.clock.now_us() + 60_000_000)
    session = RecorderSessions(core.db).begin(ann.number, "Ann", OF_NO_CAMERA, span, 60).number
    media = put(core.db, 1, owner=ann.number, kind="recording", session=session)
    made = client.post("/api/v1/holds", json={"session": session, "reason": "theft"}, headers=see)
    assert (made.status_code, made.get_json()["media"]) == (201, media.id)


def test_on_the_page_a_medium_is_held_says_why_and_is_released(core: Core, client: FlaskClient) -> None:
    ann, see = add_user(core, "Ann")
    film(core, 1, ann.number)
    assert "On hold" not in client.get("/library", headers=see).text
    assert client.post("/library/media/1/hold", data={"reason": " "}, headers=see).status_code == 400
    held = client.post("/library/media/1/hold", data={"reason": "<b>theft</b>"}, headers=see, follow_redirects=True)
    assert "It is on hold: nobody and nothing deletes it." in words(held)
    assert "On hold: &lt;b&gt;theft&lt;/b&gt;" in held.text
    refused = client.post("/library/media/1/delete", headers=see)
    assert (refused.status_code, "on hold" in refused.text) == (409, True)
    _eve, of_eve = add_user(core, "Eve", Role.VIEWER)
    assert client.post("/library/media/1/release", headers=of_eve).status_code == 403
    released = client.post("/library/media/1/release", headers=see, follow_redirects=True)
    assert "On hold:" not in released.text
    assert client.post("/library/media/1/delete", headers=see).status_code == 303
    deeds = [entry.deed.action for entry in Audit(core.db).entries(action="hold.") if entry.deed.done]
    assert sorted(deeds) == ["hold.placed", "hold.released"]


def test_by_command_a_medium_is_held(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        media = film(core, 7, 1)
    made = CliRunner().invoke(
        root, ["hold", "add", "--media", "7", "--reason", "theft", "--json", "--data", str(tmp_path / "data")]
    )
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["media"] == media
    listed = CliRunner().invoke(root, ["hold", "list", "--data", str(tmp_path / "data")])
    assert f"medium {media}: theft" in listed.stdout
    with core_at(tmp_path / "data") as core:
        assert [copied.hold.media for copied in read_copy(core.store)] == [media]

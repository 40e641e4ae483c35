"""The routes of the recorder of sessions: names, lengths, answers and errors as its clients know them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gatehouse_api.app import create_app
from gatehouse_common.accounts import ROLE_SCOPES, Role
from gatehouse_common.db import Audit, CameraRepository, Hold, HoldRepository, RecorderSessions, Tokens, Users
from gatehouse_common.errors import Unavailable
from gatehouse_common.ids import new_id
from gatehouse_common.runtime import Core
from pipeline_kit import add_camera, core_at


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as opened:
        add_camera(opened)
        yield opened


def start(client: FlaskClient, name: str = "John Doe", **more: Any) -> Any:
    return client.post("/api/start-recording", json={"user_name": name, **more})


def store(core: Core, data: bytes = b"film") -> list[int]:
    """Make files of all that is planned, as the segmenter does."""
    sessions = RecorderSessions(core.db)
    for chunk in sessions.planned(lambda _: True):
        key = f"sessions/2026-05-17/session_20260517_102300_{chunk.number}.mp4"
        core.store.put_bytes(key, data)
        now = core.clock.now_us()
        sessions.made(replace(chunk, state="stored", key=key, bytes=len(data), stored_us=now))
    return [chunk.number for chunk in sessions.chunks()]


def test_a_recording_is_started_followed_and_stopped(core: Core, client: FlaskClient) -> None:
    """S0-22, S0-24, S0-25, S0-26."""
    assert client.get("/api/recording-status/John Doe").get_json() == {"username": "John Doe", "is_recording": False}
    started = start(client)
    assert started.status_code == 200
    body = started.get_json()
    assert body["message"] == "Recording started for user John Doe"
    assert (body["username"], body["user_name"]) == ("John Doe", "John Doe")
    assert (body["total_duration_seconds"], body["chunk_duration_seconds"], body["expected_chunks"]) == (900, 180, 5)
    assert started.headers["Deprecation"]
    again = start(client, "john doe")
    assert (again.status_code, again.get_json()) == (
        409,
        {"error": "Recording already in progress for user John Doe"},
    )
    assert start(client, "Jane").status_code == 200, "several users record at once"
    status = client.get("/api/recording-status/John%20Doe").get_json()
    assert status["is_recording"] is True
    assert 0 <= status["elapsed_seconds"] < 20
    assert (status["total_duration_seconds"], status["chunk_duration_seconds"]) == (900, 180)
    assert status["total_chunks_so_far"] == 0
    stopped = client.post("/api/stop-recording", json={"username": "John Doe"})
    assert stopped.status_code == 200
    assert stopped.get_json()["total_chunks"] == 0
    assert client.get("/api/recording-status/John Doe").get_json()["is_recording"] is False
    assert client.post("/api/stop-recording", json={"user_name": "John Doe"}).status_code == 404


BAD: list[Any] = [
    {},
    {"user_name": ""},
    {"user_name": "   "},
    {"user_name": 7},
    {"user_name": "x" * 300},
    {"user_name": "a\x00b"},
    {"user_name": "x", "total_duration_seconds": 59},
    {"user_name": "x", "total_duration_seconds": 90.5},
    {"user_name": "x", "total_duration_seconds": "900"},
    {"user_name": "x", "total_duration_seconds": True},
    {"user_name": "x", "total_duration_seconds": 10**9},
    {"user_name": "x", "chunk_duration_seconds": 29},
    {"user_name": "x", "total_duration_seconds": 100, "chunk_duration_seconds": 101},
    {"user_name": "x", "camera": 5},
    {"user_name": "x", "camera": "\ud800"},
    {"user_name": "x", "camera": "../cam"},
    {"user_name": "\ud800"},
    {"user_name": "x", "source": "browsers"},
    {"user_name": "x", "source": "browser", "beside": 7},
    {"user_name": "x", "source": "camera:"},
    {"user_name": "x", "source": "disk:cam"},
    {"user_name": "x", "source": ["camera:cam"]},
    ["user_name"],
    "user_name",
    None,
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_cannot_be_recorded_is_refused_in_a_sentence(client: FlaskClient, number: int) -> None:
    """S0-23, S0-39."""
    refused = client.post("/api/start-recording", json=BAD[number])
    assert refused.status_code == 400, refused.text
    assert set(refused.get_json()) == {"error"}
    assert refused.get_json()["error"]


def test_files_are_listed_played_and_deleted(core: Core, client: FlaskClient) -> None:
    """S0-27, S0-28, S0-29."""
    start(client, total_duration_seconds=90, chunk_duration_seconds=30)
    assert client.get("/api/videos").get_json() == {"total_chunks": 0, "chunks": []}
    assert store(core, bytes(range(256))) == [1, 2, 3]
    listed = client.get("/api/videos").get_json()
    assert listed["total_chunks"] == 3
    assert set(listed["chunks"][0]) == {
        *("id", "clip_id", "user_id", "user_name", "recording_date", "file_name", "file_path", "start_time"),
        *("end_time", "duration_seconds", "chunk_duration_seconds", "created_at"),
    }
    assert [c["clip_id"] for c in listed["chunks"]] == [1, 2, 3]
    of = client.get("/api/videos/John Doe").get_json()
    assert (of["username"], of["total_chunks"]) == ("John Doe", 3)
    assert client.get("/api/videos/nobody").get_json() == {"username": "nobody", "total_chunks": 0, "chunks": []}
    assert client.get("/api/video/2").get_json() == listed["chunks"][1]
    whole = client.get("/api/video/2/download")
    assert (whole.status_code, whole.content_type, whole.data) == (200, "video/mp4", bytes(range(256)))
    assert whole.headers["Content-Disposition"].startswith("attachment")
    assert listed["chunks"][1]["file_name"] in whole.headers["Content-Disposition"]
    part = client.get("/api/video/2/download", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, bytes(range(10, 20)))
    deleted = client.delete("/api/delete-video/2")
    assert (deleted.status_code, deleted.get_json()) == (200, {"message": "Video chunk deleted successfully"})
    for path in ("/api/video/2", "/api/video/2/download", "/api/video/77"):
        missing = client.get(path)
        assert (missing.status_code, missing.get_json()) == (404, {"error": "Video chunk not found"})
    assert client.delete("/api/delete-video/2").status_code == 404
    core.store.delete(listed["chunks"][2]["file_path"])
    gone = client.get("/api/video/3/download")
    assert (gone.status_code, gone.get_json()) == (404, {"error": "Video file not found on disk"})


def test_a_file_that_was_deleted_comes_out_of_the_trash_again(core: Core, client: FlaskClient) -> None:
    """C-18, S0-29: for a day; the file itself is where it was."""
    start(client)
    store(core)
    before = client.get("/api/video/1").get_json()
    assert client.delete("/api/delete-video/1").status_code == 200
    assert (core.data_dir / before["file_path"]).exists()
    restored = client.post("/api/v1/session-files/1/restore")
    assert (restored.status_code, restored.get_json()["name"]) == (200, before["file_name"])
    assert client.get("/api/video/1").get_json() == before
    assert client.post("/api/v1/session-files/1/restore").status_code == 404
    assert client.delete("/api/delete-video/1?purge=true").status_code == 200
    assert client.post("/api/v1/session-files/1/restore").status_code == 404


def test_what_is_on_hold_is_not_deleted(core: Core, client: FlaskClient) -> None:
    """S0-29: 409, whether it is to be purged or not, and the file plays on."""
    start(client)
    store(core, b"evidence")
    chunk = RecorderSessions(core.db).chunk(1)
    now = core.clock.now_us()
    hold = Hold(new_id(), chunk.camera, None, chunk.start_us, chunk.start_us + 1, "a case", "", None, now, "Ann")
    HoldRepository(core.db).place(hold)
    for query in ("", "?purge=true"):
        refused = client.delete(f"/api/delete-video/1{query}")
        assert (refused.status_code, "on hold" in refused.get_json()["error"]) == (409, True)
    assert client.get("/api/video/1/download").data == b"evidence"
    assert not [e for e in Audit(core.db).entries(limit=50) if e.deed.action.startswith("session_file.")]


def test_the_camera_is_the_one_that_is_named(core: Core, client: FlaskClient) -> None:
    """S0-22, C-4: `camera:` and its id; the default camera where none is."""
    add_camera(core, "yard")
    assert start(client, source="camera:yard").get_json()["camera"] == "yard"
    assert start(client, "Ann", camera="yard").get_json()["camera"] == "yard"
    assert start(client, "Bob").get_json()["camera"] == "cam"
    assert start(client, "Eve", source="camera:nowhere").status_code == 404


def test_what_is_refused_adds_no_user(core: Core, client: FlaskClient) -> None:
    """S0-4, C-11: whoever asks to stop what was never begun, or for what cannot be, is nobody."""
    assert client.post("/api/stop-recording", json={"user_name": "Nobody"}).status_code == 404
    assert start(client, "Nobody", total_duration_seconds=5).status_code == 400
    assert start(client, "Nobody", camera="nowhere").status_code == 404
    assert client.get("/api/users").get_json()["users"] == []


@pytest.mark.parametrize("number", ["0", "2147483648", "99999999999999999999999"])
def test_a_number_that_could_be_none_is_not_there(client: FlaskClient, number: str) -> None:
    """S0-28, S0-29."""
    for answer in (
        client.get(f"/api/video/{number}"),
        client.get(f"/api/video/{number}/download"),
        client.delete(f"/api/delete-video/{number}"),
    ):
        assert (answer.status_code, answer.get_json()) == (404, {"error": "Video chunk not found"})


def test_the_other_routes(client: FlaskClient) -> None:
    """S0-29b, S0-29c."""
    done = client.post("/api/init-db")
    assert (done.status_code, done.get_json()) == (200, {"message": "Database initialized successfully"})
    assert client.get("/api/health").status_code == 200
    start(client, "Ann")
    assert client.get("/api/users/Ann").get_json()["username"] == "Ann"
    assert client.get("/api/users/Bob").status_code == 404
    assert client.get("/api/users").get_json()["total_users"] == 1
    assert client.get("/api/nothing").get_json().keys() == {"error"}
    assert client.get("/api/v1/nothing").content_type == "application/problem+json"


def test_without_a_camera_a_browser_records(tmp_path: Path) -> None:
    """C-4."""
    with core_at(tmp_path / "data") as core:
        begun = start(create_app(core).test_client())
        assert begun.status_code == 200, begun.text
        told = begun.get_json()
        assert (told["source"], told["camera"], told["upload_url"]) == ("browser", "", "/api/v1/uploads")


def test_where_people_are_known_each_records_in_their_own_name(tmp_path: Path) -> None:
    """C-11."""
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as core:
        add_camera(core)
        client = create_app(core).test_client()
        now = core.clock.now_us()

        def shown(name: str, role: Role) -> dict[str, str]:
            user = Users(core.db).add(name, role, now, all_cameras=True)
            token = Tokens(core.db).make(user.id, name, ROLE_SCOPES[role], now)
            return {"X-API-Key": token.text}

        ann, bob = shown("Ann", Role.OPERATOR), shown("Bob", Role.OPERATOR)
        root, vic = shown("Root", Role.ADMIN), shown("Vic", Role.VIEWER)
        assert client.post("/api/start-recording", json={"user_name": "Ann"}).status_code == 401
        assert client.post("/api/start-recording", json={"user_name": "Ann"}, headers=vic).status_code == 403
        assert client.post("/api/start-recording", json={"user_name": "Bob"}, headers=ann).status_code == 403
        assert client.post("/api/start-recording", json={"user_name": "ann"}, headers=ann).status_code == 200
        assert client.post("/api/start-recording", json={"user_name": "Bob"}, headers=root).status_code == 200
        assert client.post("/api/start-recording", json={"user_name": "Eve"}, headers=root).status_code == 404
        assert client.post("/api/stop-recording", json={"user_name": "Bob"}, headers=ann).status_code == 403
        assert store(core)
        assert client.get("/api/videos", headers=ann).get_json()["total_chunks"] == 10, "operators see all records"
        assert client.delete("/api/delete-video/6", headers=ann).status_code == 403
        assert client.delete("/api/delete-video/6", headers=bob).status_code == 200
        assert client.delete("/api/delete-video/1", headers=root).status_code == 200


def test_who_does_not_see_the_camera_does_not_stop_its_session(tmp_path: Path) -> None:
    """C-11: a token for another camera is told of none, and stops none."""
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as core:
        add_camera(core)
        client = create_app(core).test_client()
        now = core.clock.now_us()
        ann = Users(core.db).add("Ann", Role.OPERATOR, now)
        whole = Tokens(core.db).make(ann.id, "all", ROLE_SCOPES[Role.OPERATOR], now)
        other = Tokens(core.db).make(ann.id, "yard", ROLE_SCOPES[Role.OPERATOR], now, cameras=["yard"])
        shown = {"X-API-Key": other.text}
        started = client.post("/api/start-recording", json={"user_name": "Ann"}, headers={"X-API-Key": whole.text})
        assert started.status_code == 200
        assert client.get("/api/recording-status/Ann", headers=shown).get_json()["is_recording"] is False
        assert client.post("/api/stop-recording", json={"user_name": "Ann"}, headers=shown).status_code == 404
        assert RecorderSessions(core.db).active(ann.number, core.clock.now_us()) is not None


def test_where_nothing_is_deleted_nothing_is_purged(tmp_path: Path) -> None:
    """S0-29: it is not said to be gone while it stays for ever."""
    with core_at(tmp_path / "data", **{"retention.enabled": False}) as core:
        add_camera(core)
        client = create_app(core).test_client()
        start(client)
        store(core)
        assert client.delete("/api/delete-video/1?purge=true").status_code == 409
        assert client.delete("/api/delete-video/1").status_code == 200


def test_whom_a_session_named_does_not_close_the_first_set_up(tmp_path: Path) -> None:
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        assert start(create_app(core).test_client()).status_code == 200
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as core:
        client = create_app(core).test_client()
        first = {"name": "Ann", "password": "winter copper lantern 9"}
        assert client.post("/api/v1/auth/setup", json=first).status_code == 204
        assert client.post("/api/v1/auth/setup", json={**first, "name": "Eve"}).status_code == 409


def test_nothing_is_recorded_of_which_it_cannot_be_written_down_who_did_it(
    core: Core, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S0-22, S0-25: neither begun nor stopped; with the deed the session, or none of both."""

    def refuse(*_: object) -> None:
        raise Unavailable("the disk of the log is full")

    with monkeypatch.context() as broken:
        broken.setattr(Audit, "write_with", refuse)
        assert start(client, "Ann").status_code == 503
    assert client.get("/api/recording-status/Ann").get_json()["is_recording"] is False
    assert RecorderSessions(core.db).planned(lambda _: True) == []
    assert start(client, "Ann").status_code == 200
    with monkeypatch.context() as broken:
        broken.setattr(Audit, "write_with", refuse)
        assert client.post("/api/stop-recording", json={"user_name": "Ann"}).status_code == 503
    assert client.get("/api/recording-status/Ann").get_json()["is_recording"] is True
    assert client.post("/api/stop-recording", json={"user_name": "Ann"}).status_code == 200
    deeds = [one.deed.action for one in Audit(core.db).entries(action="recorder_session.")]
    assert deeds == ["recorder_session.stopped", "recorder_session.started"]


def test_a_camera_that_is_off_adds_no_user(core: Core, client: FlaskClient) -> None:
    """S0-4."""
    CameraRepository(core.db).change(CameraRepository(core.db).list()[0].id, enabled=False)
    assert start(client, "Ann").status_code == 409
    assert client.get("/api/users").get_json()["users"] == []


def test_whom_a_session_named_sees_no_camera_once_people_are_known(tmp_path: Path) -> None:
    """C-11, S0-21: a name that anybody typed is no grant, also not by a proxy that knows somebody of that name."""
    with core_at(tmp_path / "data") as core:
        add_camera(core)
        assert start(create_app(core).test_client(), "Eve").status_code == 200
    proxied = {"auth.mode": "proxy", "auth.proxy_secret": "between them", "api.trusted_proxies": "127.0.0.1"}
    with core_at(tmp_path / "data", **proxied) as core:
        client = create_app(core).test_client()
        named = {"X-Forwarded-User": "Eve", "X-Gatehouse-Proxy-Secret": "between them"}
        assert client.get("/api/v1/auth/me", headers=named).get_json()["cameras"] == []

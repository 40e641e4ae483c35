"""Sessions that are recorded in a browser, by the api: begun, followed, stopped; their files for whom they are."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from gatehouse_common.accounts import ROLE_SCOPES, Role
from gatehouse_common.clock import SECOND
from gatehouse_common.db import BrowserSessions, RecorderSessions, Tokens, Users
from gatehouse_common.db.media_models import MediaRow
from gatehouse_common.db.session_models import RecorderSessionRow
from gatehouse_common.db.upload_models import UploadRow
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Core
from pipeline_kit import add_camera, core_at
from session_kit import FILM, add_user, words

TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local", "uploads.least_free_gib": 0}) as opened:
        add_camera(opened, "gate")
        yield opened


def begin(client: FlaskClient, see: dict[str, str], name: str, **more: Any) -> dict[str, Any]:
    asked = {"user_name": name, "source": "browser", "total_duration_seconds": 60, "chunk_duration_seconds": 30, **more}
    answer = client.post("/api/start-recording", json=asked, headers=see)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def stored(core: Core, session_id: str, extension: str = "mp4") -> list[int]:
    """Files of a session as the transcoder makes them; return their numbers."""
    session = BrowserSessions(core.db).of_id(session_id)
    at = session.start_us
    parts = [Interval(at, at + 30 * SECOND), Interval(at + 30 * SECOND, at + 50 * SECOND)]
    chunks = BrowserSessions(core.db).plan(session, 1, parts, core.clock.now_us())
    for one in chunks:
        key = f"sessions/2026-05-17/session_{one.number}.{extension}"
        core.store.put_bytes(key, FILM)
        assert RecorderSessions(core.db).made(replace(one, state="stored", key=key, bytes=len(FILM), stored_us=at))
    return [one.number for one in chunks]


def test_a_session_in_a_browser_is_begun_followed_and_stopped(core: Core, client: FlaskClient) -> None:
    """C-4, S0-22, S0-24, S0-26: no camera, and where to send what is recorded."""
    _, see = add_user(core, "Ann", cameras=())
    told = begin(client, see, "Ann")
    assert (told["source"], told["camera"], told["expected_chunks"]) == ("browser", "", 2)
    again = client.post("/api/start-recording", json={"user_name": "Ann", "source": "browser"}, headers=see)
    assert (again.status_code, again.get_json()) == (409, {"error": "Recording already in progress for user Ann"})
    beside = begin(client, see, "Ann", beside=told["session_id"])
    assert beside["session_id"] != told["session_id"]
    wrong = client.post(
        "/api/start-recording", json={"user_name": "Ann", "source": "browser", "beside": "none"}, headers=see
    )
    assert wrong.status_code == 404
    status = client.get("/api/recording-status/Ann", headers=see).get_json()
    assert (status["is_recording"], status["bytes_received"], status["total_chunks_so_far"]) == (True, 0, 0)
    for is_recording in (True, False):
        assert client.post("/api/stop-recording", json={"user_name": "Ann"}, headers=see).status_code == 200
        assert client.get("/api/recording-status/Ann", headers=see).get_json()["is_recording"] is is_recording
    assert RecorderSessions(core.db).planned(lambda _: True) == []


def test_the_session_that_is_named_is_stopped_and_no_other(core: Core, client: FlaskClient) -> None:
    """S0-24: a screen beside a camera, in whichever order they end; others' are not there to be stopped."""
    _, see = add_user(core, "Ann", cameras=())
    _, bob = add_user(core, "Bob", cameras=())
    first = begin(client, see, "Ann")["session_id"]
    second = begin(client, see, "Ann", beside=first)["session_id"]

    def status(session: str) -> dict[str, Any]:
        found = client.get("/api/recording-status/Ann", query_string={"session_id": session}, headers=see).get_json()
        return {key: found.get(key) for key in ("is_recording", "was_stopped")}

    def stop(session: str, name: str = "Ann", who: dict[str, str] = see) -> int:
        asked = {"user_name": name, "session_id": session}
        return client.post("/api/stop-recording", json=asked, headers=who).status_code

    goes_on, stopped = ({"is_recording": True, "was_stopped": None}, {"is_recording": False, "was_stopped": True})
    assert (stop(first, "Bob", bob), stop("none"), stop(cast("str", 5))) == (404, 404, 400)
    for _ in range(2):  # again, as by a page that does not know whether it was heard
        assert stop(first) == 200
        assert (status(first), status(second)) == (stopped, goes_on)
    assert status("none")["is_recording"] is False
    with core.db.begin() as c:
        c.execute(update(RecorderSessionRow).values(ends_us=core.clock.now_us()))
    assert status(second) == {"is_recording": False, "was_stopped": False}


def test_what_is_sent_is_the_recording_of_a_session_of_ones_own(core: Core, client: FlaskClient) -> None:
    """S0-26, S4-11: counted while it comes; who names a session of another has a file, and no recording."""
    _, see = add_user(core, "Ann", cameras=())
    _, bob = add_user(core, "Bob", cameras=())
    told = begin(client, see, "Ann")
    named = "session " + _base64(told["session_id"]) + ",filename " + _base64("camera.webm")
    film = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + bytes(5000)
    for shown in (see, bob):
        made = client.post(
            told["upload_url"], headers={**shown, **TUS, "Upload-Defer-Length": "1", "Upload-Metadata": named}
        )
        assert made.status_code == 201, made.text
        ends = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        sent = client.patch(made.headers["Location"], data=film, headers={**shown, **TUS, **ends})
        assert sent.status_code == 204, sent.text
        if shown is see:
            assert client.get("/api/recording-status/Ann", headers=see).get_json()["bytes_received"] == len(film)
        last = {**ends, "Upload-Offset": str(len(film)), "Upload-Length": str(len(film))}
        assert client.patch(made.headers["Location"], headers={**shown, **TUS, **last}).status_code == 204
    with core.db.look() as c:
        found = [tuple(row) for row in c.execute(select(MediaRow.owner_name, MediaRow.kind, MediaRow.session))]
    number = BrowserSessions(core.db).of_id(told["session_id"]).number
    assert found == [("Ann", "recording", number), ("Bob", "upload", None)]


def test_an_admin_records_in_the_name_of_another(core: Core, client: FlaskClient) -> None:
    """S0-4: what is sent for whom it is, is the recording of their session."""
    add_user(core, "Ann", cameras=())
    _, eve = add_user(core, "Eve", Role.ADMIN)
    told = begin(client, eve, "Ann")
    named = f"session {_base64(told['session_id'])},username {_base64('Ann')},filename {_base64('camera.webm')}"
    film = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + bytes(5000)
    head = {**eve, **TUS, "Upload-Metadata": named, "Upload-Length": str(len(film))}
    made = client.post(told["upload_url"], headers=head)
    ends = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert client.patch(made.headers["Location"], data=film, headers={**eve, **TUS, **ends}).status_code == 204
    with core.db.look() as c:
        found = [tuple(row) for row in c.execute(select(MediaRow.owner_name, MediaRow.kind))]
    assert found == [("Ann", "recording")]


def test_what_became_of_a_recording_is_told_with_its_last_bytes(core: Core, client: FlaskClient) -> None:
    """S0-10: when it began after it was asked for, its pauses, and that it broke off."""
    _, see = add_user(core, "Ann", cameras=())
    told = begin(client, see, "Ann")
    named = f"session {_base64(told['session_id'])},started_after_ms {_base64('740')}"
    head = {**see, **TUS, "Upload-Defer-Length": "1", "Upload-Metadata": named}
    made = client.post(told["upload_url"], headers=head)
    film = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + bytes(5000)
    more = {**see, **TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    for wrong in ("5", "5+6+7", "-1+2", "1+2 " * 501):
        answer = client.patch(
            made.headers["Location"], data=film, headers={**more, "Upload-Metadata": f"pauses {_base64(wrong)}"}
        )
        assert answer.status_code == 400
    last = {
        "Upload-Length": str(len(film)),
        "Upload-Metadata": f"pauses {_base64('5000+1500 9000+20')},interrupted MQ==",
    }
    assert client.patch(made.headers["Location"], data=film, headers={**more, **last}).status_code == 204
    with core.db.look() as c:
        facts = c.execute(select(UploadRow.facts)).scalar_one()
    assert facts["started_after_ms"] == 740
    assert facts["interrupted"] is True
    assert facts["pauses"] == [{"at_ms": 5000, "lasted_ms": 1500}, {"at_ms": 9000, "lasted_ms": 20}]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_files_of_a_browser_are_for_their_user_and_for_who_may_see_all(core: Core, client: FlaskClient) -> None:
    """S0-27, S0-28, S4-11: whatever cameras somebody was granted."""
    _, ann = add_user(core, "Ann", cameras=())
    _, bob = add_user(core, "Bob", Role.UPLOADER)  # all cameras, and own recordings
    admin = Users(core.db).add("Eve", Role.ADMIN, core.clock.now_us(), all_cameras=True)
    eve = {"X-API-Key": Tokens(core.db).make(admin.id, "Eve", ROLE_SCOPES[Role.ADMIN], core.clock.now_us()).text}
    numbers = stored(core, begin(client, ann, "Ann")["session_id"], "webm")
    for see, count in ((ann, 2), (bob, 0), (eve, 2)):
        assert client.get("/api/videos", headers=see).get_json()["total_chunks"] == count
        there = 200 if count else 404
        assert client.get(f"/api/video/{numbers[0]}", headers=see).status_code == there
        got = client.get(f"/api/video/{numbers[0]}/download", headers=see)
        assert got.status_code == there
        if count:
            assert (got.data, got.content_type) == (FILM, "video/webm")
        page = words(client.get("/library?camera=browser%3A", headers=see))
        assert (f"session_{numbers[0]}.webm" in page) is bool(count)
        assert f"session_{numbers[0]}" not in words(client.get("/library?camera=gate", headers=see))
    shown = words(client.get("/record", headers=ann))
    assert "The last recording of Ann" in shown
    assert client.delete(f"/api/delete-video/{numbers[0]}", headers=bob).status_code == 404
    assert client.delete(f"/api/delete-video/{numbers[0]}", headers=ann).status_code == 200
    assert client.get("/api/videos", headers=ann).get_json()["total_chunks"] == 1
    assert client.post(f"/api/v1/session-files/{numbers[0]}/restore", headers=ann).status_code == 200
    assert client.get("/api/videos", headers=ann).get_json()["total_chunks"] == 2

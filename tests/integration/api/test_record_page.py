"""The recording page: who may record in which name, what is refused beside which field, how far a recording is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gatehouse_api.app import close_app, create_app
from gatehouse_common.accounts import Role
from gatehouse_common.clock import SECOND
from gatehouse_common.db import RecorderSessions, Users
from gatehouse_common.runtime import Core
from pipeline_kit import add_camera, core_at
from session_kit import add_user, begin, store_files, words


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as opened:
        for camera in ("gate", "yard"):
            add_camera(opened, camera)
        yield opened


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


def start(client: FlaskClient, see: dict[str, str], **fields: str) -> Any:
    form = {"name": "Ann", "camera": "gate", "total": "15", "chunk": "3", "deed": "start", **fields}
    return client.post("/record", data=form, headers=see)


def wrong(page: Any) -> tuple[str, str]:
    """The field that is marked as wrong, and what is said beside it."""
    found = re.search(r'name="(\w+)"[^>]*aria-invalid="true"', page.text)
    said = re.search(r'<span class="problem" id="wrong" role="alert">([^<]+)', page.text)
    return (found[1] if found else "", said[1] if said else "")


def test_a_recording_is_started_followed_and_stopped(core: Core, client: FlaskClient) -> None:
    """S0-9, S0-10, S0-14, S0-16: elapsed of total, which file of how many, one bar each, after a reload as well."""
    ann, see = add_user(core, "Ann")
    form = client.get("/record", headers=see)
    assert form.status_code == 200
    assert re.search(r'name="name" value="Ann"[^>]* readonly', form.text), "the name is that of the account"
    assert 'name="total" inputmode="decimal" value="15"' in form.text
    assert 'name="chunk" inputmode="decimal" value="3"' in form.text
    assert '<img id="live" src="/live/gate.mjpg"' in form.text
    assert '<option value="yard">yard' in form.text
    assert "webcam" not in form.text.lower(), "this page does not promise what it cannot do"
    begun = start(client, see, camera="yard", total="10", chunk="2,5")
    assert (begun.status_code, begun.headers["Location"]) == (303, "/record")
    session = RecorderSessions(core.db).active(ann.number, core.clock.now_us())
    assert session is not None
    assert (session.camera, session.total_seconds, session.chunk_seconds) == ("yard", 600, 150)
    for _ in range(2):
        going = client.get("/record", headers=see)
        assert re.search(r'id="elapsed">00:0\d</span> / 10:00', going.text)
        assert "chunk 1 of 4" in going.text
        assert [*re.findall(r'<li data-state="(\w+)"', going.text)] == ["recording", "waiting", "waiting", "waiting"]
        assert 'src="/live/yard.mjpg"' in going.text
    again = start(client, see)
    assert again.status_code == 409
    assert "Recording already in progress for user Ann" in words(again)
    stopped = client.post("/record", data={"deed": "stop", "name": "Ann"}, headers=see)
    assert stopped.status_code == 303
    store_files(core)
    done = client.get("/record", headers=see)
    assert "The last recording of Ann" in done.text
    assert 'src="/api/video/1/download"' in done.text
    assert ">Start<" in done.text
    assert client.post("/record", data={"deed": "stop"}, headers=see).status_code == 404


def test_bars_say_what_is_recorded_being_saved_and_saved(core: Core, client: FlaskClient) -> None:
    """S0-10."""
    ann, see = add_user(core, "Ann")
    begin(core, ann, "gate", core.clock.now_us() - 75 * SECOND, total_s=150, chunk_s=30)
    page = client.get("/record", headers=see)
    states = re.findall(r'<li data-state="(\w+)"><span class="quiet">', page.text)
    assert states == ["saving", "saving", "recording", "waiting", "waiting"]
    assert re.search(r'id="elapsed">01:1[5-9]</span> / 02:30', page.text)
    assert "chunk 3 of 5" in page.text


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"total": "0.9"}, "total", "1 to 1440 minutes"),
        ({"total": "1441"}, "total", "1 to 1440 minutes"),
        ({"total": "nan"}, "total", "1 to 1440 minutes"),
        ({"total": "inf"}, "total", "1 to 1440 minutes"),
        ({"total": ""}, "total", "as a number"),
        ({"total": "ten"}, "total", "as a number"),
        ({"total": "1" * 5000}, "total", "minutes"),
        ({"chunk": "0.4"}, "chunk", "0.5 to 60 minutes"),
        ({"chunk": "61", "total": "120"}, "chunk", "0.5 to 60 minutes"),
        ({"chunk": "16"}, "chunk", "longer than the recording"),
        ({"camera": ""}, "camera", "choose a camera"),
    ],
)
def test_what_cannot_be_recorded_is_told_beside_its_field(
    core: Core, client: FlaskClient, fields: dict[str, str], field: str, says: str
) -> None:
    """S0-14, S0-23, S0-39: and what was written stays in the form."""
    ann, see = add_user(core, "Ann")
    refused = start(client, see, **fields)
    assert refused.status_code == 400
    assert wrong(refused)[0] == field
    assert says.lower() in wrong(refused)[1].lower()
    assert RecorderSessions(core.db).active(ann.number, core.clock.now_us()) is None


@pytest.mark.parametrize("camera", ["nowhere", "yard", "../x", "\x00", "<script>"])
def test_a_camera_that_is_not_there_is_refused_and_not_named(core: Core, client: FlaskClient, camera: str) -> None:
    """S0-16: one that was not granted is as one that never was."""
    _, see = add_user(core, "Gil", cameras=("gate",))
    refused = start(client, see, camera=camera)
    assert refused.status_code == 404
    assert "There is no camera" in words(refused)
    assert "<script>" not in refused.text
    assert "yard" not in client.get("/record", headers=see).text


def test_nobody_records_in_the_name_of_another_who_may_not(core: Core, client: FlaskClient) -> None:
    """C-11: the name in the form is not what decides; an admin may choose one."""
    ann, _ = add_user(core, "Ann")
    gil, see = add_user(core, "Gil")
    assert start(client, see, name="Ann").status_code == 303
    sessions, now = RecorderSessions(core.db), core.clock.now_us()
    assert sessions.active(ann.number, now) is None
    assert sessions.active(gil.number, now) is not None
    _, admin = add_user(core, "Ada", Role.ADMIN)
    form = client.get("/record", headers=admin)
    assert re.search(r'name="name" value="Ada"(?![^>]*readonly)', form.text)
    begun = start(client, admin, name="Ann")
    assert begun.headers["Location"] == "/record?name=Ann"
    assert sessions.active(ann.number, now + SECOND) is not None
    assert "Recording" in words(client.get(begun.headers["Location"], headers=admin))
    unknown = start(client, admin, name="Nobody")
    assert unknown.status_code == 404
    twice = start(client, admin, name="Ann")
    assert twice.status_code == 409
    assert "already" in words(twice)


def test_where_nobody_is_known_any_name_records_and_a_refused_one_is_not_kept(tmp_path: Path) -> None:
    """S0-9, C-11: ``auth.mode = "open"``."""
    with core_at(tmp_path / "open") as core:
        add_camera(core, "gate")
        app = create_app(core)
        client = app.test_client()
        empty = start(client, {}, name=" ")
        assert (empty.status_code, wrong(empty)[0]) == (400, "name")
        assert start(client, {}, name="New", total="0").status_code == 400
        assert Users(core.db).named("New") is None
        begun = start(client, {}, name="Élodie & Co")
        assert (begun.status_code, begun.headers["Location"]) == (303, "/record?name=%C3%89lodie+%26+Co")
        assert "Élodie & Co" in words(client.get(begun.headers["Location"]))
        close_app(app)


def test_the_page_is_the_root_where_the_settings_say_so(tmp_path: Path) -> None:
    """S0-9, C-1: ``compat_root = "record"``."""
    with core_at(tmp_path / "root", **{"api.compat_root": "record"}) as core:
        add_camera(core, "gate")
        app = create_app(core)
        root = app.test_client().get("/", headers={"Accept": "text/html"})
        assert root.status_code == 200
        assert 'action="/record"' in root.text
        close_app(app)


def test_without_a_camera_the_page_says_what_to_do(tmp_path: Path) -> None:
    """S0-9: the browser has a camera perhaps; its scripts find it."""
    with core_at(tmp_path / "none") as core:
        app = create_app(core)
        page = app.test_client().get("/record")
        assert page.status_code == 200
        assert "There is no camera that you could record" in page.text
        assert "let it run the scripts of this page" in page.text
        close_app(app)

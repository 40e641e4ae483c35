"""The page of one live picture, as it is without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gatehouse_common.accounts import Role
from gatehouse_common.db import RecorderSessions, Viewings, Watcher
from gatehouse_common.runtime import Core
from pipeline_kit import add_camera, core_at
from session_kit import add_user, words


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": "local"}) as opened:
        add_camera(opened, "gate")
        yield opened


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


def test_the_picture_is_an_image_and_the_button_a_form(core: Core, client: FlaskClient) -> None:
    """S3-3, S3-7: login required; a button records this session, and stops it."""
    ann, see = add_user(core, "Ann")
    assert client.get("/view/gate").status_code == 401
    page = client.get("/view/gate", headers=see)
    assert page.status_code == 200
    found = re.search(r'<img id="live" src="/live/gate\.mjpg\?viewing=([0-9a-f-]{36})"', page.text)
    assert found is not None
    form = {"viewing": found[1], "deed": "start"}
    early = client.post("/view/gate/record", data=form, headers=see)
    assert early.status_code == 404, "its stream has not begun"
    assert found[1] in early.text, "and the page goes on with the same viewing"
    Viewings(core.db).open(Watcher(ann.number, "Ann", "gate", "127.0.0.1", found[1]), core.clock.now_us())
    begun = client.post("/view/gate/record", data=form, headers=see)
    assert begun.status_code == 303
    going = client.get(begun.headers["Location"], headers=see)
    assert "Recording 0:0" in words(going)
    assert "Stop recording" in going.text
    assert f"?viewing={found[1]}" in going.text
    session = Viewings(core.db).named(found[1]).session
    assert session is not None
    assert RecorderSessions(core.db).get(session).stopped_us is None
    stopped = client.post("/view/gate/record", data={**form, "deed": "stop"}, headers=see)
    assert stopped.status_code == 303
    assert RecorderSessions(core.db).get(session).stopped_us is not None
    assert "Record this session" in client.get(stopped.headers["Location"], headers=see).text


def test_who_may_not_record_has_no_button(core: Core, client: FlaskClient) -> None:
    """S3-7."""
    _, see = add_user(core, "Vic", Role.VIEWER)
    page = client.get("/view/gate", headers=see)
    assert page.status_code == 200
    assert "Record this session" not in page.text
    assert client.post("/view/gate/record", data={"deed": "start"}, headers=see).status_code == 403


@pytest.mark.parametrize("viewing", ["", "x", "../..", "<script>", "\x00", "0" * 5000])
def test_a_viewing_that_is_none_is_refused(core: Core, client: FlaskClient, viewing: str) -> None:
    """S0-39."""
    _, see = add_user(core, "Ann")
    refused = client.post("/view/gate/record", data={"viewing": viewing, "deed": "start"}, headers=see)
    assert refused.status_code == 404
    assert "<script>" not in refused.text
    assert client.get("/view/nowhere", headers=see).status_code == 404

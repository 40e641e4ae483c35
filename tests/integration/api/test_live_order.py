"""In which order somebody has put the cameras of the live page: one's own, on every device."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gatehouse_api.app import close_app, create_app
from gatehouse_common.accounts import Role
from gatehouse_common.db import CameraRepository, Users
from gatehouse_common.runtime import Core
from pipeline_kit import add_camera, core_at
from session_kit import add_user

ORDER = "/api/v1/live/order"
CAMERAS = ("attic", "gate", "shed", "yard")


@pytest.fixture(params=["local", "open"])
def core(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Core]:
    with core_at(tmp_path / "data", **{"auth.mode": request.param}) as opened:
        for camera in CAMERAS:
            add_camera(opened, camera)
        yield opened


@pytest.fixture
def client(core: Core) -> Iterator[FlaskClient]:
    app = create_app(core)
    yield app.test_client(use_cookies=False)
    close_app(app)


def put(client: FlaskClient, see: dict[str, str], *cameras: str) -> list[str]:
    answer = client.put(ORDER, json={"cameras": list(cameras)}, headers=see)
    assert answer.status_code == 200
    found: list[str] = answer.get_json()["cameras"]
    return found


def on_page(client: FlaskClient, see: dict[str, str]) -> list[str]:
    page = client.get("/live", headers=see).text
    return re.findall(r'class="tile" data-camera="(\w+)"', page)


def order(client: FlaskClient, see: dict[str, str]) -> Any:
    return client.get(ORDER, headers=see).get_json()["cameras"]


def test_an_order_is_kept_and_the_page_has_it(core: Core, client: FlaskClient) -> None:
    """S3-16: also where nobody has to be known; what came since is at the end, what is gone is left out."""
    _, see = add_user(core, "Ada")
    assert order(client, see) == on_page(client, see) == [*CAMERAS]
    assert put(client, see, "yard", "attic", "nowhere", "yard") == ["yard", "attic", "gate", "shed"]
    assert order(client, see) == on_page(client, see) == ["yard", "attic", "gate", "shed"]
    CameraRepository(core.db).remove("attic")
    add_camera(core, "barn")
    assert on_page(client, see) == ["yard", "barn", "gate", "shed"]
    assert put(client, see) == on_page(client, see) == ["barn", "gate", "shed", "yard"]


@pytest.mark.parametrize("core", ["local"], indirect=True)
def test_an_order_is_ones_own_and_tells_of_no_other_camera(core: Core, client: FlaskClient) -> None:
    """S0-21, S3-16."""
    ada, see = add_user(core, "Ada", Role.ADMIN)
    _, bob = add_user(core, "Bob", cameras=("gate", "yard"))
    users = Users(core.db)
    before = users.get(ada.id).tag
    put(client, see, "shed", "yard")
    assert on_page(client, bob) == ["gate", "yard"]
    assert put(client, bob, "shed", "yard", "attic") == ["yard", "gate"]
    assert on_page(client, bob) == ["yard", "gate"]
    assert on_page(client, see) == ["shed", "yard", "attic", "gate"]
    assert client.put(ORDER, json={"cameras": []}).status_code == 401
    _, uploader = add_user(core, "Eve", Role.UPLOADER)
    assert client.put(ORDER, json={"cameras": []}, headers=uploader).status_code == 403
    assert users.get(ada.id).tag == before, "an admin who changes the user has not been overtaken"
    users.remember(ada.id, {"theme": "dark"})
    assert on_page(client, see) == ["shed", "yard", "attic", "gate"]
    assert set(users.get(ada.id).settings) == {"camera_order", "theme"}


@pytest.mark.parametrize("body", [{}, {"cameras": "gate"}, {"cameras": [1]}, {"cameras": ["x"] * 1001}, {"order": []}])
def test_what_is_no_order_is_refused(core: Core, client: FlaskClient, body: dict[str, Any]) -> None:
    """S0-39."""
    _, see = add_user(core, "Ada")
    put(client, see, "yard")
    assert client.put(ORDER, json=body, headers=see).status_code == 422
    assert order(client, see)[0] == "yard"

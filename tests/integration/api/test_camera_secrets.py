"""S0-40: no answer tells what stands in the URL of a camera, under whatever name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.messages import CameraState, CameraStatus
from gatehouse_common.observability import camera_secrets, secrets
from gatehouse_common.runtime import Core
from pipeline_kit import core_at

CANARY = "c4nary-pass"
URL = f"http://192.0.2.1/v.cgi?loginuse=admin&loginpas={CANARY}&channel=1"
SHOWN = "http://192.0.2.1/v.cgi?loginuse=***&loginpas=***&channel=1"


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", ())
    monkeypatch.setattr(camera_secrets, "_done", set())


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as opened:
        yield opened


def test_a_camera_that_this_process_never_recorded(core: Core, client: FlaskClient) -> None:
    """Nobody has registered its URL: the answer itself must know what may be shown."""
    CameraRepository(core.db).add(Camera("gate", URL, enabled=False))
    status = CameraStatus(
        camera="gate", time_us=1, since_us=1, state=CameraState.RECONNECTING, detail=f"{URL}: refused, {CANARY}"
    )
    CameraRepository(core.db).report(status)
    for path in (
        "/api/v1/timeline?from=1715941380&to=1715941390",
        "/api/v1/cameras",
        "/api/v1/cameras/gate",
        "/readyz",
    ):
        answer = client.get(path)
        assert answer.status_code == 200
        assert CANARY not in answer.get_data(as_text=True), path
    assert client.get("/api/v1/cameras/gate").get_json()["url"] == SHOWN


def test_adding_changing_and_every_refusal(client: FlaskClient) -> None:
    made = client.post("/api/v1/cameras", json={"id": "gate", "url": URL})
    assert made.status_code == 201
    assert made.get_json()["url"] == SHOWN
    other = URL.replace("192.0.2.1", "192.0.2.2")
    for method, path, body in (
        ("POST", "/api/v1/cameras", {"id": "gate", "url": URL}),
        ("PATCH", "/api/v1/cameras/gate", {"url": other}),
        ("PATCH", "/api/v1/cameras/gate", {"url": "ftp" + other}),
        ("PATCH", f"/api/v1/cameras/{CANARY}", {"url": other}),
        ("POST", "/api/v1/cameras", {"id": CANARY.upper(), "url": other}),
        ("POST", "/api/v1/cameras", {"id": f"{CANARY} ", "url": other}),
        ("POST", "/api/v1/cameras", {"id": "x", "url": [other]}),
    ):
        answer = client.open(path, method=method, json=body)
        assert CANARY not in answer.get_data(as_text=True), (method, path, body)


def test_no_file_of_the_installation_has_the_password_of_a_camera(core: Core, client: FlaskClient) -> None:
    """S0-40: the index, its journal, and whatever else lies beside it."""
    new = {"id": "gate", "url": f"rtsp://admin:{CANARY}@192.0.2.1/1", "enabled": False}
    assert client.post("/api/v1/cameras", json=new).status_code == 201
    assert client.patch("/api/v1/cameras/gate", json={"url": f"http://192.0.2.1/v?pwd={CANARY}"}).status_code == 200
    files = [path for path in core.data_dir.rglob("*") if path.is_file()]
    assert {"gatehouse.db", "sealing.key"} <= {path.name for path in files}
    assert [path.name for path in files if CANARY.encode() in path.read_bytes()] == []
    assert CameraRepository(core.db).get("gate").url == f"http://192.0.2.1/v?pwd={CANARY}"

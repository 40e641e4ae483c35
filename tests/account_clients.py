"""Users as clients meet them: made, logged in, with tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gatehouse_common.db import Camera, CameraRepository
from gatehouse_common.runtime import Core
from pipeline_kit import core_at

ANN, BOB = "winter copper lantern 9", "violet engine harbour 7"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@contextmanager
def core_with_users(folder: Path) -> Iterator[Core]:
    """A site with two cameras, of which nobody is a user yet."""
    with core_at(folder, **{"auth.mode": "local"}) as core:
        for camera in ("gate", "yard"):
            CameraRepository(core.db).add(Camera(camera, f"rtsp://nobody/{camera}", "", False, core.clock.now_us()))
        yield core


def first_admin(app: Flask) -> FlaskClient:
    """Set it up as Ann does; return her client."""
    client = app.test_client()
    made = client.post("/api/v1/auth/setup", json={"name": "Ann", "password": ANN})
    assert made.status_code == 204, made.text
    return client


def user(ann: FlaskClient, name: str, **more: Any) -> dict[str, Any]:
    made = ann.post("/api/v1/users", json={"name": name, "password": BOB, **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.get_json()
    return found


def log_in(app: Flask, name: str, password: str = BOB) -> FlaskClient:
    client = app.test_client()
    answer = client.post("/api/v1/auth/login", json={"name": name, "password": password})
    assert answer.status_code == 204, answer.text
    return client


def token_of(client: FlaskClient, *scopes: str, **more: Any) -> str:
    made = client.post("/api/v1/tokens", json={"name": "a program", "scopes": [*scopes], **more})
    assert made.status_code == 201, made.text
    assert made.headers["Cache-Control"] == "no-store"
    return str(made.get_json()["token"])


def by(app: Flask, token: str, path: str = "/api/v1/cameras", **more: Any) -> TestResponse:
    return app.test_client().get(path, headers={"Authorization": f"Bearer {token}"}, **more)


def first_user(**more: str) -> dict[str, str]:
    return {"name": "Ann", "password": ANN, "again": ANN, **more}


def guess(app: Flask, name: str, password: str) -> TestResponse:
    return app.test_client().post("/api/v1/auth/login", json={"name": name, "password": password})

"""Settings of a camera alone, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gatehouse_common.runtime import Core
from pipeline_kit import core_at

MASK = [[[0.0, 0.0], [1.0, 0.0], [1.0, 0.3]]]


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path) as opened:
        yield opened


def test_settings_of_a_camera_are_taken_shown_and_merged(client: FlaskClient) -> None:
    given = {"plates": {"threshold": 0.7, "masks": MASK}}
    made = client.post("/api/v1/cameras", json={"id": "gate", "url": "synthetic:", "settings": given})
    assert made.get_json()["settings"] == given
    changed = client.patch("/api/v1/cameras/gate", json={"settings": {"plates": {"region": "eu"}, "keep": "events"}})
    assert changed.get_json()["settings"] == {"plates": {**given["plates"], "region": "eu"}, "keep": "events"}
    back = client.patch("/api/v1/cameras/gate", json={"settings": {"plates": {"masks": None}, "keep": None}})
    assert back.get_json()["settings"] == {"plates": {"threshold": 0.7, "region": "eu"}}
    assert (
        client.patch("/api/v1/cameras/gate", json={"name": "Gate"}).get_json()["settings"]
        == (back.get_json()["settings"])
    )
    assert client.get("/api/v1/cameras/gate").get_json()["settings"] == back.get_json()["settings"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"plates": {"threshold": 1.1}}, "plates.threshold"),
        ({"plates": {"masks": [[[0, 0], [1, 1]]]}}, "plates.masks"),
        ({"plates": {"zones": [[[0, 0], [1, 1], [0, 1.5]]]}}, "plates.zones"),
        ({"plates": {"masks": MASK * 33}}, "plates.masks"),
        ({"plates": 5}, "plates"),
        ({"plates": {"colour": "red"}}, "plates.colour"),
        ({"keep": "some"}, "keep"),
        ([], "settings"),
    ],
)
def test_settings_that_are_none_are_named_and_change_nothing(client: FlaskClient, settings: Any, named: str) -> None:
    client.post("/api/v1/cameras", json={"id": "gate", "url": "synthetic:"})
    refused = client.patch("/api/v1/cameras/gate", json={"settings": settings, "name": "other"})
    assert 400 <= refused.status_code < 500
    assert named in refused.get_data(as_text=True)
    shown = client.get("/api/v1/cameras/gate").get_json()
    assert (shown["settings"], shown["name"]) == ({}, "gate")

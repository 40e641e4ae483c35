"""How many pictures come of those that were asked for, and what to do where many do not: API and page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gatehouse_common.db import CameraRepository
from gatehouse_common.messages import CameraState, CameraStatus
from gatehouse_common.runtime import Core
from pipeline_kit import add_camera, core_at
from session_kit import words


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path / "data") as opened:
        add_camera(opened, "gate")
        yield opened


def told(core: Core, **more: Any) -> None:
    now = core.clock.now_us()
    status = {"state": CameraState.RECORDING, "fps": 22.5, "asked_fps": 30.0, "backend": "V4L2", **more}
    CameraRepository(core.db).report(
        CameraStatus.model_validate({"camera": "gate", "time_us": now, "since_us": now, **status})
    )


def test_a_camera_that_drops_is_told_with_what_to_do(core: Core, client: FlaskClient) -> None:
    """S0-38: asked and actual rate, dropped frames, and above 5 % advice."""
    told(core, dropped=0.25, dropped_frames=4711)
    gate = client.get("/api/v1/cameras/gate").get_json()
    assert (gate["fps"], gate["asked_fps"], gate["dropped"], gate["dropped_frames"]) == (22.5, 30.0, 0.25, 4711)
    assert gate["advice"].startswith("25% of the 30 pictures a second")
    assert "fps=" in gate["advice"]
    page = words(client.get("/stats"))
    assert "25.0%, 4711 in all" in page
    assert gate["advice"] in page


@pytest.mark.parametrize(
    "well",
    [
        {"dropped": 0.05},
        {"dropped": 0.0},
        {"dropped": 0.9, "state": CameraState.RECONNECTING, "cause": "camera_offline"},
        {"asked_fps": 0.0},
    ],
)
def test_who_drops_little_or_is_away_has_no_advice(core: Core, client: FlaskClient, well: dict[str, Any]) -> None:
    """S0-38: 5 % is not more than 5 %; and what does not come at all is told elsewhere."""
    told(core, **well)
    assert client.get("/api/v1/cameras/gate").get_json()["advice"] is None

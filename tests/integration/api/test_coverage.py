"""The coverage ledger over HTTP: sums, spans, and days of 23 and 25 hours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gatehouse_common.db import Camera, CameraRepository, FootageWriter, Gap
from gatehouse_common.messages import CameraState, CameraStatus, ChunkOpened, GopWritten
from gatehouse_common.runtime import Core
from gatehouse_common.timefmt import parse, zone
from pipeline_kit import core_at
from running import us

HOUR = 3_600_000_000
BERLIN = zone("Europe/Berlin")
ADDED = parse("20240101_000000", BERLIN)
SPRING, AUTUMN = parse("20240331_000000", BERLIN), parse("20241027_000000", BERLIN)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    with core_at(tmp_path, timezone="Europe/Berlin") as opened:
        yield opened


def film(core: Core, start_us: int, end_us: int, camera: str = "gate") -> None:
    """Keep footage of a span, half an hour a chunk."""
    writer = FootageWriter(core.db)
    for at in range(start_us, end_us, HOUR // 2):
        chunk = f"{camera}-{at}"
        of = {"camera": camera, "time_us": at, "run": "run", "chunk": chunk, "key": f"spool/{camera}/run/{at}.mp4"}
        writer.open_chunk(ChunkOpened.model_validate({**of, "start_us": at, "origin_us": ADDED}))
        until = min(at + HOUR // 2, end_us)
        gop = {"offset": 0, "length": 9, "start_us": at, "end_us": until, "origin_us": ADDED, "frames": 1}
        writer.extend_chunk(GopWritten.model_validate({**of, **gop, "keyframe_length": 5}))


def add(core: Core, camera: str = "gate", created_us: int = ADDED) -> None:
    CameraRepository(core.db).add(Camera(camera, "synthetic:", created_us=created_us))


@pytest.mark.parametrize(("day", "midnight", "hours"), [("2024-03-31", SPRING, 23), ("2024-10-27", AUTUMN, 25)])
def test_days_on_which_clocks_are_set_are_as_long_as_they_are(
    core: Core, client: FlaskClient, day: str, midnight: int, hours: int
) -> None:
    """R4, S1-17: recorded from the evening before to the day after, but for an hour at noon."""
    add(core)
    noon = midnight + (hours - 12) * HOUR
    film(core, midnight - 2 * HOUR, noon)
    film(core, noon + HOUR, midnight + (hours + 2) * HOUR)
    FootageWriter(core.db).put_gaps("run", [Gap("gate", noon, noon + HOUR, "camera_offline", "", "run")])
    found = client.get("/api/v1/cameras/gate/coverage", query_string={"date": day}).get_json()
    assert (us(found["from"]), us(found["to"])) == (midnight, midnight + hours * HOUR)
    assert found["length_seconds"] == hours * 3600
    assert found["recorded_seconds"] == (hours - 1) * 3600
    assert found["gap_seconds"] == {"camera_offline": 3600}
    assert found["percentage"] == pytest.approx(100 * (hours - 1) / hours, abs=1e-3)
    assert [s["cause"] for s in found["spans"]] == [None, "camera_offline", None]
    assert all(a["to"] == b["from"] for a, b in pairwise(found["spans"]))


def test_a_day_is_one_of_the_cameras_zone(core: Core, client: FlaskClient) -> None:
    add(core)
    CameraRepository(core.db).change("gate", timezone="America/New_York")
    found = client.get("/api/v1/cameras/gate/coverage", query_string={"date": "2024-07-01"}).get_json()
    assert (found["zone"], found["from"]) == ("America/New_York", "2024-07-01T04:00:00.000000Z")
    told = client.get("/api/v1/cameras/gate/coverage", query_string={"date": "2024-07-01", "tz": "UTC"}).get_json()
    assert told["from"] == "2024-07-01T00:00:00.000000Z"


def test_all_cameras_over_the_last_day(core: Core, client: FlaskClient) -> None:
    """S1-17: what is recorded and what is not are all there is, also of a gap that goes on."""
    now = core.clock.now_us()
    add(core, "gate", now - 10 * HOUR)
    add(core, "yard", now - 48 * HOUR)
    film(core, now - 10 * HOUR, now - HOUR)
    CameraRepository(core.db).report(
        CameraStatus(camera="gate", time_us=now, state=CameraState.RECONNECTING, since_us=now, cause="storage_full")
    )
    items = client.get("/api/v1/coverage").get_json()["items"]
    gate, yard = items
    assert [gate["camera"], yard["camera"]] == ["gate", "yard"]
    assert gate["length_seconds"] == pytest.approx(36_000, abs=10)
    assert gate["gap_seconds"] == {"storage_full": pytest.approx(3600, abs=10)}
    assert gate["percentage"] == pytest.approx(90, abs=0.1)
    assert gate["unexplained_seconds"] == 0
    assert yard["length_seconds"] == pytest.approx(86_400, abs=1e-3)
    assert (yard["percentage"], yard["gap_seconds"]) == (0, {"camera_offline": 86_400})
    spans = client.get("/api/v1/cameras/gate/coverage").get_json()["spans"]
    assert [(s["cause"], s["open"], s["explained"]) for s in spans] == [
        (None, False, True),
        ("storage_full", True, True),
    ]


def test_more_than_400_days_of_a_camera_are_asked_for_in_parts(core: Core, client: FlaskClient) -> None:
    """R7: every chunk of a range is looked at. What was before a camera was added costs nothing."""
    add(core)
    add(core, "new", core.clock.now_us() - HOUR)
    ages = {"from": "1970-01-01T00:00:00Z"}
    refused = client.get("/api/v1/cameras/gate/coverage", query_string=ages)
    assert refused.status_code == 413
    assert "400 days" in refused.get_data(as_text=True)
    assert client.get("/api/v1/coverage", query_string=ages).status_code == 413
    assert client.get("/api/v1/cameras/new/coverage", query_string=ages).status_code == 200
    year = {"from": "2024-01-01T00:00:00Z", "to": "2025-01-01T00:00:00Z"}
    assert client.get("/api/v1/cameras/gate/coverage", query_string=year).status_code == 200


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"date": "2024-02-30"}, "2024-02-30"),
        ({"date": "2024-02-03", "from": "1715934000"}, "date"),
        ({"from": "yesterday"}, "yesterday"),
        ({"from": "1715934000", "to": "1715933000"}, "after"),
        ({"date": "today"}, "date"),
        ({"date": "2024-02-03", "tz": "Mars/Crater"}, "Mars/Crater"),
    ],
)
def test_ranges_that_are_none_are_named(core: Core, client: FlaskClient, query: dict[str, str], named: str) -> None:
    add(core)
    for path in ("/api/v1/coverage", "/api/v1/cameras/gate/coverage"):
        refused = client.get(path, query_string=query)
        assert 400 <= refused.status_code < 500
        assert named in refused.get_data(as_text=True)
    assert client.get("/api/v1/cameras/none/coverage").status_code == 404

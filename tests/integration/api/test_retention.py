"""What is deleted next, and what is held, over HTTP and by command (S1-17, S2-30)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from gatehouse.cli.entry import root
from gatehouse_api.app import close_app, create_app
from gatehouse_common.clock import HOUR, SECOND, SystemClock
from gatehouse_common.db import Camera, CameraRepository, ClipRepository, FootageReader
from gatehouse_common.retention import read_copy
from gatehouse_common.runtime import Core
from gatehouse_common.storage import LocalStore
from gatehouse_common.testing.clock import FakeClock
from gatehouse_common.timefmt import rfc3339
from retention_kit import LENGTH, NOW, cut, files, open_core, record

MB = 1_000_000


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    made = open_core(tmp_path / "data", FakeClock(NOW), total=1000 * MB, **{"retention.reserve_gb": 0.1})
    CameraRepository(made.db).add(Camera("gate", "synthetic:", created_us=NOW - 200 * HOUR))
    yield made
    made.close()


def test_the_plan_says_what_goes_next_when_and_how_many_bytes(core: Core, client: FlaskClient) -> None:
    for k in range(1, 31):
        record(core, "gate", NOW - k * LENGTH, 3000)
    first = record(core, "gate", NOW - 73 * HOUR, 700)
    second = record(core, "gate", NOW - 72 * HOUR, 800)
    cut(core, NOW - 31 * 24 * HOUR, size=90)
    plan = client.get("/api/v1/retention/plan?limit=3").get_json()
    assert plan["due"] == [
        {"kind": "continuous", "objects": 1, "bytes": 700},
        {"kind": "event", "objects": 1, "bytes": 90},
    ]
    assert [n["kind"] for n in plan["next"]] == ["event", "continuous", "continuous"]
    assert [Path(n["key"]).stem for n in plan["next"]][1:] == [first, second]
    assert [n["at"] for n in plan["next"]] == [rfc3339(NOW), rfc3339(NOW), rfc3339(NOW + LENGTH)]
    # What has come of age is in `due`, what has not in `days`; nothing is in both, nothing in neither.
    assert sum(d["bytes"] for d in plan["days"]) == 30 * 3000 + 800
    assert sum(d["objects"] for d in plan["days"]) == 31
    assert plan["days"] == sorted(plan["days"], key=lambda d: d["date"])
    assert files(core) >= {first, second}  # it was only asked


def test_the_plan_says_on_which_local_day_recordings_and_clips_go(tmp_path: Path) -> None:
    """In Auckland, half a day ahead: from the hour at which footage is old, not from the day that it was recorded."""
    now = 1_799_971_200 * SECOND  # midnight of UTC, 2027-01-15 13:00 there
    core = open_core(tmp_path / "data", FakeClock(now), total=1000 * MB, timezone="Pacific/Auckland")
    CameraRepository(core.db).add(Camera("gate", "synthetic:", created_us=now - 200 * HOUR))
    for k in range(1, 193):  # a third of a day that is of age, and a day that comes of it
        record(core, "gate", now - 48 * HOUR - k * LENGTH, 1000)
    for hours in (2, 30, 30 * 24 + 2):
        cut(core, now - hours * HOUR, size=90)
    app = create_app(core)
    plan = app.test_client().get("/api/v1/retention/plan").get_json()
    close_app(app)
    core.close()
    assert plan["due"] == [
        {"kind": "continuous", "objects": 48, "bytes": 48_000},
        {"kind": "event", "objects": 1, "bytes": 90},
    ]
    recordings = {d["date"]: d["objects"] for d in plan["days"] if d["kind"] == "continuous"}
    clips = {d["date"]: d["objects"] for d in plan["days"] if d["kind"] == "event"}
    assert sum(recordings.values()) == 144
    assert recordings.keys() == {"2027-01-15", "2027-01-16"}
    assert abs(recordings["2027-01-15"] - 66) <= 3  # 11 h until midnight, 6 an hour
    assert clips == {"2027-02-13": 1, "2027-02-14": 1}


def test_what_there_is_of_a_day_that_is_not_over_goes_when_it_is_old(tmp_path: Path) -> None:
    """Eleven hours before midnight there, an hour after midnight of UTC: none of it goes on the day after."""
    now = 1_799_974_800 * SECOND
    core = open_core(tmp_path / "data", FakeClock(now), total=1000 * MB, timezone="Pacific/Auckland")
    CameraRepository(core.db).add(Camera("gate", "synthetic:", created_us=now - 200 * HOUR))
    for k in range(1, 7):
        record(core, "gate", now - k * LENGTH, 1000)
    app = create_app(core)
    plan = app.test_client().get("/api/v1/retention/plan").get_json()
    close_app(app)
    core.close()
    assert plan["days"] == [{"date": "2027-01-18", "kind": "continuous", "objects": 6, "bytes": 6000}]


def test_the_forecast_is_what_the_rate_and_the_room_give(core: Core, client: FlaskClient) -> None:
    for k in range(1, 13):
        record(core, "gate", NOW - k * LENGTH, 1 * MB)  # 6 MB an hour
    told = client.get("/api/v1/retention/plan").get_json()
    room, forecast = told["room"], told["forecast"]
    assert room["recordings"] == 12 * MB
    assert room["free"] == 988 * MB
    assert room["reserve"] == 100 * MB
    assert room["bytes_per_second"] == pytest.approx(MB / 600, rel=1e-3)
    assert (forecast["wanted_hours"], forecast["needs_bytes"]) == (72.0, 432 * MB)
    assert forecast["has_bytes"] == 900 * MB
    assert forecast["hours"] == pytest.approx(150.0)
    assert forecast["enough"] is True
    client.patch("/api/v1/cameras/gate", json={"settings": {"retention": {"continuous_hours": 200}}})
    forecast = client.get("/api/v1/retention/plan").get_json()["forecast"]
    assert forecast["enough"] is False
    assert forecast["sentence"] == (
        "1 camera sends 0.0133 Mbit/s: 200 h take 1.2 GB; there are 900 MB for recordings: 150 h, not enough."
    )


def test_a_plan_of_nothing(client: FlaskClient) -> None:
    plan = client.get("/api/v1/retention/plan").get_json()
    assert (plan["next"], plan["days"], plan["pending"]) == ([], [], 0)
    assert "Nothing has been stored yet" in plan["forecast"]["sentence"]


def test_a_hold_is_placed_listed_and_released(core: Core, client: FlaskClient) -> None:
    record(core, "gate", NOW - 80 * HOUR, 700)
    body = {"camera": "gate", "from": rfc3339(NOW - 81 * HOUR), "to": rfc3339(NOW - 79 * HOUR), "reason": "theft"}
    made = client.post("/api/v1/holds", json={**body, "case": "2026-0815"})
    assert made.status_code == 201
    hold = made.get_json()
    assert made.headers["Location"] == f"/api/v1/holds/{hold['id']}"
    assert {**body, "case": "2026-0815", "active": True, "until": None}.items() <= hold.items()
    assert [copied.hold.id for copied in read_copy(core.store)] == [hold["id"]]  # outlives the index
    listed = client.get("/api/v1/holds").get_json()
    assert ([h["id"] for h in listed["items"]], listed["held_bytes"]) == ([hold["id"]], 700)
    assert client.get("/api/v1/retention/plan").get_json()["room"]["held"] == 700
    assert client.get("/api/v1/retention/plan").get_json()["next"] == []
    released = client.delete(f"/api/v1/holds/{hold['id']}").get_json()
    assert (released["active"], released["released"]) == (False, rfc3339(NOW))
    assert read_copy(core.store) == []
    assert client.get("/api/v1/holds").get_json()["items"] == []
    assert len(client.get("/api/v1/holds?ended=true").get_json()["items"]) == 1
    assert len(client.get("/api/v1/retention/plan").get_json()["next"]) == 1


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "reason"),
        ({"reason": "x"}, "from"),
        ({"reason": "", "from": "2026-05-17T10:00:00Z"}, "reason"),
        ({"reason": "x", "from": "yesterday"}, "from"),
        ({"reason": "x", "from": "2026-05-17T10:00:00Z", "to": "2026-05-17T10:00:00Z"}, "to"),
        ({"reason": "x", "from": "2026-05-17T10:00:00Z", "camera": "../etc"}, "camera"),
        ({"reason": "x", "from": "2026-05-17T10:00:00Z", "camera": ""}, "camera"),
        ({"reason": "x", "from": "2026-05-17T10:00:00Z", "camera": "gaet"}, "camera"),
        ({"reason": "  ", "from": "2026-05-17T10:00:00Z"}, "why"),
        ({"reason": "x", "from": "2026-05-17T10:00:00Z", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"reason": "x", "clip": "none", "from": "2026-05-17T10:00:00Z"}, "clip"),
        ({"reason": "x", "from": "2026-05-17T10:00:00Z", "colour": "red"}, "colour"),
        ({"reason": "x" * 2001, "from": "2026-05-17T10:00:00Z"}, "reason"),
    ],
)
def test_a_hold_of_nothing_is_refused_and_says_why(client: FlaskClient, body: dict[str, Any], named: str) -> None:
    refused = client.post("/api/v1/holds", json=body)
    assert 400 <= refused.status_code < 500
    assert named in refused.get_data(as_text=True)
    assert client.get("/api/v1/holds").get_json()["items"] == []


def test_what_is_not_there_is_not_found(client: FlaskClient) -> None:
    assert client.get("/api/v1/holds/none").status_code == 404
    assert client.delete("/api/v1/holds/none").status_code == 404
    assert client.post("/api/v1/holds", json={"reason": "x", "clip": "none"}).status_code == 404
    assert client.get("/api/v1/retention/plan?limit=101").status_code == 422


def gatehouse(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(root, [*words, "--data", str(folder)])


def test_by_command_what_is_held_stays_and_what_is_old_goes(tmp_path: Path) -> None:
    now = SystemClock().now_us()
    core = open_core(tmp_path / "data", FakeClock(now))
    young = {record(core, "gate", now - k * LENGTH, 1000) for k in range(1, 41)}
    held, old = record(core, "gate", now - 100 * HOUR, 1000), record(core, "gate", now - 90 * HOUR, 1000)
    folder = core.data_dir
    start, end = rfc3339(now - 101 * HOUR), rfc3339(now - 99 * HOUR)
    placed = gatehouse(
        folder, "hold", "add", "--camera", "gate", "--from", start, "--to", end, "--reason", "theft", "--json"
    )
    hold = json.loads(placed.stdout)
    assert (hold["camera"], hold["from"], hold["to"]) == ("gate", start, end)
    assert hold["id"] in gatehouse(folder, "hold", "list").stdout
    assert [copied.hold.id for copied in read_copy(LocalStore(folder))] == [hold["id"]]
    plan = json.loads(gatehouse(folder, "retention", "plan", "--json").stdout)
    assert [Path(n["key"]).stem for n in plan["next"]][:1] == [old]
    assert "1 camera" not in gatehouse(folder, "retention", "plan").stdout  # none is configured here
    dry = gatehouse(folder, "retention", "run", "--dry-run")
    assert "1 object of class continuous would be deleted for their age, 1 kB." in dry.stdout
    assert files(core) == {*young, held, old}
    done = gatehouse(folder, "retention", "run", "--json")
    assert json.loads(done.stdout) == {"objects": 1, "bytes": 1000, "trouble": ""}
    assert files(core) == {*young, held}
    assert gatehouse(folder, "hold", "release", hold["id"]).exit_code == 0
    assert read_copy(LocalStore(folder)) == []
    assert gatehouse(folder, "retention", "run").stdout == "1 object deleted, 1 kB.\n"
    assert files(core) == young
    core.close()


def test_by_command_more_than_half_goes_only_by_force(tmp_path: Path) -> None:
    now = SystemClock().now_us()
    core = open_core(tmp_path / "data", FakeClock(now))
    for k in range(30):
        record(core, "gate", now - 90 * HOUR + k * LENGTH)
    refused = gatehouse(core.data_dir, "retention", "run")
    assert refused.exit_code != 0
    assert "30 of 30" in str(refused.exception)
    assert len(files(core)) == 30
    assert gatehouse(core.data_dir, "retention", "run", "--force").exit_code == 0
    assert files(core) == set()
    assert list(FootageReader(core.db).all_chunks()) == []
    core.close()


def test_by_command_nothing_is_deleted_where_nothing_is_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = SystemClock().now_us()
    core = open_core(tmp_path / "data", FakeClock(now))
    old = record(core, "gate", now - 90 * HOUR)
    monkeypatch.setenv("GATEHOUSE_RETENTION__ENABLED", "false")
    refused = gatehouse(core.data_dir, "retention", "run")
    assert "retention.enabled" in str(refused.exception)
    assert files(core) == {old}
    core.close()


def test_a_clip_can_be_held_once_it_has_a_file(core: Core, client: FlaskClient) -> None:
    made = cut(core, NOW - HOUR)
    (planned,) = ClipRepository(core.db).plan("yard", "event", NOW, 5 * SECOND, 15 * SECOND, 300 * SECOND, NOW)
    assert client.post("/api/v1/holds", json={"reason": "x", "clip": made}).status_code == 201
    refused = client.post("/api/v1/holds", json={"reason": "x", "clip": planned})
    assert refused.status_code == 409
    assert "range" in refused.get_json()["detail"]
    assert client.get("/api/v1/holds").get_json()["held_bytes"] == 500


def test_more_on_hold_than_half_of_the_room_is_warned_of(core: Core, client: FlaskClient) -> None:
    CameraRepository(core.db).change("gate", settings={"retention": {"continuous_hours": 1}})
    for k in range(1, 13):
        record(core, "gate", NOW - k * LENGTH, 50 * MB)
    assert client.get("/api/v1/retention/plan").get_json()["warnings"] == []
    body = {"camera": "gate", "reason": "x", "from": rfc3339(NOW - 11 * LENGTH), "to": rfc3339(NOW)}
    assert client.post("/api/v1/holds", json=body).status_code == 201
    (warning,) = client.get("/api/v1/retention/plan").get_json()["warnings"]
    assert warning.startswith("550 MB of 1 GB are on hold")


def test_too_little_room_for_the_age_that_is_wanted_is_warned_of(core: Core, client: FlaskClient) -> None:
    for k in range(1, 13):
        record(core, "gate", NOW - k * LENGTH, 5 * MB)  # 72 h take 2.2 GB of 1 GB
    (warning,) = client.get("/api/v1/retention/plan").get_json()["warnings"]
    assert "before they are as old as they shall become" in warning


def test_what_is_held_is_no_room_for_recordings(core: Core, client: FlaskClient) -> None:
    for k in range(1, 13):
        record(core, "gate", NOW - k * LENGTH, 10 * MB)
    client.post("/api/v1/holds", json={"reason": "x", "from": "1970-01-01T00:00:00Z"})
    forecast = client.get("/api/v1/retention/plan").get_json()["forecast"]
    assert forecast["has_bytes"] == (1000 - 120 - 100) * MB


def test_by_command_a_store_that_is_not_the_known_one_is_left_alone(tmp_path: Path) -> None:
    now = SystemClock().now_us()
    core = open_core(tmp_path / "data", FakeClock(now))
    assert gatehouse(core.data_dir, "retention", "run").exit_code == 0
    (core.data_dir / "gatehouse-store.json").unlink()
    old = record(core, "gate", now - 90 * HOUR)
    refused = gatehouse(core.data_dir, "retention", "run")
    assert "mounted" in str(refused.exception)
    assert files(core) == {old}
    assert gatehouse(core.data_dir, "retention", "run", "--adopt-store").exit_code == 0
    assert files(core) == set()
    core.close()


def test_a_hold_by_command_that_cannot_be(tmp_path: Path) -> None:
    core = open_core(tmp_path / "data", FakeClock(NOW))
    for words in (["--reason", "x"], ["--reason", "x", "--clip", "none"], ["--reason", "x", "--from", "soon"]):
        assert gatehouse(core.data_dir, "hold", "add", *words).exit_code != 0
    assert gatehouse(core.data_dir, "hold", "list").stdout == ""
    assert gatehouse(core.data_dir, "hold", "release", "none").exit_code != 0
    core.close()

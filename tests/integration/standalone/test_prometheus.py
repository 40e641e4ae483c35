"""A real Prometheus asks a real `gatehouse up`: panels show what they name, and a camera that is gone is called out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from films_on_disk import make_film
from prometheus_server import Prometheus, alert_queries, panel_queries, prometheus, promtool, samples_of
from rtsp_kit import CameraProcess, rtsp_camera
from running import Running, command, wait_for

pytestmark = pytest.mark.slow

PLATES = "synthetic:?size=640x360&fps=10&plate=GATE123&pause=3"
RARE = {
    "gatehouse_bus_connected": "there is no broker",
    "gatehouse_leases_held": "one process shares nothing",
    "gatehouse_leases_taken_over_total": "one process shares nothing",
    "gatehouse_capture_clock_offset_seconds": "a camera tells its clock every few seconds",
    "gatehouse_capture_reconnects_total": "no connection was lost",
    "gatehouse_recording_gap_seconds_total": "no gap has ended",
    "gatehouse_messages_dropped_total": "everybody takes what comes",
    "gatehouse_detector_workers_replaced_total": "none of them fails",
    "gatehouse_watch_pictures_shed_total": "there is time for all",
    "gatehouse_retention_deleted_bytes_total": "nothing is old enough to be deleted",
    "gatehouse_consistency_issues": "the first check comes later",
    "gatehouse_storage_bytes": "the janitor has counted once, before anything was stored",
    "gatehouse_oldest_recording_age_seconds": "the janitor has counted once, before anything was stored",
    "gatehouse_retention_target_seconds": "the janitor has counted once, before anything was stored",
    "gatehouse_jobs_total": "no job was asked for",
    "gatehouse_job_seconds_bucket": "no job was asked for",
    "gatehouse_clips_total": "while plates go by their clip has no end",
    "gatehouse_clip_extract_seconds_bucket": "while plates go by their clip has no end",
    "gatehouse_uploads_total": "nothing was uploaded",
    "gatehouse_live_viewers": "nobody looks",
}
"""Of a sound run of a minute these may have no series yet, and why."""


@dataclass
class Site:
    """A recorder, one of its cameras, and who watches it."""

    gatehouse: Running
    camera: CameraProcess
    prometheus: Prometheus
    token: str

    def metrics(self) -> str:
        answer = self.gatehouse.ask("GET", "/metrics", Authorization=f"Bearer {self.token}")
        assert answer.status == 200, answer.body
        return answer.body.decode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As deploy/prometheus/one-process.yml says: a user, a token that may only read metrics."""
    folder = tmp_path_factory.mktemp("site")
    data, password = folder / "data", folder / "password"
    password.write_text("correct horse battery staple\n")
    of = ("--data", str(data))
    user = command("user", "add", "ann", "--role", "admin", "--password-file", str(password), *of, timeout=120)
    assert user.returncode == 0, user.stderr
    made = command("token", "create", "--user", "ann", "--name", "prometheus", "--scope", "metrics:read", *of)
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    film = make_film(folder / "film.mp4", seconds=30)
    settings = {"GATEHOUSE_AUTH__MODE": "local", "GATEHOUSE_DETECTION__FRAMES": "activity"}
    with (
        rtsp_camera({"yard": film}) as camera,
        Running(
            data, "--camera", f"demo={PLATES}", "--camera", f"yard={camera.url('yard')}", log=folder / "log", **settings
        ) as gatehouse,
    ):
        address = gatehouse.ready(120).url.removeprefix("http://")
        with prometheus(folder, "one-process.yml", {"gatehouse": [address]}, token, "2s") as watching:
            yield Site(gatehouse, camera, watching, token)


def test_every_panel_and_every_alert_asks_for_what_is_exported(site: Site) -> None:
    """W-3, S2-9: a real Prometheus, a real run; a panel that shows nothing is of a rare thing, which is named."""

    def recorded_and_stored() -> bool:
        stored = site.prometheus.query("gatehouse_recording_last_segment_timestamp_seconds")
        active = site.prometheus.query("gatehouse_recording_active == 1")
        return len(stored) == len(active) == 2

    wait_for("two cameras that are recorded and stored", recorded_and_stored, 90)
    assert site.prometheus.targets() == {"gatehouse": ["up"]}
    exported = samples_of(site.metrics()) | {"up"}
    panels, alerts = panel_queries(), alert_queries()
    assert len(panels) > 80
    assert len(alerts) > 25
    for query in panels + alerts:
        assert query.metrics <= exported, f"{query.where} asks for {query.metrics - exported}"
    for query in alerts:
        site.prometheus.query(query.expr)  # one that is no expression fails
    waited_for = [query for query in panels if not query.metrics & RARE.keys()]

    def all_show_something() -> bool:
        waited_for[:] = [query for query in waited_for if not site.prometheus.query(query.expr)]
        return not waited_for

    try:
        wait_for("something in every panel", all_show_something, 90)  # what looks at whole minutes needs one
    except AssertionError as error:
        raise AssertionError("\n".join(f"{query.where} is empty: {query.expr}" for query in waited_for)) from error
    assert site.prometheus.wrong_rules() == []


def test_what_is_exported_is_written_as_prometheus_wants_it(site: Site) -> None:
    """W-3: `curl /metrics | promtool check metrics` has nothing to say: types, units, help."""
    checked = promtool("check", "metrics", given=site.metrics())
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_who_is_not_let_in_is_counted_by_why(site: Site) -> None:
    """W-3: `gatehouse_auth_failures_total`; nobody who just asks without showing anything is counted."""
    ask = site.gatehouse.ask
    guess = json.dumps({"name": "ann", "password": "not this one"}).encode()
    assert ask("POST", "/api/v1/auth/login", guess, Content_Type="application/json").status == 401
    assert ask("GET", "/metrics", Authorization="Bearer gatehouse_pat_guessed").status == 401
    assert ask("GET", "/metrics").status == 401
    told = dict(re.findall(r'^gatehouse_auth_failures_total{reason="(\w+)"} (\S+)$', site.metrics(), re.MULTILINE))
    assert told == {"password": "1.0", "token": "1.0", "proxy": "0.0", "throttled": "0.0"}


def test_figures_are_those_of_what_is_recorded(site: Site) -> None:
    """W-3: how often keyframes come, which rate is expected, and whose disk it is, as Prometheus has them."""
    value = {
        name: {
            s["metric"].get("camera", s["metric"].get("root")): float(s["value"][1])
            for s in site.prometheus.query(name)
        }
        for name in (
            "gatehouse_keyframe_interval_seconds",
            "gatehouse_capture_fps_expected",
            "gatehouse_storage_free_bytes",
            "gatehouse_storage_capacity_bytes",
            "gatehouse_segment_write_seconds_count",
            "gatehouse_retention_enabled",
        )
    }
    assert 0 < value["gatehouse_keyframe_interval_seconds"]["demo"] < 5
    assert value["gatehouse_capture_fps_expected"]["demo"] == 10
    free, size = value["gatehouse_storage_free_bytes"], value["gatehouse_storage_capacity_bytes"]
    assert free.keys() == size.keys() == {"spool", "store"}
    assert all(0 < free[root] < size[root] for root in free)
    assert value["gatehouse_segment_write_seconds_count"][None] > 0
    assert value["gatehouse_retention_enabled"] == {None: 1}


def test_a_camera_that_is_gone_is_called_out_and_no_other(site: Site) -> None:
    """S1-17: `GatehouseNotRecording` fires for the camera whose plug was pulled; the other one goes on."""
    assert site.prometheus.firing("GatehouseNotRecording") == []
    site.camera.kill()

    def called() -> list[dict[str, str]]:
        return site.prometheus.firing("GatehouseNotRecording")

    (labels,) = wait_for("an alert", called, 60)
    assert (labels["camera"], labels["severity"]) == ("yard", "critical")
    assert site.prometheus.firing("Watchdog")

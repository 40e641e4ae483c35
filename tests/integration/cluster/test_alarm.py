"""A worker that is killed cannot say that its cameras are not recorded any more: the others see it, and say so."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator

import pytest

from cluster_kit import Cluster, cluster, now_us
from gatehouse_common.testing.film import FilmSpec, make_film
from rtsp_kit import rtsp_camera
from running import wait_for

LATEST_S = 10.0
SECOND = 1_000_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("alarm")
    film = make_film(folder / "film.mp4", FilmSpec(frames=6000, fps=10, gop=10, width=160, height=96))
    with rtsp_camera({"gate": film}) as network, cluster(folder / "site") as made:
        made.add("indexer")
        made.add("segmenter")
        made.add("api")
        made.command("camera", "add", "gate", network.url("gate"))
        made.add("capture")
        wait_for("recording", lambda: made.states() == {"gate": "recording"}, 60)
        yield made


def said(site: Cluster) -> dict[str, bool]:
    """Who says that the camera is not recorded, and that it is because its worker is gone."""
    camera = site.json("/api/v1/cameras")["items"][0]
    checks = {c["name"]: c for c in json.loads(site.get("/readyz")[2])["checks"]}
    metrics = site.get("/metrics")[2].decode()
    return {
        "state": (camera["state"], camera["cause"]) == ("reconnecting", "service_down"),
        "readyz": not checks["camera gate"]["ok"] and "no sign of life" in checks["camera gate"]["detail"],
        "alarm": re.search(r'^gatehouse_recording_alarm{camera="gate"} 1\.0$', metrics, re.MULTILINE) is not None,
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_worker_is_told_of_within_ten_seconds(
    site: Cluster, record_property: Callable[[str, object], None]
) -> None:
    """S1-17, R9: in pages, `/readyz` and the metric; when it is back, all is well and the ledger has one gap."""
    time.sleep(4)
    assert not any(said(site).values())
    capture = site.processes["capture-0"]
    killed = now_us()
    capture.kill()
    told: dict[str, float] = {}
    while len(told) < 3 and now_us() - killed < 2 * LATEST_S * SECOND:
        for who, so in said(site).items():
            if so:
                told.setdefault(who, round((now_us() - killed) / SECOND, 2))
        time.sleep(0.1)
    record_property("told_after_s", told)
    assert len(told) == 3
    assert max(told.values()) < LATEST_S
    open_gap = site.json("/api/v1/cameras/gate/coverage")["spans"][-1]
    assert (open_gap["cause"], open_gap["open"]) == ("service_down", True)
    capture.start()
    capture.wait_until_up()
    wait_for("recording", lambda: not any(said(site).values()) and site.states() == {"gate": "recording"}, 60)
    back = now_us()
    wait_for("the gap's end", lambda: len(site.ledger("gate", killed - 2 * SECOND, back)[1]) == 1, 20)
    _, ((start, end, cause),) = site.ledger("gate", killed - 2 * SECOND, back)
    assert cause == "service_down"
    assert killed - 1.5 * SECOND < start <= killed
    assert killed < end <= back

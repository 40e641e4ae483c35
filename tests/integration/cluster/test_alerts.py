"""W3: every alert of services that are processes of their own, in a real fault; a real Prometheus asks them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alert_drill import EVERY, Drill, watched, write_drill_rules
from alert_faults_apart import CAMERA, KILLED, ONE_BY_ONE
from cluster_kit import Cluster, cluster
from fault_rig import FULL
from gatehouse_common.observability.exporting import OF_SERVICES
from ports import free_ports
from prometheus_server import prometheus
from running import wait_for

PLATES = "synthetic:?size=640x360&fps=10&plate=GATE123,BRA2E19&pause=1"
SETTINGS = {
    "GATEHOUSE_RECORDING__CHUNK_SECONDS": "2",
    "GATEHOUSE_DETECTION__FRAMES": "activity",
    "GATEHOUSE_DETECTION__FPS": "2",
    "GATEHOUSE_DETECTION__VISIT_SECONDS": "2",
    "GATEHOUSE_CLIPS__PRE_SECONDS": "1",
    "GATEHOUSE_CLIPS__POST_SECONDS": "1",
}


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill[Cluster]]:
    with cluster(tmp_path / "site", **SETTINGS) as made:
        # Each at a port that it has again when it is started again, as a container has its name.
        places = {
            name: f"127.0.0.1:{port}" for name, port in zip(OF_SERVICES, free_ports(len(OF_SERVICES)), strict=True)
        }
        for process in [made.begin(name, GATEHOUSE_SERVICE__LISTEN=place) for name, place in places.items()]:
            process.wait_until_up()
        made.command("camera", "add", CAMERA, PLATES)
        wait_for("recording", lambda: made.states() == {CAMERA: "recording"}, 60)
        addresses = {f"gatehouse-{name}": [place] for name, place in places.items()}
        with (
            prometheus(tmp_path, "compose.yml", addresses, write_rules=write_drill_rules, every=EVERY) as watching,
            watched(watching) as watch,
        ):
            yield Drill(made, watch)


@pytest.mark.slow
@pytest.mark.timeout(7200 if FULL else 600)
def test_each_alert_fires_in_its_fault_and_is_over_when_that_is(drill: Drill[Cluster]) -> None:
    """W-3."""
    drill.sound()
    drill.together(*KILLED)
    for fault in ONE_BY_ONE:
        drill.together(fault)
    drill.report("services apart")

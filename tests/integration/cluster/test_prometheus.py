"""A real Prometheus asks services that are processes of their own: each tells its own metrics, and is missed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import pytest

from cluster_kit import Cluster, cluster
from gatehouse_common.observability.exporting import OF_SERVICES, everything, exporters
from gatehouse_common.observability.metrics_reference import shown_name
from prometheus_server import Prometheus, alert_queries, panel_queries, prometheus, promtool, samples_of
from running import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Prometheus]]:
    folder = tmp_path_factory.mktemp("site")
    with cluster(folder, GATEHOUSE_RECORDING__CHUNK_SECONDS="2") as made:
        made.command("camera", "add", "yard", "synthetic:?size=320x180&fps=5")
        for process in [made.begin(service) for service in OF_SERVICES]:
            process.wait_until_up()
        addresses = {
            f"gatehouse-{service}": [made.of(service)[0].inner_url().removeprefix("http://")] for service in OF_SERVICES
        }
        with prometheus(folder, "compose.yml", addresses, patience="2s") as watching:
            yield made, watching


def test_each_service_tells_its_own_metrics_and_no_zeros_of_others(site: tuple[Cluster, Prometheus]) -> None:
    """W-3: all targets are up; whatever panels and alerts ask for, somebody tells."""
    made, watching = site
    wait_for("all targets", lambda: set(chain(*watching.targets().values())) == {"up"}, 30)
    told: set[str] = {"up"}
    for service in OF_SERVICES:
        text = made.of(service)[0].metrics()
        checked = promtool("check", "metrics", given=text)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", ""), service
        samples = samples_of(text)
        told |= samples
        for metric in everything():
            theirs = exporters(metric)
            name = shown_name(metric)
            is_told = bool(samples & {name, f"{name}_bucket"})
            assert is_told == (not theirs or service in theirs), f"{service} and {name}"
    for query in panel_queries() + alert_queries():
        assert query.metrics <= told, query.where


def test_what_only_processes_of_their_own_have_is_told(site: tuple[Cluster, Prometheus]) -> None:
    """W-3: connections to the broker, shares, queues by partition, and how long messages take."""
    _, watching = site
    for expr in (
        "min(gatehouse_bus_connected) == 1",
        "sum by (work) (gatehouse_leases_held) > 0",
        'gatehouse_queue_depth{job="gatehouse-indexer"}',
        'gatehouse_queue_oldest_age_seconds{job="gatehouse-segmenter"}',
        'gatehouse_message_latency_seconds_count{queue="indexer"} > 0',
        'gatehouse_recording_active{job="gatehouse-capture"} == 1',
        'gatehouse_recording_last_segment_timestamp_seconds{job="gatehouse-segmenter"}',
    ):
        wait_for(expr, lambda expr=expr: watching.query(expr), 60)  # type: ignore[misc]
    assert watching.wrong_rules() == []


def test_a_service_of_which_nobody_is_left_is_missed(site: tuple[Cluster, Prometheus]) -> None:
    """W-3: `GatehouseServiceAbsent` names it."""
    made, watching = site
    # Scrapes of a machine that stalls come late, and the rule waits for two seconds only: those alerts pass by.
    wait_for("nobody to be missed", lambda: watching.firing("GatehouseServiceAbsent") == [], 60)
    made.of("transcoder")[0].kill()

    def alone() -> bool:
        missed = [(one["service"], one["severity"]) for one in watching.firing("GatehouseServiceAbsent")]
        return missed == [("transcoder", "critical")]

    wait_for("an alert of it alone", alone, 60)

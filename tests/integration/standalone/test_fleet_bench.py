"""The bench of large sites, of three cameras: what it counts is what was sent, stored, found and deleted."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from bench.fleet import Scale, describe
from bench.fleet.camera_day import camera_day
from bench.fleet.growth import exponent, result
from bench.fleet.history import chunks_of
from bench.fleet.site import Site, measure, one_process

CAMERAS, LIVE_S, OLD = 3, 6, 2
SCALE = Scale((CAMERAS,), days=1, live_s=LIVE_S, chunk_s=8, parts_cameras=(), asks=2, plates=10, old=OLD)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("fleet")
    with one_process(folder / "servers") as servers:
        return measure(folder / "site", CAMERAS, SCALE, servers)


def test_the_api_finds_every_second_that_virtual_cameras_send(site: Site) -> None:
    live = site.live
    assert live.found == CAMERAS
    assert live.sent.parts == CAMERAS * (LIVE_S - 1), "the last frame of each is written when its run ends"
    assert sorted(live.sent.footage) == [f"camera-{k:05d}" for k in range(CAMERAS)]
    assert {end - start for start, end in live.sent.footage.values()} == {LIVE_S * 1_000_000}
    assert live.lags.parts + live.lags.parts_after
    assert live.lags.gops + live.lags.gops_after


def test_each_message_is_counted_once_by_the_service_that_handles_it(site: Site) -> None:
    chunks = 2 * CAMERAS  # they begin another one after half of one
    gops = CAMERAS * LIVE_S // 2
    assert {kind: many for kind, many in site.live.spent.messages.items() if many} == {
        "camera.status": CAMERAS,
        "run.started": CAMERAS,
        "run.ended": CAMERAS,
        "gop.written": gops,
        "chunk.opened": chunks,
        "chunk.closed": chunks,
        "chunk.stored": chunks,
    }
    handled = {key: one.count for key, one in site.live.handled.items()}
    assert handled["segmenter", "chunk.closed"] == handled["indexer", "chunk.stored"] == site.live.chunks == chunks
    assert handled["indexer", "gop.written"] == gops - CAMERAS
    assert handled["indexer", "gop.written, a run's first"] == CAMERAS
    assert site.live.depth <= sum(site.live.spent.messages.values())


def test_a_gop_that_changes_nothing_else_is_one_statement(site: Site) -> None:
    one = site.live.handled["indexer", "gop.written"]
    assert one.statements == one.count


def test_a_day_of_a_camera_is_what_its_messages_cost(site: Site) -> None:
    day = camera_day(site.live)
    assert day.published == 43_200 + 2_880 + 3 * 144
    assert day.delivered == day.published + 144
    assert day.statements > day.published
    assert day.cameras_of_an_indexer * day.indexer_s == pytest.approx(86_400)


def test_the_index_has_its_days_and_only_what_is_old_goes(site: Site) -> None:
    assert site.chunks == CAMERAS * chunks_of(1) == CAMERAS * 144
    assert site.ageing.deleted == CAMERAS * OLD
    assert site.shares.recorders == 1


def test_each_cost_is_a_line(site: Site) -> None:
    lines = describe([site], SCALE)
    assert len({(line.id, line.what) for line in lines}) == len(lines)
    assert all(math.isfinite(line.value) for line in lines)
    assert {line.id for line in lines} == {"S3", "S4", "S5", "S6"}
    assert all(line.met for line in lines if line.id == "S4"), "every camera was found to the second"


@pytest.mark.parametrize(("power", "met"), [(0.0, True), (1.0, True), (2.0, False)])
def test_growth_is_told_as_a_power(power: float, met: bool) -> None:
    cameras = [10, 100, 500, 2000]
    costs = [3 * n**power for n in cameras]
    assert exponent(cameras, costs) == pytest.approx(power)
    assert result("S5", "it", "ms", "linear", cameras, costs, "").met is met
    assert result("S5", "it", "ms", "flat", cameras, costs, "").met is (power == 0.0)

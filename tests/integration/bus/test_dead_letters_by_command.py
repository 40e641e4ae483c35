"""``gatehouse bus dead``: what could not be handled is seen, replayed and dropped, on the embedded bus and a broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from brokers import virtual_host, works
from gatehouse.cli.entry import root
from gatehouse_common.bus import Bus, Delivery
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import GatehouseError, NotFound
from gatehouse_common.messages import GapRecorded
from gatehouse_common.runtime.buses import open_bus
from gatehouse_common.settings import load
from running import wait_for


class Site:
    """A data directory, and the command in it."""

    def __init__(self, data: Path, broker: str) -> None:
        self._data, self._environment = data, {"GATEHOUSE_BROKER_URL": broker, "GATEHOUSE_DATA_DIR": str(data)}

    def open(self) -> Bus:
        bus = open_bus(load({}, environ=self._environment), SystemClock())
        wait_for("the bus", lambda: works(bus))
        return bus

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(root, ["bus", "dead", *arguments], env=self._environment)


@pytest.fixture(params=["embedded", "rabbitmq"])
def site(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path / "data"
    data.mkdir()
    if request.param == "embedded":
        yield Site(data, "embedded:")
        return
    with virtual_host(lambda: tmp_path_factory.mktemp("rabbitmq")) as url:
        yield Site(data, url)


def poison(site: Site, cameras: list[str]) -> None:
    bus = site.open()

    def refuse(delivery: Delivery) -> None:
        raise NotFound(f"no footage of {delivery.message.camera}")

    bus.subscribe("indexer", refuse)
    for camera in cameras:
        bus.publish(GapRecorded(camera=camera, time_us=1, start_us=1, end_us=2, cause="dropped"))
    wait_for("dead letters", lambda: len(bus.dead_letters()) == len(cameras))
    bus.close()


def test_dead_letters_are_listed_shown_replayed_and_dropped(site: Site) -> None:
    poison(site, ["gate", "yard", "door"])
    listed = json.loads(site.run("list", "--json").output)
    assert sorted(one["reason"] for one in listed) == [f"no footage of {c}" for c in ("door", "gate", "yard")]
    assert {one["type"] for one in listed} == {"gap.recorded"}
    text = site.run("list").output
    assert all(str(one["id"]) in text for one in listed)
    by_reason = {one["reason"]: one for one in listed}
    gate = by_reason["no footage of gate"]
    shown = json.loads(site.run("show", str(gate["id"])).output)
    assert shown["message"]["camera"] == "gate"
    assert site.run("replay", str(gate["id"])).output == "1 put back.\n"
    assert site.run("drop", str(by_reason["no footage of yard"]["id"])).output == "1 dropped.\n"
    assert site.run("drop", "--all", "--queue", "segmenter").output == "0 dropped.\n"
    bus = site.open()
    heard: list[str] = []
    bus.subscribe("indexer", lambda d: heard.append(d.message.camera))
    wait_for("what was put back", lambda: bool(heard))
    assert bus.join()
    assert heard == ["gate"]
    assert [json.loads(one.data)["camera"] for one in bus.dead_letters("indexer")] == ["door"]
    bus.close()


def test_what_is_asked_for_wrongly_is_told(site: Site) -> None:
    poison(site, ["gate"])
    for arguments in (["replay"], ["drop"], ["replay", "1", "--all"], ["drop", "--queue", "indexer"]):
        with pytest.raises(GatehouseError, match="name dead letters by their ids"):
            raise site.run(*arguments).exception  # type: ignore[misc]
    for arguments in (["show", "999"], ["replay", "999"], ["drop", "999"]):
        with pytest.raises(GatehouseError, match="there is no dead letter 999"):
            raise site.run(*arguments).exception  # type: ignore[misc]
    assert site.run("drop", "--all").output == "1 dropped.\n"
    assert site.run("list").output == "There are no dead letters.\n"

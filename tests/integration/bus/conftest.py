"""Buses on a real RabbitMQ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brokers import virtual_host
from bus_collector import QUEUE
from gatehouse_common.bus.rabbitmq import RabbitBus
from gatehouse_common.clock import SystemClock
from gatehouse_common.messages import GapRecorded
from rabbitmq_server import RabbitMQ, programs


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[RabbitMQ]:
    """A server that this test alone uses, so that it may be killed."""
    if programs() is None:
        pytest.skip("no RabbitMQ: run scripts/install-test-tools")
    server = RabbitMQ(tmp_path / "broker").start()
    yield server
    server.stop()


@pytest.fixture
def vhost(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with virtual_host(lambda: tmp_path_factory.mktemp("rabbitmq")) as url:
        yield url


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., RabbitBus]]:
    made: list[RabbitBus] = []

    def build(url: str, name: str = "one") -> RabbitBus:
        bus = RabbitBus(url, tmp_path / f"{name}.db", SystemClock(), name)
        bus.declare(QUEUE, [GapRecorded], partitions=4)
        made.append(bus)
        return bus

    yield build
    for bus in made:
        bus.close()

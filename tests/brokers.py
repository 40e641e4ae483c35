"""The brokers that tests run against: a virtual host of a real server for each test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import containers
from gatehouse_common.bus import Bus
from gatehouse_common.errors import Unavailable
from rabbitmq_server import RabbitMQ, programs

_running: list[RabbitMQ] = []


def broker(folder: Callable[[], Path]) -> RabbitMQ:
    """Return the server that all tests of this process share."""
    if not _running:
        if programs() is None:
            pytest.skip("no RabbitMQ: run scripts/install-test-tools, or name one with GATEHOUSE_TEST_AMQP_URL")
        _running.append(RabbitMQ(folder()).start())
    return _running[0]


@contextmanager
def _host_in_container() -> Iterator[str]:
    made, name = containers.rabbitmq(), f"test-{uuid.uuid4().hex[:12]}"
    for words in (["add_vhost", name], ["set_permissions", "-p", name, "guest", ".*", ".*", ".*"]):
        assert made.exec(["rabbitmqctl", "-q", *words]).exit_code == 0
    try:
        yield containers.amqp_url(made, name)
    finally:
        made.exec(["rabbitmqctl", "-q", "delete_vhost", name])


@contextmanager
def virtual_host(folder: Callable[[], Path]) -> Iterator[str]:
    """Yield the URL of an empty virtual host: the one that GATEHOUSE_TEST_AMQP_URL names is emptied by nobody else."""
    given = os.environ.get("GATEHOUSE_TEST_AMQP_URL")
    if given:
        yield given
        return
    if programs() is None and containers.works():
        with _host_in_container() as url:
            yield url
        return
    server, name = broker(folder), f"test-{uuid.uuid4().hex[:12]}"
    allowed = '<<".*">>, <<".*">>, <<".*">>'
    make = f'rabbit_vhost:add(<<"{name}">>, <<"tests">>)'
    allow = f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{name}">>, {allowed}, <<"tests">>)'
    server.control("eval", f"{make}, {allow}.")  # one call, as each takes a second
    try:
        yield server.url(name)
    finally:
        server.control("delete_vhost", name)


def works(bus: Bus) -> bool:
    """Whether messages can be published and taken now."""
    try:
        bus.check()
    except Unavailable:
        return False
    return True


def stop_brokers() -> None:
    """Stop what was started."""
    while _running:
        _running.pop().stop()

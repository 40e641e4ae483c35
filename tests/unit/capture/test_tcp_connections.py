"""Which of several connections is cut off when a camera has fallen silent: real ones, to addresses of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gatehouse_capture.sources.tcp_connections import addresses, cut_slowest, received

FROZEN, HEALTHY, ELSEWHERE = "127.0.0.2", "127.0.0.3", frozenset({"127.0.0.9"})
MOST_BYTES = 2000


class Cameras:
    """Servers on one port of several addresses, each with connections to it."""

    def __init__(self, stack: ExitStack, hosts: list[str]) -> None:
        self.port = 0
        self.ends: list[tuple[socket.socket, socket.socket]] = []
        for host in hosts:
            listening = stack.enter_context(socket.create_server((host, self.port)))
            self.port = listening.getsockname()[1]
            ours = stack.enter_context(socket.create_connection((host, self.port)))
            self.ends.append((ours, stack.enter_context(listening.accept()[0])))

    def send(self, which: int, size: int) -> None:
        ours, theirs = self.ends[which]
        theirs.sendall(bytes(size))
        left = size
        while left:
            left -= len(ours.recv(left))

    def is_cut(self, which: int) -> bool:
        ours, _ = self.ends[which]
        ours.settimeout(0.2)
        try:
            return ours.recv(1) == b""
        except TimeoutError:
            return False


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def test_a_camera_that_pauses_is_not_cut_off_for_another_one(stack: ExitStack) -> None:
    """The healthy one happens to send nothing in that second, and the frozen one goes on with its reports."""
    cameras = Cameras(stack, [FROZEN, HEALTHY])
    before = received({FROZEN}, cameras.port)
    assert len(before) == 1
    cameras.send(0, 100)
    assert cut_slowest({FROZEN}, cameras.port, before, MOST_BYTES)
    assert [cameras.is_cut(0), cameras.is_cut(1)] == [True, False]


def test_nobody_is_cut_off_while_pictures_come_from_that_host(stack: ExitStack) -> None:
    cameras = Cameras(stack, [FROZEN, HEALTHY])
    before = received({FROZEN}, cameras.port)
    cameras.send(0, MOST_BYTES + 1)
    assert not cut_slowest({FROZEN}, cameras.port, before, MOST_BYTES)
    assert [cameras.is_cut(0), cameras.is_cut(1)] == [False, False]


def test_of_several_cameras_behind_one_address_the_one_that_sends_least_is_cut_off(stack: ExitStack) -> None:
    hosts = [FROZEN, HEALTHY]
    cameras = Cameras(stack, hosts)
    second = stack.enter_context(socket.create_connection((FROZEN, cameras.port)))
    before = received({FROZEN}, cameras.port)
    assert len(before) == 2
    cameras.send(0, 5000)
    assert cut_slowest({FROZEN}, cameras.port, before, MOST_BYTES)
    second.settimeout(0.2)
    assert second.recv(1) == b""
    assert [cameras.is_cut(0), cameras.is_cut(1)] == [False, False]


def test_a_camera_that_has_sent_us_on_to_another_host_is_found_by_what_it_sends(stack: ExitStack) -> None:
    cameras = Cameras(stack, [FROZEN, HEALTHY])
    before = received(ELSEWHERE, cameras.port)
    cameras.send(1, 5000)
    assert cut_slowest(ELSEWHERE, cameras.port, before, MOST_BYTES)
    assert [cameras.is_cut(0), cameras.is_cut(1)] == [True, False]


def test_addresses_are_those_of_the_name() -> None:
    assert "127.0.0.1" in addresses("localhost")
    assert addresses("127.0.0.2") == {"127.0.0.2"}
    assert addresses("a" * 70) == frozenset(), "longer than names may be: no resolver is asked"

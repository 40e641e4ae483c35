"""Notices reach the bus in order, whatever the bus does meanwhile."""

from __future__ import annotations

import threading

from gatehouse_common.bus.notices import Outbox
from gatehouse_common.errors import InvalidInput, Unavailable
from gatehouse_common.messages import CameraChanged, Message


class MoodyBus:
    """Takes what it is given, except what it was told to refuse."""

    def __init__(self, moods: dict[str, list[Exception]]) -> None:
        self.moods, self.taken = moods, []
        self.done = threading.Event()

    def publish(self, message: Message) -> None:
        trouble = self.moods.get(message.camera)
        if trouble:
            raise trouble.pop(0)
        self.taken.append(message.camera)
        if message.camera == "last":
            self.done.set()


def sent_through(bus: MoodyBus) -> list[str]:
    outbox = Outbox(bus, retry_s=0.01)
    for camera in ("first", "second", "last"):
        outbox.send(CameraChanged(camera=camera, time_us=1, action="added"))
    assert bus.done.wait(10)
    outbox.close()
    return bus.taken


def test_a_bus_that_is_away_gets_everything_in_order_when_it_is_back() -> None:
    assert sent_through(MoodyBus({"first": [Unavailable("away")] * 5})) == ["first", "second", "last"]


def test_a_notice_that_is_refused_for_good_holds_up_no_other() -> None:
    assert sent_through(MoodyBus({"first": [InvalidInput("no")] * 9})) == ["second", "last"]


def test_a_fault_in_one_notice_does_not_end_the_outbox() -> None:
    assert sent_through(MoodyBus({"second": [RuntimeError("a fault of ours")]})) == ["first", "last"]

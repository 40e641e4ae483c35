"""What a queue tells of itself: how many wait, how old the oldest is, how long messages take, what comes again."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from gatehouse_common.bus import Delivery
from gatehouse_common.bus.memory import MemoryBus
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import Unavailable
from gatehouse_common.messages import GapCause, RunEnded

QUEUE = "measured"


def value(name: str, queue: str = QUEUE) -> float | None:
    return REGISTRY.get_sample_value(f"gatehouse_{name}", {"queue": queue})


def message() -> RunEnded:
    return RunEnded(camera="gate", time_us=1, run="0197-x", end_us=1, cause=GapCause.DISABLED)


@pytest.fixture
def bus() -> Iterator[MemoryBus]:
    made = MemoryBus(SystemClock())
    made.declare(QUEUE, [RunEnded])
    yield made
    made.close()


def test_a_queue_tells_how_many_wait_and_how_old_the_oldest_is(bus: MemoryBus) -> None:
    """W-3: `gatehouse_queue_depth` and `gatehouse_queue_oldest_age_seconds`, while a handler is stuck."""
    begun, go_on = threading.Event(), threading.Event()

    def handle(_: Delivery) -> None:
        begun.set()
        assert go_on.wait(10)

    for _ in range(3):
        bus.publish(message())
    subscription = bus.subscribe(QUEUE, handle)
    try:
        assert begun.wait(10)
        assert value("queue_depth") == 3
        before = value("queue_oldest_age_seconds") or 0.0
        time.sleep(0.1)
        assert (value("queue_oldest_age_seconds") or 0.0) >= before + 0.09
        go_on.set()
        assert bus.join()
        assert value("queue_depth") == 0
        assert value("queue_oldest_age_seconds") == 0
    finally:
        go_on.set()
        subscription.close()
    assert value("queue_depth") is None, "who does not read a queue tells nothing of it"


def test_how_long_messages_took_and_what_came_again_is_counted(bus: MemoryBus) -> None:
    """W-3: `gatehouse_message_latency_seconds` and `gatehouse_redelivered_total`."""
    handled = value("message_latency_seconds_count") or 0.0
    again = value("redelivered_total") or 0.0

    def handle(delivery: Delivery) -> None:
        if delivery.attempt == 1:
            raise Unavailable("not now")

    subscription = bus.subscribe(QUEUE, handle)
    bus.publish(message())
    assert bus.join()
    subscription.close()
    assert value("message_latency_seconds_count") == handled + 1
    assert value("redelivered_total") == again + 1
    assert value("dead_lettered_total") == 0, "an alert on an increase needs the 0 before it"


def test_a_journal_that_does_not_answer_leaves_the_other_metrics_readable() -> None:
    """W-3: what is broken is seen; it does not take the page about it with it."""
    bus = MemoryBus(SystemClock())
    bus.declare("closed", [RunEnded])
    subscription = bus.subscribe("closed", lambda _: None)
    bus._journal.close()
    depth = value("queue_depth", "closed")
    assert depth is not None
    assert math.isnan(depth)
    subscription.close()

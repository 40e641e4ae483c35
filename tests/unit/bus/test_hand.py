"""What a queue tells of itself: how many wait, how old the oldest is, how long messages take, what comes again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gatehouse_common.bus import Delivery
from gatehouse_common.bus.journal import Journal
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


def test_metrics_are_told_at_once_while_the_journal_does_not_answer(bus: MemoryBus) -> None:
    """R3, W-3: a transaction that a disk does not end keeps its lock, and an alarm must be seen all the same."""
    begun, go_on, shown = threading.Event(), threading.Event(), list[float | None]()

    def handle(_: Delivery) -> None:
        begun.set()
        assert go_on.wait(10)

    bus.publish(message())
    subscription = bus.subscribe(QUEUE, handle)
    assert begun.wait(10)
    with bus._journal._lock:
        asking = threading.Thread(target=lambda: shown.append(value("queue_depth")), daemon=True)
        asking.start()
        asking.join(5)
        assert shown == [1]
    go_on.set()
    assert bus.join()
    subscription.close()


def test_what_is_counted_is_what_waits_whatever_became_of_it(tmp_path: Path) -> None:
    """W-3: also after a restart, of dead letters that are replayed, and of what another program took away."""
    path = tmp_path / "bus.db"
    journal = Journal(path)
    journal.add(["a", "b"], b"1")
    journal.add(["a"], b"2")
    assert [journal.counted(queue) for queue in ("a", "b", "c")] == [2, 1, 0]
    first = journal.take("a")
    assert first is not None
    journal.bury(first.id, "why", 1)
    assert journal.counted("a") == journal.depth("a") == 1
    assert journal.replay([one.id for one in journal.dead()]) == 1
    assert journal.counted("a") == journal.depth("a") == 2
    other = Journal(path)
    assert other.counted("a") == 2
    while (taken := other.take("a")) is not None:
        other.done(taken.id)
    assert (other.counted("a"), journal.counted("a")) == (0, 2)
    assert journal.take("a") is None
    assert journal.counted("a") == 0
    for one in (journal, other):
        one.close()

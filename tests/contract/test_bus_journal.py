"""The embedded bus on a journal that fails for a while, as real SQLite does: locked by another program, read-only."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatehouse_common.bus import Delivery
from gatehouse_common.bus.embedded import EmbeddedBus
from gatehouse_common.bus.journal import Journal
from gatehouse_common.bus.port import MAX_ATTEMPTS
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import InvalidInput, Unavailable
from gatehouse_common.messages import GapRecorded
from gatehouse_common.observability.metrics import MESSAGE_TROUBLES

QUEUE = "capture"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedBus]:
    monkeypatch.setattr("gatehouse_common.bus.consumer.RETRY_PAUSES_S", (0.0,))
    monkeypatch.setattr("gatehouse_common.bus.journal._BUSY_S", 0.05)
    made = EmbeddedBus(tmp_path / "bus.db", SystemClock())
    made.declare(QUEUE, [GapRecorded])
    yield made
    made.close()


def publish(bus: EmbeddedBus, *cameras: str) -> None:
    for camera in cameras:
        bus.publish(GapRecorded(camera=camera, time_us=0, start_us=0, end_us=1, cause="dropped"))


def troubles() -> float:
    return MESSAGE_TROUBLES.labels(QUEUE)._value.get()


class Failing:
    """Makes the journal fail from within a handler, until it is mended."""

    def __init__(self, bus: EmbeddedBus, how: str, path: Path) -> None:
        self.bus, self.how = bus, how
        self.other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.begun = threading.Event()

    def begin(self) -> None:
        if self.how == "locked":
            self.other.execute("BEGIN IMMEDIATE")
        else:
            self.bus._journal._db.execute("PRAGMA query_only=1")
        self.begun.set()

    def mend(self) -> None:
        if self.how == "locked":
            self.other.execute("ROLLBACK")
        else:
            self.bus._journal._db.execute("PRAGMA query_only=0")

    @contextmanager
    def for_a_while(self) -> Iterator[None]:
        """From the handler's call until half a second and several tries later."""
        yield
        assert self.begun.wait(5)
        before = troubles()
        deadline = time.monotonic() + 5
        while troubles() < before + 2:
            assert time.monotonic() < deadline, "nobody has tried again"
            time.sleep(0.01)
        self.mend()


@pytest.fixture(params=["locked", "read-only"])
def failing(request: pytest.FixtureRequest, bus: EmbeddedBus, tmp_path: Path) -> Iterator[Failing]:
    made = Failing(bus, request.param, tmp_path / "bus.db")
    yield made
    made.other.close()


def outcome(error: Exception | None) -> Callable[[], None]:
    def end() -> None:
        if error is not None:
            raise error

    return end


@pytest.mark.parametrize(
    ("error", "seen", "dead"),
    [
        (None, ["first", "second"], 0),
        (InvalidInput("no retry mends it"), ["first", "second"], 1),
        (Unavailable("not now"), ["first", "first", "second"], 0),
    ],
    ids=["done", "buried", "released"],
)
def test_what_became_of_a_message_is_written_down_when_that_works_again(
    bus: EmbeddedBus, failing: Failing, error: Exception | None, seen: list[str], dead: int
) -> None:
    handled: list[str] = []

    def handle(delivery: Delivery) -> None:
        handled.append(delivery.message.camera)
        if len(handled) == 1:
            failing.begin()
            outcome(error)()

    publish(bus, "first", "second")
    with failing.for_a_while():
        bus.subscribe(QUEUE, handle)
    assert bus.join(5), "a message stays in hand"
    assert handled == seen
    assert len(bus.dead_letters()) == dead


def test_a_closed_consumer_leaves_its_message_to_the_next(bus: EmbeddedBus, failing: Failing) -> None:
    """A service that is begun anew in the same process gets what the one before it had in hand."""
    publish(bus, "first", "second")
    with failing.for_a_while():
        subscription = bus.subscribe(QUEUE, lambda _: None if failing.begun.is_set() else failing.begin())
        assert failing.begun.wait(5)
        subscription.close()
        handled: list[tuple[str, int]] = []
        bus.subscribe(QUEUE, lambda d: handled.append((d.message.camera, d.attempt)))
    assert bus.join(5)
    assert handled == [("first", 2), ("second", 1)]


def test_messages_wait_while_the_journal_cannot_be_read(bus: EmbeddedBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever taking a message raises, the queue's only thread goes on."""
    take, faults = Journal.take, [RuntimeError("a fault of ours"), Unavailable("locked"), KeyError("another")]

    def fails(journal: Journal, queue: str) -> object:
        if faults:
            raise faults.pop()
        return take(journal, queue)

    monkeypatch.setattr(Journal, "take", fails)
    monkeypatch.setattr("gatehouse_common.bus.consumer._TAKE_PAUSE_S", 0.01)
    before = troubles()
    handled: list[str] = []
    publish(bus, "first")
    bus.subscribe(QUEUE, lambda d: handled.append(d.message.camera))
    assert bus.join(5)
    assert handled == ["first"]
    assert troubles() == before + 3


def test_a_fault_in_settling_releases_the_message_and_the_thread_goes_on(
    bus: EmbeddedBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, faults = Journal.done, [RuntimeError("a fault of ours")]

    def fails(journal: Journal, message_id: int) -> None:
        if faults:
            raise faults.pop()
        done(journal, message_id)

    monkeypatch.setattr(Journal, "done", fails)
    monkeypatch.setattr("gatehouse_common.bus.consumer._TAKE_PAUSE_S", 0.01)
    handled: list[str] = []
    publish(bus, "first", "second")
    bus.subscribe(QUEUE, lambda d: handled.append(d.message.camera))
    assert bus.join(5)
    assert handled == ["first", "first", "second"]


def test_a_handler_that_exits_does_not_end_the_queue(bus: EmbeddedBus) -> None:
    handled: list[str] = []

    def handle(delivery: Delivery) -> None:
        handled.append(delivery.message.camera)
        if delivery.message.camera == "first":
            raise SystemExit(3)

    publish(bus, "first", "second")
    bus.subscribe(QUEUE, handle)
    assert bus.join(5)
    assert handled == ["first"] * MAX_ATTEMPTS + ["second"]
    assert [letter.reason for letter in bus.dead_letters()] == ["SystemExit: 3"]

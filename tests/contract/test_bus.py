"""What every bus keeps, run on every adapter: an adapter is added to the fixture, and has to pass (W-2)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from brokers import virtual_host, works
from bus_collector import Collector
from gatehouse_common.bus import Bus, Delivery
from gatehouse_common.bus.embedded import EmbeddedBus
from gatehouse_common.bus.journal import Journal
from gatehouse_common.bus.memory import MemoryBus
from gatehouse_common.bus.port import MAX_ATTEMPTS, partition_of, slots_of
from gatehouse_common.bus.rabbitmq import RabbitBus
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import Cancelled, InvalidInput, NotFound, Unavailable
from gatehouse_common.messages import GapRecorded, LivePreview, LiveRequested, RunEnded
from running import wait_for

QUEUE = "capture"


def changed(camera: str, at: int = 0) -> GapRecorded:
    return GapRecorded(camera=camera, time_us=at, start_us=0, end_us=1, cause="dropped")


@pytest.fixture(params=["memory", "embedded", "rabbitmq"])
def bus(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with ExitStack() as held:
        made: Bus
        if request.param == "memory":
            made = MemoryBus(SystemClock())
        elif request.param == "embedded":
            made = EmbeddedBus(tmp_path / "bus.db", SystemClock())
        else:
            url = held.enter_context(virtual_host(lambda: tmp_path_factory.mktemp("rabbitmq")))
            made = RabbitBus(url, tmp_path / "outbox.db", SystemClock(), "test")
        held.callback(made.close)
        made.declare(QUEUE, [GapRecorded])
        wait_for("the bus", lambda: works(made))
        yield made


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("consumer", "rabbitmq.consuming"):
        monkeypatch.setattr(f"gatehouse_common.bus.{module}.RETRY_PAUSES_S", (0.0,))
    monkeypatch.setattr("gatehouse_common.bus.rabbitmq.consuming._HOLD_S", 0.0)


def test_messages_come_in_order_and_once_when_all_goes_well(bus: Bus) -> None:
    collector = Collector()
    for k in range(50):
        bus.publish(changed(f"c{k}"))
    bus.subscribe(QUEUE, collector)
    for k in range(50, 100):
        bus.publish(changed(f"c{k}"))
    assert bus.join()
    assert collector.cameras == [f"c{k}" for k in range(100)]
    assert bus.depth(QUEUE) == 0


def test_transient_messages_are_shared_by_slots(bus: Bus) -> None:
    """Each of several readers gets the cameras of its slots, and no other."""
    halves: list[list[str]] = [[], []]
    for half in (0, 1):
        bus.subscribe_transient(
            [LivePreview],
            lambda d, half=half: halves[half].append(d.message.camera),
            slots=slots_of(half, 2),
            maxlen=500,
        )
    cameras = [f"cam-{k}" for k in range(40)]
    for camera in cameras:
        bus.publish(LivePreview(camera=camera, time_us=0, width=1, height=1), b"jpeg")
    wait_for("all of them", lambda: sum(map(len, halves)) == len(cameras))
    assert halves == [[c for c in cameras if partition_of(c, 2) == half] for half in (0, 1)]


def test_what_was_published_before_anybody_listened_waits(bus: Bus) -> None:
    bus.publish(changed("early"))
    assert bus.depth(QUEUE) == 1
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    assert bus.join()
    assert collector.cameras == ["early"]


def test_subscribers_of_a_queue_share_its_messages(bus: Bus) -> None:
    first, second = Collector(lambda _: time.sleep(0.002)), Collector(lambda _: time.sleep(0.002))
    bus.subscribe(QUEUE, first)
    bus.subscribe(QUEUE, second)
    for k in range(60):
        bus.publish(changed(f"c{k}"))
    assert bus.join()
    assert sorted(first.cameras + second.cameras) == sorted(f"c{k}" for k in range(60))
    assert first.seen
    assert second.seen


def test_a_handler_that_is_told_to_stop_says_nothing_about_its_message(bus: Bus) -> None:
    """However often a service is stopped while the store is away, the message waits for the next one."""
    stops = total = 40

    def stop(delivery: Delivery) -> None:
        nonlocal stops
        if delivery.message.camera == "waits" and stops:
            stops -= 1
            raise Cancelled("told to stop")

    collector = Collector(stop)
    bus.subscribe(QUEUE, collector)
    bus.publish(changed("waits"))
    bus.publish(changed("next"))
    wait_for("both", lambda: stops == 0 and "next" in collector.cameras)
    assert bus.join()
    assert collector.cameras == ["waits"] * (total + 1) + ["next"]
    assert bus.dead_letters() == []


def test_a_failure_worth_a_retry_is_tried_again_and_nothing_overtakes(bus: Bus) -> None:
    def fail_twice(delivery: Delivery) -> None:
        if delivery.message.camera == "hard" and delivery.attempt < 3:
            raise Unavailable("not now")

    collector = Collector(fail_twice)
    for camera in ("easy", "hard", "last"):
        bus.publish(changed(camera))
    bus.subscribe(QUEUE, collector)
    assert bus.join()
    assert collector.cameras == ["easy", "hard", "hard", "hard", "last"]
    assert [d.attempt for d in collector.seen] == [1, 1, 2, 3, 1]
    assert bus.dead_letters() == []


@pytest.mark.parametrize("error", [Unavailable("the disk sleeps"), ValueError("a fault of ours")])
def test_a_message_that_always_fails_becomes_a_dead_letter_with_its_reason(bus: Bus, error: Exception) -> None:
    def fail(delivery: Delivery) -> None:
        if delivery.message.camera == "poison":
            raise error

    collector = Collector(fail)
    bus.publish(changed("poison"))
    bus.publish(changed("fine"))
    bus.subscribe(QUEUE, collector)
    assert bus.join()
    assert collector.cameras == ["poison"] * MAX_ATTEMPTS + ["fine"]
    (letter,) = bus.dead_letters()
    assert letter.queue == QUEUE
    assert letter.attempts == MAX_ATTEMPTS
    assert str(error) in letter.reason


def test_a_failure_that_no_retry_mends_is_a_dead_letter_at_once(bus: Bus) -> None:
    def fail(_: Delivery) -> None:
        raise NotFound("no such object")

    collector = Collector(fail)
    bus.publish(changed("gone"))
    bus.subscribe(QUEUE, collector)
    assert bus.join()
    assert len(collector.seen) == 1
    assert [letter.reason for letter in bus.dead_letters(QUEUE)] == ["no such object"]
    assert bus.dead_letters("another") == []


def test_dead_letters_are_replayed_after_a_fix_or_dropped(bus: Bus) -> None:
    broken = True

    def fail(_: Delivery) -> None:
        if broken:
            raise InvalidInput("cannot be read")

    collector = Collector(fail)
    for camera in ("a", "b"):
        bus.publish(changed(camera))
    bus.subscribe(QUEUE, collector)
    assert bus.join()
    first, second = bus.dead_letters()
    assert bus.drop([second.id]) == 1
    broken = False
    assert bus.replay([first.id]) == 1
    assert bus.join()
    assert collector.cameras == ["a", "b", "a"]
    assert collector.seen[-1].attempt == 1
    assert bus.dead_letters() == []


def test_every_queue_of_a_type_gets_its_messages(bus: Bus) -> None:
    bus.declare("segmenter", [GapRecorded, RunEnded])
    one, two = Collector(), Collector()
    bus.subscribe(QUEUE, one)
    bus.subscribe("segmenter", two)
    bus.publish(changed("x"))
    assert bus.join()
    assert one.cameras == two.cameras == ["x"]


def test_the_partitions_of_a_queue_keep_the_order_of_each_camera(bus: Bus) -> None:
    """W-2: who asks for a partition gets its cameras alone; who asks for the queue gets all."""
    bus.declare("shared", [RunEnded], partitions=4)
    cameras = [f"c{k}" for k in range(12)]
    told = [(camera, at) for at in range(10) for camera in cameras]
    mine = Collector()
    first = bus.subscribe("shared.2", mine)
    for camera, at in told:
        bus.publish(RunEnded(camera=camera, time_us=at, run="r", end_us=at, cause="disabled"))
    wanted = [(c, at) for c, at in told if partition_of(c, 4) == 2]
    wait_for("a partition", lambda: len(mine.seen) == len(wanted))
    assert [(d.message.camera, d.message.time_us) for d in mine.seen] == wanted
    wait_for("the others", lambda: bus.depth("shared") == len(told) - len(wanted))
    first.close()
    rest = Collector()
    bus.subscribe("shared", rest)
    assert bus.join()
    for camera in {c for c, _ in told} - {c for c, _ in wanted}:
        assert [d.message.time_us for d in rest.seen if d.message.camera == camera] == list(range(10))
    assert len(rest.seen) == len(told) - len(wanted)
    with pytest.raises(InvalidInput, match="use 1, 2, 4, 8 or 16"):
        bus.declare("odd", [RunEnded], partitions=3)


def test_closing_waits_for_the_message_in_hand_and_leaves_the_rest(bus: Bus) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(_: Delivery) -> None:
        begun.set()
        assert go_on.wait(5)

    collector = Collector(wait)
    subscription = bus.subscribe(QUEUE, collector)
    bus.publish(changed("in-hand"))
    bus.publish(changed("later"))
    assert begun.wait(5)
    closer = threading.Thread(target=subscription.close)
    closer.start()
    go_on.set()
    closer.join(5)
    assert not closer.is_alive()
    assert collector.cameras == ["in-hand"]
    assert bus.depth(QUEUE) == 1


def test_many_threads_publish_at_once(bus: Bus) -> None:
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    threads = [
        threading.Thread(target=lambda t=t: [bus.publish(changed(f"t{t}-{k}")) for k in range(40)]) for t in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bus.join()
    assert len(set(collector.cameras)) == 320
    for t in range(8):
        mine = [c for c in collector.cameras if c.startswith(f"t{t}-")]
        assert mine == [f"t{t}-{k}" for k in range(40)]


def test_transient_messages_reach_all_who_listen_with_their_body(bus: Bus) -> None:
    ready = threading.Barrier(3)
    first, second = Collector(lambda _: ready.wait(5) and None), Collector(lambda _: ready.wait(5) and None)
    bus.subscribe_transient([LivePreview], first)
    bus.subscribe_transient([LivePreview, LiveRequested], second, cameras=["gate"])
    bus.publish(LivePreview(camera="gate", time_us=1, width=2, height=2), b"jpeg")
    ready.wait(5)
    assert [d.body for d in first.seen] == [d.body for d in second.seen] == [b"jpeg"]


def test_a_slow_listener_loses_the_oldest_and_the_loss_is_counted(bus: Bus) -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def slow(delivery: Delivery) -> None:
        begun.set()
        go_on.wait(5)
        if delivery.message.time_us == 19:
            done.set()

    collector = Collector(slow)
    subscription = bus.subscribe_transient([LivePreview], collector, maxlen=4)
    bus.publish(LivePreview(camera="a", time_us=0, width=2, height=2), b"")
    assert begun.wait(5)
    for k in range(1, 20):
        bus.publish(LivePreview(camera="a", time_us=k, width=2, height=2), b"")
    time.sleep(0.5)  # nobody waits for a broker to have a transient message
    go_on.set()
    assert done.wait(5)
    assert [d.message.time_us for d in collector.seen] == [0, 16, 17, 18, 19]
    assert subscription.dropped == 15


def test_transient_messages_of_other_cameras_do_not_come(bus: Bus) -> None:
    got = threading.Event()
    collector = Collector(lambda _: got.set())
    bus.subscribe_transient([LivePreview], collector, cameras=["mine"])
    for camera in ("other", "mine"):
        bus.publish(LivePreview(camera=camera, time_us=0, width=2, height=2), b"")
    assert got.wait(5)
    assert collector.cameras == ["mine"]


def test_messages_survive_kill_9_of_the_process(tmp_path: Path) -> None:
    """The durable adapters only: what was published before the kill is delivered after it, in order."""
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from gatehouse_common.bus.embedded import EmbeddedBus
        from gatehouse_common.clock import SystemClock
        from gatehouse_common.messages import GapRecorded
        bus = EmbeddedBus(Path(sys.argv[1]), SystemClock())
        bus.declare("capture", [GapRecorded])
        def stuck(delivery): time.sleep(60)
        bus.subscribe("capture", stuck)
        for k in range(10_000):
            bus.publish(GapRecorded(camera=f"c{k}", time_us=0, start_us=0, end_us=1, cause="dropped"))
            print(k, flush=True)
        """
    )
    path = tmp_path / "bus.db"
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = -1
    for line in process.stdout:
        told = int(line)
        if told >= 300:
            os.kill(process.pid, signal.SIGKILL)
            break
    rest = process.stdout.read().split()
    told = int(rest[-1]) if rest else told
    process.stdout.close()
    process.wait()
    bus = EmbeddedBus(path, SystemClock())
    bus.declare(QUEUE, [GapRecorded])
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    assert bus.join()
    bus.close()
    assert collector.cameras[: told + 1] == [f"c{k}" for k in range(told + 1)]
    assert collector.seen[0].attempt == 2  # it was in the hand of the killed one


def test_a_damaged_journal_is_moved_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    bus = EmbeddedBus(path, SystemClock())
    bus.declare(QUEUE, [GapRecorded])
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    bus.publish(changed("on"))
    assert bus.join()
    bus.close()
    assert collector.cameras == ["on"]
    assert len(list(tmp_path.glob("bus.db.corrupt-*"))) == 1


def test_a_body_that_cannot_be_decoded_is_a_dead_letter_and_the_queue_goes_on(tmp_path: Path) -> None:
    """Unknown types and versions, and rubbish, as a newer or broken writer would leave them."""
    path = tmp_path / "bus.db"
    journal = Journal(path)
    bodies = {
        b"\xff\xfe": "not JSON",
        b"[1]": "not a JSON object",
        b'{"type":"camera.exploded","version":1}': "unknown message type 'camera.exploded'",
        b'{"type":"camera.changed","version":9}': "version",
        b'{"type":"camera.changed","version":1,"camera":"x","time_us":"soon","action":"added"}': "time_us",
    }
    for body in bodies:
        journal.add([QUEUE], body)
    journal.close()
    bus = EmbeddedBus(path, SystemClock())
    bus.declare(QUEUE, [GapRecorded])
    bus.publish(changed("fine"))
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    assert bus.join()
    letters = bus.dead_letters()
    bus.close()
    assert collector.cameras == ["fine"]
    assert [letter.data for letter in letters] == list(bodies)
    assert all(text in letter.reason for letter, text in zip(letters, bodies.values(), strict=True))

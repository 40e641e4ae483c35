"""The bus on a real RabbitMQ that stops, is killed, has no memory left, or is full of poison."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pika
import pytest

from brokers import works
from bus_collector import QUEUE, Collector, gap
from gatehouse_common.bus import Delivery
from gatehouse_common.bus.rabbitmq import RabbitBus
from gatehouse_common.bus.rabbitmq.consuming import QueueSubscription
from gatehouse_common.bus.rabbitmq.listening import TransientSubscription
from gatehouse_common.bus.rabbitmq.outbox import DiskOutbox
from gatehouse_common.bus.rabbitmq.topology import EVENTS, queue_name, routing_key
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import InvalidInput, Unavailable
from gatehouse_common.messages import GapRecorded, LivePreview, Message, encode
from gatehouse_common.observability.metrics import BUS_CONNECTED, MESSAGES_DROPPED
from gatehouse_indexer.service import build as build_indexer
from pipeline_kit import core_at
from rabbitmq_server import RabbitMQ
from running import wait_for


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_nothing_is_lost_while_the_broker_is_away(
    own_broker: RabbitMQ, make: Callable[..., RabbitBus], how: str
) -> None:
    """R2: four threads publish all the time; the broker is killed or stopped for four seconds; order is kept."""
    publisher, reader = make(own_broker.url(), "publisher"), make(own_broker.url(), "reader")
    wait_for("the bus", lambda: works(publisher) and works(reader))
    collector = Collector()
    reader.subscribe(QUEUE, collector)
    stop = threading.Event()
    told: dict[str, int] = {}
    slowest = [0.0]

    def publish(camera: str) -> None:
        at = 0
        while not stop.is_set():
            begun = time.monotonic()
            publisher.publish(gap(camera, at))
            slowest[0] = max(slowest[0], time.monotonic() - begun)
            told[camera] = at = at + 1
            time.sleep(0.004)

    threads = [threading.Thread(target=publish, args=(f"cam-{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    own_broker.kill() if how == "kill" else own_broker.stop()
    time.sleep(4)
    before = dict(told)
    with pytest.raises(Unavailable, match=r"broker 127\.0\.0\.1"):
        publisher.check()
    own_broker.start()
    wait_for("the bus", lambda: works(publisher) and works(reader), 60)
    time.sleep(1)
    stop.set()
    for thread in threads:
        thread.join()
    assert min(before.values()) > 100, "publishing goes on while the broker is away"
    assert reader.join(60)
    wait_for("the outbox", lambda: len(publisher._outbox) == 0)
    assert reader.join(60)
    for camera, count in told.items():
        first = list(dict.fromkeys(collector.of(camera)))  # at least once: a double may come
        assert first == list(range(count))
    assert slowest[0] < 3, "a publisher waits for a confirm for two seconds at most"
    assert reader.dead_letters() == []


def test_what_is_in_the_outbox_survives_kill_9(
    own_broker: RabbitMQ, make: Callable[..., RabbitBus], tmp_path: Path
) -> None:
    own_broker.kill()
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from gatehouse_common.bus.rabbitmq import RabbitBus
        from gatehouse_common.clock import SystemClock
        from gatehouse_common.messages import GapRecorded
        bus = RabbitBus(sys.argv[1], Path(sys.argv[2]), SystemClock())
        bus.declare("indexer", [GapRecorded], partitions=4)
        for k in range(100_000):
            bus.publish(GapRecorded(camera="cam", time_us=k, start_us=0, end_us=1, cause="dropped"))
            print(k, flush=True)
        """
    )
    command = [sys.executable, "-c", script, own_broker.url(), str(tmp_path / "killed.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = -1
    for line in process.stdout:
        if line.strip().isdecimal():
            told = int(line)
        if told >= 500:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    process.wait()
    own_broker.start()
    bus = make(own_broker.url(), "killed")
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    wait_for("all of them", lambda: len(collector.seen) > told, 60)
    assert bus.join(30)
    assert list(dict.fromkeys(collector.of("cam")))[: told + 1] == list(range(told + 1))


def test_what_waited_reaches_every_queue_of_a_new_broker(vhost: str, tmp_path: Path) -> None:
    """And what no queue takes any more does not hold up what waits behind it: it is a dead letter."""
    outbox = DiskOutbox(tmp_path / "outbox.db")
    outbox.add(EVENTS, "abolished.type.cam.3", b"{}")
    for k in range(50):
        outbox.add(EVENTS, routing_key(gap("cam", k)), encode(gap("cam", k)))
    outbox.close()
    names = ["one", "other", "third"]
    bus = RabbitBus(vhost, tmp_path / "outbox.db", SystemClock(), queues={key: [GapRecorded] for key in names})
    heard = {name: Collector() for name in names}
    for name, collector in heard.items():
        bus.subscribe(name, collector)
    wait_for("all", lambda: all(c.of("cam") == list(range(50)) for c in heard.values()))
    (letter,) = bus.dead_letters()
    assert (letter.data, letter.queue) == (b"{}", "abolished.type.cam.3")
    assert "no queue takes abolished.type.cam.3" in letter.reason
    assert bus.replay([letter.id]) == 0, "there is still no queue for it; it stays, and hinders no other"
    assert bus.dead_letters() == [letter]
    assert bus.drop([letter.id]) == 1
    bus.close()


def test_durable_messages_do_not_wait_for_pictures(vhost: str, make: Callable[..., RabbitBus]) -> None:
    """More pictures than the broker can take: the oldest are dropped and counted; what is durable goes between them."""
    bus = make(vhost)
    wait_for("the bus", lambda: works(bus))
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    stop, picture = threading.Event(), bytes(1 << 20)
    dropped = MESSAGES_DROPPED.labels(LivePreview.TYPE)._value.get()

    def flood() -> None:
        while not stop.is_set():
            bus.publish(LivePreview(camera="cam", time_us=0, width=1, height=1), picture)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        time.sleep(1)
        bus.publish(gap("cam", 1))
        wait_for("the durable one", lambda: collector.of("cam") == [1], 10)
        with bus._publishing._room:  # between a picture's coming and the oldest's going there is one more
            assert bus._publishing._bytes <= 16 << 20
    finally:
        stop.set()
        thread.join()
    assert MESSAGES_DROPPED.labels(LivePreview.TYPE)._value.get() > dropped


def test_a_subscription_that_comes_while_the_connection_is_made_is_opened(
    vhost: str, make: Callable[..., RabbitBus], monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = make(vhost)
    wait_for("the bus", lambda: works(bus))
    heard, late = Collector(), list[object]()
    bus.subscribe_transient([GapRecorded], Collector())
    opened = TransientSubscription.open_channel

    def hooked(self: TransientSubscription, connection: pika.BlockingConnection) -> None:
        opened(self, connection)
        if not late:
            late.append(bus.subscribe_transient([LivePreview], heard))

    monkeypatch.setattr(TransientSubscription, "open_channel", hooked)
    connection = bus._consuming._connection
    assert connection is not None
    assert bus._consuming.call(connection.close)
    wait_for("the late one", lambda: bool(late))

    def previewed() -> bool:
        bus.publish(LivePreview(camera="cam", time_us=0, width=1, height=1), b"jpeg")
        return bool(heard.seen)

    wait_for("live view", previewed, 15)


def test_a_message_in_the_hand_of_a_killed_process_comes_again(
    vhost: str, make: Callable[..., RabbitBus], tmp_path: Path
) -> None:
    bus = make(vhost)
    wait_for("the bus", lambda: works(bus))
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from gatehouse_common.bus.rabbitmq import RabbitBus
        from gatehouse_common.clock import SystemClock
        from gatehouse_common.messages import GapRecorded
        bus = RabbitBus(sys.argv[1], Path(sys.argv[2]), SystemClock())
        bus.declare("indexer", [GapRecorded], partitions=4)
        def stuck(delivery):
            print("in hand", flush=True)
            time.sleep(60)
        bus.subscribe("indexer", stuck)
        time.sleep(60)
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, vhost, str(tmp_path / "other.db")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    bus.publish(gap("cam", 7))
    for line in process.stdout:
        if "in hand" in line:
            break
    process.kill()
    process.stdout.close()
    process.wait()
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    wait_for("the message", lambda: collector.of("cam") == [7], 20)
    assert collector.seen[0].attempt == 2
    assert bus.join()


def test_a_subscription_that_the_broker_ends_is_begun_anew(vhost: str, make: Callable[..., RabbitBus]) -> None:
    """It closes the channel of who keeps a message for too long, and cancels consumers of a queue that is deleted."""
    bus = make(vhost)
    wait_for("the bus", lambda: works(bus))
    collector, heard = Collector(), Collector()
    subscription = bus.subscribe(QUEUE, collector)
    bus.subscribe_transient([LivePreview], heard)

    def channels() -> set[object]:
        return {member._channel for member in bus._consuming._members} - {None}

    bus.publish(gap("cam", 1))
    wait_for("the first", lambda: collector.of("cam") == [1])
    before = channels()
    for channel in before:
        # A mistake that closes the channel.
        bus._consuming.call(lambda channel=channel: channel.basic_ack(999))  # type: ignore[misc]
    wait_for("new channels", lambda: len(channels() - before) == len(before))
    bus.publish(gap("cam", 2))
    bus.publish(LivePreview(camera="cam", time_us=0, width=1, height=1), b"jpeg")
    wait_for("the second", lambda: collector.of("cam") == [1, 2] and len(heard.seen) == 1)
    assert bus.join()

    before = {member._channel for member in bus._consuming._members if isinstance(member, QueueSubscription)}
    connection = pika.BlockingConnection(pika.URLParameters(vhost))
    for name in bus._topology.names(QUEUE):
        connection.channel().queue_delete(queue_name(name))
    connection.close()
    wait_for("new channels", lambda: not channels() & before)
    bus.publish(gap("cam", 3))
    wait_for("the third", lambda: collector.of("cam") == [1, 2, 3])
    subscription.close()


def test_a_handler_may_take_longer_than_heartbeats(vhost: str, tmp_path: Path) -> None:
    bus = RabbitBus(vhost + "?heartbeat=2", tmp_path / "outbox.db", SystemClock(), "slow")
    bus.declare(QUEUE, [GapRecorded])
    done = threading.Event()

    def slow(_: Delivery) -> None:
        time.sleep(7)
        done.set()

    collector = Collector(slow)
    bus.subscribe(QUEUE, collector)
    bus.publish(gap("cam"))
    assert done.wait(20)
    assert bus.join()
    assert len(collector.seen) == 1
    bus.close()


def test_a_broker_without_memory_stops_nobody(
    own_broker: RabbitMQ, make: Callable[..., RabbitBus], tmp_path: Path
) -> None:
    """A blocked connection: publishing goes to the outbox at once, and out of it when the alarm is over.

    Nor is it called a connection that works: to keep one and take nothing is all that such a broker does.
    """
    bus = make(own_broker.url())
    wait_for("the bus", lambda: works(bus))
    connected = BUS_CONNECTED.labels("publisher")
    assert connected.collect()[0].samples[0].value == 1
    bus.publish(gap("cam", 0))
    own_broker.control("set_vm_memory_high_watermark", "0.000001")
    begun = time.monotonic()
    for at in range(1, 200):
        bus.publish(gap("cam", at))
    assert time.monotonic() - begun < 6
    wait_for("a look at the connection", lambda: connected.collect()[0].samples[0].value == 0)
    with pytest.raises(Unavailable, match="takes no messages: is its memory or its disk full"):
        bus.check()
    with core_at(tmp_path / "data") as core:
        (told,) = [one for one in build_indexer(replace(core, bus=bus)).health() if one.name == "bus"]
        assert (told.ok, "takes no messages" in told.detail) == (False, True), "and its readiness names it"
    own_broker.control("set_vm_memory_high_watermark", "absolute", "1GB")
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    wait_for("all of them", lambda: len(collector.of("cam")) >= 200, 60)
    assert list(dict.fromkeys(collector.of("cam"))) == list(range(200))
    wait_for("the bus", lambda: works(bus))
    assert connected.collect()[0].samples[0].value == 1


def test_a_damaged_outbox_stops_no_recorder(vhost: str, tmp_path: Path) -> None:
    """It is moved aside, and what is told from then on arrives."""
    (tmp_path / "outbox.db").write_bytes(b"this is no database" * 1000)
    bus = RabbitBus(vhost, tmp_path / "outbox.db", SystemClock())
    bus.declare(QUEUE, [GapRecorded])
    collector = Collector()
    bus.subscribe(QUEUE, collector)
    bus.publish(gap("cam", 5))
    wait_for("the message", lambda: collector.of("cam") == [5])
    bus.close()
    (aside,) = tmp_path.glob("outbox.db.corrupt-*")
    assert aside.read_bytes().startswith(b"this is no database")


def test_the_outbox_is_bounded_and_says_so(tmp_path: Path) -> None:
    outbox = DiskOutbox(tmp_path / "outbox.db", most_messages=3, most_bytes=1000)
    for k in range(3):
        outbox.add("gatehouse", "key", bytes([k]))
    with pytest.raises(Unavailable, match="3 messages wait for the broker"):
        outbox.add("gatehouse", "key", b"more")
    outbox.done(outbox.oldest(1))
    with pytest.raises(Unavailable):
        outbox.add("gatehouse", "key", bytes(2000))
    outbox.add("gatehouse", "key", b"fits")
    assert [one.data for one in outbox.oldest(9)] == [b"\1", b"\2", b"fits"]
    outbox.close()
    again = DiskOutbox(tmp_path / "outbox.db")
    assert len(again) == 3
    again.close()


def test_another_process_takes_over_a_partition_when_its_reader_ends(
    vhost: str, make: Callable[..., RabbitBus]
) -> None:
    """One active consumer at a time: the second gets nothing while the first is there, and all when it has gone."""
    one, two = make(vhost, "one"), make(vhost, "two")
    wait_for("both", lambda: works(one) and works(two))
    first, second = Collector(), Collector()
    reading = one.subscribe(QUEUE, first)
    time.sleep(0.5)
    two.subscribe(QUEUE, second)
    for at in range(40):
        one.publish(gap(f"cam-{at % 8}", at))
    assert one.join()
    assert len(first.seen) == 40
    assert second.seen == []
    reading.close()
    for at in range(40, 80):
        one.publish(gap(f"cam-{at % 8}", at))
    wait_for("the rest", lambda: len(second.seen) == 40)
    assert len(first.seen) == 40


def test_refusals_are_told_without_the_password(own_broker: RabbitMQ, tmp_path: Path) -> None:
    wrong = own_broker.url().replace("guest:guest", "guest:canary-password")
    nowhere = own_broker.url("nowhere")
    for number, (url, said) in enumerate(
        ((wrong, "does not know our user or password"), (nowhere, "into that virtual host"))
    ):
        bus = RabbitBus(url, tmp_path / f"{number}.db", SystemClock(), "refused")

        def trouble(bus: RabbitBus = bus) -> str:
            with pytest.raises(Unavailable) as refused:
                bus.check()
            return refused.value.message

        wait_for(said, lambda said=said, trouble=trouble: said in trouble(), 30)
        assert "canary" not in trouble()
        bus.close()
    for bad in (
        "amqp://",
        "amqp://host:port/",
        "http://user:canary-password@host/",
        "amqp://user:canary-password@h:99999/",
    ):
        with pytest.raises(InvalidInput) as refused:
            RabbitBus(bad, tmp_path / "bad.db", SystemClock())
        assert "canary" not in refused.value.message


def test_transient_messages_are_dropped_while_the_broker_is_away(tmp_path: Path) -> None:
    bus = RabbitBus("amqp://guest:guest@127.0.0.1:9/", tmp_path / "outbox.db", SystemClock())
    bus.publish(LivePreview(camera="a", time_us=0, width=2, height=2), b"jpeg")
    message: Message = gap("a")
    begun = time.monotonic()
    bus.publish(message)
    assert time.monotonic() - begun < 0.5
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
        bus.depth(QUEUE)
    bus.close()

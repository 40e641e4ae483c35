"""Messages that nobody can handle, of every type, on a real RabbitMQ: put aside, and replayed once that is mended."""

from __future__ import annotations

from pathlib import Path

import pika
import pytest

from brokers import works
from bus_collector import Collector
from gatehouse_common.bus import Delivery
from gatehouse_common.bus.rabbitmq import RabbitBus
from gatehouse_common.bus.rabbitmq.topology import queue_name
from gatehouse_common.clock import SystemClock
from gatehouse_common.errors import NotFound
from gatehouse_common.messages import encode
from gatehouse_common.messages.asyncapi import documents
from gatehouse_common.messages.catalog import CATALOG, queues
from plate_kit import read_of, visit_of
from running import wait_for


def samples() -> list[tuple[str, bytes]]:
    """A message of every durable type there is, made from its own schema."""
    found = []
    for entry in CATALOG:
        if entry.durable:
            fields = {
                name: _value(field.annotation, name)
                for name, field in entry.model.model_fields.items()
                if field.is_required()
            }
            message = entry.model.model_validate({"camera": "gate", "time_us": 1, **fields})
            found += [(queue, encode(message)) for queue in entry.consumers]
    return found


def _value(annotation: object, name: str) -> object:
    if name == "camera":
        return "gate"
    known: dict[str, object] = {
        "state": "recording",
        "cause": "dropped",
        "init": "AAAA",
        "action": "added",
        "reason": "age",
        "fps": 1.0,
        "kinds": ["media"],
        "read": read_of("AB123CD", 1),
        "visit": visit_of("event", "AB123CD", 1, 2, 2, read_of("AB123CD", 1)),
    }
    if name in known:
        return known[name]
    return "text" if annotation is str else 1


def test_a_poison_message_of_each_type_is_a_dead_letter_and_is_replayed_after_a_fix(
    vhost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatehouse_common.bus.rabbitmq.consuming.RETRY_PAUSES_S", (0.0,))
    assert documents()
    bus = RabbitBus(vhost, tmp_path / "outbox.db", SystemClock(), "poisoned")
    for queue, types in queues().items():
        bus.declare(queue, types)
    broken = True

    def fail(delivery: Delivery) -> None:
        if broken:
            raise NotFound(f"cannot handle {delivery.message.TYPE}")

    collector = Collector(fail)
    for queue in queues():
        bus.subscribe(queue, collector)
    wait_for("the bus", lambda: works(bus))
    wanted = samples()
    raw = pika.BlockingConnection(pika.URLParameters(vhost))
    channel = raw.channel()
    for queue, data in wanted:
        channel.basic_publish("", queue_name(queue), data)
    newer = wanted[0][1].replace(b'"version":1', b'"version":99')
    channel.basic_publish("", queue_name(wanted[0][0]), newer)
    channel.basic_publish("", queue_name(wanted[0][0]), b"\xff rubbish")
    raw.close()
    wait_for("dead letters", lambda: len(bus.dead_letters()) == len(wanted) + 2, 20)
    letters = bus.dead_letters()
    assert {(one.queue, one.data) for one in letters} >= set(wanted)
    kinds = {one.data: one.reason for one in letters}
    assert all(kinds[data].startswith("cannot handle ") for _, data in wanted)
    assert "version '99'" in kinds[newer]
    assert "not JSON" in kinds[b"\xff rubbish"]
    assert [one.id for one in bus.dead_letters()] == [one.id for one in letters], "looking changes nothing"
    broken = False
    collector.seen.clear()
    mended = [one.id for one in letters if one.data not in {newer, b"\xff rubbish"}]
    assert bus.replay(mended) == len(wanted)
    assert bus.join(20)
    assert sorted(encode(d.message) for d in collector.seen) == sorted(data for _, data in wanted)
    assert all(d.attempt == 1 for d in collector.seen)
    rest = bus.dead_letters()
    assert {one.data for one in rest} == {newer, b"\xff rubbish"}
    assert bus.drop([one.id for one in rest]) == 2
    assert bus.dead_letters() == []
    bus.close()

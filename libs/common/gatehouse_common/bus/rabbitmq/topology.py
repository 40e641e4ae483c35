"""Exchanges and queues: declared from the catalogue of messages by whoever connects, so that order does not matter."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gatehouse_common.bus.port import partition_names, slot_of, slots_of
from gatehouse_common.messages import Message

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

EVENTS = "gatehouse"
TRANSIENT = "gatehouse.transient"
DEAD = "gatehouse.dead"
DELIVERY_LIMIT = 100
"""Times a message may be in the hand of a process that dies before the broker itself makes it a dead letter.

Many, as brokers before 4.3 also count each time that a message is given back untried, or taken back.
"""
_HELD_MS = 7 * 24 * 3600 * 1000
"""For so long a handler may have a message in hand while the store or the index is away; older brokers (before 3.12)
do not know the argument, and take it back after half an hour."""
_MANY = 1_000_000


def routing_key(message: Message) -> str:
    """Return ``{type}.{camera}.{slot}``: the slot is what partitions are made of."""
    return f"{message.routing_key}.{slot_of(message.camera)}"


def queue_name(queue: str) -> str:
    """Return what a queue is called on the broker, which others may use too."""
    return f"gatehouse.{queue}"


class Topology:
    """The queues that this process knows of. Safe for use by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, tuple[list[type[Message]], int]] = {}

    def add(self, queue: str, types: Sequence[type[Message]], partitions: int) -> None:
        """Know a queue; types that it is known to receive already stay.

        Raises:
            InvalidInput: there cannot be so many partitions.
        """
        partition_names(queue, partitions)
        with self._lock:
            known, _ = self._queues.get(queue, ([], partitions))
            self._queues[queue] = (known + [t for t in types if t not in known], partitions)

    def names(self, queue: str) -> list[str]:
        """Return the names of a queue's partitions."""
        with self._lock:
            _, partitions = self._queues.get(queue, ([], 1))
        return partition_names(queue, partitions)

    def all_names(self) -> list[str]:
        """Return the names of all queues, each partition one."""
        with self._lock:
            known = {queue: partitions for queue, (_, partitions) in self._queues.items()}
        return [name for queue, partitions in known.items() for name in partition_names(queue, partitions)]

    def declare(self, channel: BlockingChannel) -> None:
        """Make what is not there yet; what is there in another way is an error of pika's."""
        channel.exchange_declare(EVENTS, "topic", durable=True)
        channel.exchange_declare(TRANSIENT, "topic", durable=False)
        channel.exchange_declare(DEAD, "fanout", durable=True)
        # Looking at dead letters counts as delivering them, so their own limit must be out of reach.
        channel.queue_declare(DEAD, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": _MANY})
        channel.queue_bind(DEAD, DEAD)
        with self._lock:
            queues = dict(self._queues)
        for queue, (types, partitions) in queues.items():
            for number, name in enumerate(partition_names(queue, partitions)):
                _declare_queue(channel, queue_name(name), alone=partitions > 1)
                for model in types:
                    for pattern in _patterns(model, number, partitions):
                        channel.queue_bind(queue_name(name), EVENTS, pattern)


def _declare_queue(channel: BlockingChannel, name: str, *, alone: bool) -> None:
    arguments: dict[str, Any] = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # what the strategy above asks for
        "x-consumer-timeout": _HELD_MS,
    }
    if alone:
        arguments["x-single-active-consumer"] = True
    channel.queue_declare(name, durable=True, arguments=arguments)


def _patterns(model: type[Message], number: int, partitions: int) -> list[str]:
    if partitions == 1:
        return [f"{model.TYPE}.#"]
    return [f"{model.TYPE}.*.{slot}" for slot in slots_of(number, partitions)]

"""Dead letters: a queue that nobody consumes, looked at without taking anything out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pika
import structlog
from pika import exceptions
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import PERSISTENT_DELIVERY_MODE

from gatehouse_common.bus.port import DeadLetter

from .address import Address
from .topology import DEAD, DELIVERY_LIMIT, EVENTS, Topology, queue_name

log = structlog.get_logger(__name__)

MOST = 10_000
"""So many are looked at, at most; the oldest ones."""


def headers_of(queue: str, reason: str, attempts: int, died_us: int) -> dict[str, Any]:
    """Return what a dead letter carries beside the message."""
    return {"queue": queue, "reason": reason, "attempts": attempts, "died_us": died_us}


class DeadLetters:
    """Looks at dead letters, and takes out those that are named.

    Looking hands all of them out and gives them back when the channel is closed; meanwhile another look finds none.
    """

    def __init__(self, address: Address, topology: Topology) -> None:
        self._address, self._topology = address, topology

    def list(self) -> list[DeadLetter]:
        """Return the dead letters, oldest first.

        Raises:
            Unavailable: the broker does not answer.
        """
        with self._address.talking() as channel:
            self._topology.declare(channel)
            found = [letter for letter, _ in _look(channel)]
            channel.close()
        return sorted(found, key=lambda one: (one.died_us, one.id))

    def replay(self, ids: Collection[int]) -> int:
        """Put dead letters back at the end of their queues; return how many."""

        def put_back(channel: BlockingChannel, letter: DeadLetter) -> None:
            properties = pika.BasicProperties(delivery_mode=PERSISTENT_DELIVERY_MODE, content_type="application/json")
            known = letter.queue in self._topology.all_names()
            # What no queue took has the key that it was published by in the place of a queue.
            exchange, key = ("", queue_name(letter.queue)) if known else (EVENTS, letter.queue)
            channel.basic_publish(exchange, key, letter.data, properties, mandatory=True)

        return self._take(ids, put_back)

    def drop(self, ids: Collection[int]) -> int:
        """Delete dead letters; return how many."""
        return self._take(ids, lambda _channel, _letter: None)

    def _take(self, ids: Collection[int], do: Callable[[BlockingChannel, DeadLetter], None]) -> int:
        wanted, taken = set(ids), 0
        with self._address.talking() as channel:
            self._topology.declare(channel)
            channel.confirm_delivery()
            for letter, tag in sorted(_look(channel), key=lambda found: (found[0].died_us, found[0].id)):
                if letter.id in wanted:
                    try:
                        do(channel, letter)  # confirmed when it returns: only then it is taken out here
                    except exceptions.UnroutableError:
                        log.warning("no queue takes a dead letter; it stays", queue=letter.queue, id=letter.id)
                        continue
                    channel.basic_ack(tag)
                    taken += 1
            channel.close()
        return taken


def _look(channel: BlockingChannel) -> Iterator[tuple[DeadLetter, int]]:
    found: list[tuple[DeadLetter, int]] = []
    while len(found) < MOST:
        method, properties, body = channel.basic_get(DEAD)
        if method is None or properties is None:
            break
        found.append((_letter(dict(properties.headers or {}), body or b""), int(method.delivery_tag or 0)))
    yield from found


def _letter(headers: dict[str, Any], data: bytes) -> DeadLetter:
    deaths = headers.get("x-death") or []
    if "reason" in headers:
        queue, reason = str(headers["queue"]), str(headers["reason"])
        attempts, died_us = int(headers["attempts"]), int(headers["died_us"])
    else:  # by the broker itself: whoever had it in hand died, time and again
        death = deaths[0] if deaths else {}
        queue = str(death.get("queue", "")).removeprefix(queue_name(""))
        reason = f"{death.get('reason', 'unknown')}: the process that had it in hand ended each time"
        attempts = DELIVERY_LIMIT + 1
        died = death.get("time")
        died_us = round(died.timestamp() * 1_000_000) if died is not None else 0
    digest = hashlib.sha256(queue.encode() + b"\0" + data).digest()
    return DeadLetter(int.from_bytes(digest[:6]), queue, data, reason, attempts, died_us)

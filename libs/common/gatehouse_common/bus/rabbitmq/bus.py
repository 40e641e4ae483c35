"""The bus on RabbitMQ: quorum queues, publisher confirms, and an outbox on the disk while the broker is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from gatehouse_common.bus.damage import open_or_begin_anew
from gatehouse_common.bus.port import DeadLetter, Handler, Subscription
from gatehouse_common.bus.subscriptions import Together
from gatehouse_common.clock import Clock
from gatehouse_common.errors import InvalidInput, Unavailable
from gatehouse_common.messages import Message, encode
from gatehouse_common.messages.catalog import entry_of
from gatehouse_common.observability.metrics import MESSAGES_DROPPED, MESSAGES_PUBLISHED

from .address import Address
from .consuming import Consuming, QueueSubscription
from .dead import DeadLetters, headers_of
from .framing import Framer
from .listening import TransientSubscription
from .outbox import DiskOutbox
from .publishing import Publishing
from .topology import DEAD, EVENTS, Topology, queue_name, routing_key

_S = TypeVar("_S", QueueSubscription, TransientSubscription)

CONFIRM_S = 2.0
_SETTLED_LOOKS = 3
_LOOK_S = 0.03
_FLUSH_S = 2.0


class RabbitBus:
    """A bus for services that are processes of their own.

    A durable message is written to the outbox first and published from there, so its order is kept and nothing is
    lost whether the broker is there or not; ``publish`` returns when the broker has confirmed it, or at once while it
    is away. Transient messages are dropped, and counted, while it is away.

    Args:
        url: ``amqp[s]://user:password@host[:port][/vhost]``.
        outbox: the outbox's file.
        clock: tells when a letter died.
        name: what the broker shows for our connections.
        queues: the durable queues that are known from the start, by what they receive: what waits in the outbox is
            sent once they are declared, so that it reaches all of them.
        partitions: of each of these.

    Raises:
        InvalidInput: the URL is not valid.
        Unavailable: the outbox cannot be opened; one that is damaged is moved aside. That the broker is away is no
            error.
    """

    def __init__(
        self,
        url: str,
        outbox: Path,
        clock: Clock,
        name: str = "",
        *,
        queues: Mapping[str, Sequence[type[Message]]] | None = None,
        partitions: int = 1,
    ) -> None:
        self._clock = clock
        self._address = Address(url, name)
        self._topology = Topology()
        for queue, types in (queues or {}).items():
            self._topology.add(queue, types, partitions)
        self._outbox = open_or_begin_anew(outbox, DiskOutbox)
        self._framer = Framer()
        self._publishing = Publishing(self._address, self._topology, self._outbox)
        self._consuming = Consuming(self._address, self._topology)
        self._dead = DeadLetters(self._address, self._topology)
        self._lock = threading.Lock()
        self._subscriptions: list[QueueSubscription | TransientSubscription] = []
        self._publishing.start()
        self._consuming.start()

    def declare(self, queue: str, types: Sequence[type[Message]], partitions: int = 1) -> None:
        """Make a durable queue for ``types``, as soon as the broker is there."""
        self._topology.add(queue, types, partitions)
        self._publishing.declare()

    def publish(self, message: Message, body: bytes | memoryview | None = None) -> None:
        """Send a message; a durable one is confirmed by the broker, or in the outbox, when this returns."""
        if not entry_of(type(message)).durable:
            if not self._publishing.offer(self._framer.frame(message, body)):
                MESSAGES_DROPPED.labels(message.TYPE).inc()
            return
        if body is not None:
            raise InvalidInput(f"{message.TYPE} is durable and cannot carry a binary body")
        self._send(EVENTS, routing_key(message), encode(message))
        MESSAGES_PUBLISHED.labels(message.TYPE).inc()

    def subscribe(self, queue: str, handler: Handler) -> Subscription:
        """Hand the messages of a durable queue to ``handler``, one after the other."""
        made = [
            self._keep(QueueSubscription(self._consuming, n, handler, self._bury)) for n in self._topology.names(queue)
        ]
        return made[0] if len(made) == 1 else Together(made)

    def subscribe_transient(
        self,
        types: Sequence[type[Message]],
        handler: Handler,
        *,
        cameras: Collection[str] | None = None,
        slots: Collection[int] | None = None,
        maxlen: int = 64,
    ) -> Subscription:
        """Hand transient messages of ``types`` to ``handler``."""
        return self._keep(TransientSubscription(self._consuming, types, handler, cameras, slots, maxlen))

    def depth(self, queue: str) -> int:
        """Return how many messages wait in a durable queue or are in a consumer's hand in this process."""
        return self._depth(self._topology.names(queue))

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, oldest first."""
        names = None if queue is None else {queue, *self._topology.names(queue)}
        return [one for one in self._dead.list() if names is None or one.queue in names]

    def dead_count(self) -> int:
        """Return how many dead letters there are."""
        with self._address.talking() as channel:
            return int(channel.queue_declare(DEAD, passive=True).method.message_count)

    def replay(self, ids: Collection[int]) -> int:
        """Put dead letters back into their queues."""
        return self._dead.replay(ids)

    def drop(self, ids: Collection[int]) -> int:
        """Delete dead letters."""
        return self._dead.drop(ids)

    def join(self, timeout_s: float = 10.0) -> bool:
        """Wait until the outbox and every durable queue are empty and idle.

        What is on its way from the broker to a consumer is seen by neither; so they have to be empty for a while.
        """
        deadline, looks = time.monotonic() + timeout_s, 0
        while looks < _SETTLED_LOOKS:
            if time.monotonic() > deadline:
                return False
            empty = len(self._outbox) == 0 and self._depth(self._topology.all_names()) == 0
            looks = looks + 1 if empty else 0
            time.sleep(_LOOK_S)
        return True

    def check(self) -> None:
        """Return if the broker takes messages and gives them out."""
        self._publishing.check()
        self._consuming.check()

    def close(self) -> None:
        """Close every subscription, send what can be sent within two seconds, and close the connections."""
        with self._lock:
            subscriptions, self._subscriptions = self._subscriptions, []
        for one in subscriptions:
            one.close()
        deadline = time.monotonic() + _FLUSH_S
        while len(self._outbox) and self._publishing.is_up and time.monotonic() < deadline:
            time.sleep(0.02)
        self._consuming.stop()
        self._publishing.stop()
        self._outbox.close()

    def _keep(self, made: _S) -> _S:
        with self._lock:
            self._subscriptions.append(made)
        return made

    def _send(self, exchange: str, key: str, data: bytes, headers: dict[str, object] | None = None) -> None:
        number = self._outbox.add(exchange, key, data, headers)
        self._publishing.wake()
        self._publishing.wait_for(number, CONFIRM_S)

    def _bury(self, queue: str, data: bytes, reason: str, attempts: int) -> None:
        self._send(DEAD, queue_name(queue), data, headers_of(queue, reason, attempts, self._clock.now_us()))

    def _depth(self, names: Sequence[str]) -> int:
        with self._address.talking() as channel:
            try:
                ready = sum(
                    channel.queue_declare(queue_name(name), passive=True).method.message_count for name in names
                )
            except ValueError as error:  # pika's own complaint about an answer that it did not expect
                raise Unavailable(f"the broker {self._address.shown} does not tell its queues") from error
        with self._lock:
            held = [s for s in self._subscriptions if isinstance(s, QueueSubscription) and s.name in names]
        return int(ready) + sum(s.in_hand for s in held)

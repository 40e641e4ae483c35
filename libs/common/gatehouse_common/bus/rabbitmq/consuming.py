"""From the broker to handlers: a thread for the connection, a thread for each subscription."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pika
import structlog
from pika.adapters.blocking_connection import BlockingChannel

from gatehouse_common.bus.hand import Hand
from gatehouse_common.bus.outcome import hand_over
from gatehouse_common.bus.port import MAX_ATTEMPTS, RETRY_PAUSES_S, Handler
from gatehouse_common.observability.metrics import MESSAGES_CONSUMED, MESSAGES_DEAD

from .address import Address
from .link import Link
from .topology import Topology, queue_name

log = structlog.get_logger(__name__)

PREFETCH = 1
"""The broker counts how often it has handed a message out, and gives one up that kills its handlers; those that only
waited behind it must not be counted with it."""
_CLOSE_S = 5.0
_HOLD_S = 30.0
_LOOK_S = 5.0

Bury = Callable[[str, bytes, str, int], None]
"""Makes a message a dead letter: its queue, the message, the reason, and how often it was tried."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the broker has handed out; its tag means something to its channel alone."""

    channel: BlockingChannel
    tag: int
    data: bytes
    before: int
    """How often it was handed out before, to processes that died or gave it back."""


class Consuming(Link):
    """The connection that consumes; every subscription has a channel of its own on it."""

    def __init__(self, address: Address, topology: Topology) -> None:
        super().__init__(address, "consumer")
        self._topology = topology
        self._members: tuple[Member, ...] = ()
        self._changing = threading.Lock()
        self._looked_s = 0.0

    def add(self, member: Member) -> None:
        """Open a subscription, now and whenever the connection is made anew."""
        with self._changing:
            self._members = (*self._members, member)
        self.call(lambda: self._open(member))

    def remove(self, member: Member) -> None:
        """Close a subscription's channel; what it was handed and has not settled goes back to its queue."""
        with self._changing:
            self._members = tuple(m for m in self._members if m is not member)
        closed = threading.Event()

        def close() -> None:
            try:
                member.close_channel()
            finally:
                closed.set()

        if self.call(close):
            closed.wait(_CLOSE_S)

    def _begin(self, connection: pika.BlockingConnection) -> None:
        channel = connection.channel()
        self._topology.declare(channel)
        channel.close()
        self._opened = connection
        for member in self._members:
            member.open_channel(connection)

    def _turn(self, connection: pika.BlockingConnection) -> None:
        super()._turn(connection)
        for member in self._members:
            if member.is_broken:  # by the broker, and the connection goes on: pika tells nobody
                log.warning("the broker has ended a subscription; it is begun anew", queue=member.name)
                member.close_channel()
            if not member.is_open:  # that, or it was added just as the connection was made
                self._open(member)
        if time.monotonic() - self._looked_s >= _LOOK_S:
            self._looked_s = time.monotonic()
            for member in self._members:
                member.look()

    def _lost(self) -> None:
        for member in self._members:
            member.forget_channel()

    def _open(self, member: Member) -> None:
        if member in self._members and not member.is_open:  # it may have come with a new connection by now
            channel = self._opened.channel()
            self._topology.declare(channel)
            channel.close()
            member.open_channel(self._opened)


class Member:
    """Something that has a channel while there is a connection; its methods are called in the connection's thread."""

    _channel: BlockingChannel | None = None
    _ended = False

    @property
    def name(self) -> str:
        """What it is a subscription of."""
        raise NotImplementedError

    @property
    def is_open(self) -> bool:
        """Whether it has a channel."""
        return self._channel is not None

    @property
    def is_broken(self) -> bool:
        """Whether nothing comes over its channel any more.

        The broker closes the channel of who keeps a message for too long, and ends a subscription whose queue was
        deleted or has lost its leader.
        """
        return self._channel is not None and (self._ended or not self._channel.is_open)

    def open_channel(self, connection: pika.BlockingConnection) -> None:
        """Begin to consume."""
        channel = connection.channel()
        self._ended = False
        channel.add_on_cancel_callback(self._on_cancel)
        self._channel = channel
        self._consume(channel)

    def look(self) -> None:
        """Look after what is to be known of it."""

    def close_channel(self) -> None:
        """Stop; the connection stays, and the broker gives what is not settled to others."""
        channel, self._channel = self._channel, None
        if channel is not None and channel.is_open:
            channel.close()

    def forget_channel(self) -> None:
        """The connection is gone, and the channel with it; tags of the lost channel mean nothing any more."""
        self._channel = None

    def _consume(self, channel: BlockingChannel) -> None:
        raise NotImplementedError

    def _on_cancel(self, _notice: object) -> None:
        self._ended = True


class QueueSubscription(Member):
    """A consumer of one durable queue, with a thread of its own that handles one message after the other.

    A retry happens here, with the message in hand: those behind it do not overtake.
    """

    def __init__(self, link: Consuming, name: str, handler: Handler, bury: Bury) -> None:
        self._link, self._name, self._handler, self._bury = link, name, handler, bury
        self._waiting: queue.SimpleQueue[Taken | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._count_lock = threading.Lock()
        self._in_hand = self._ready = 0
        self._hand = Hand(name, lambda: self._ready + self._in_hand)
        self._thread = threading.Thread(target=self._work, name=f"queue-{name}", daemon=True)
        self._thread.start()
        link.add(self)

    @property
    def name(self) -> str:
        """The queue, or its partition."""
        return self._name

    @property
    def dropped(self) -> int:
        """Always 0: durable messages are never dropped."""
        return 0

    @property
    def in_hand(self) -> int:
        """Messages that the broker has handed out and that are not settled yet."""
        return self._in_hand

    def close(self) -> None:
        """Stop after the handler in hand has finished; what waits behind it goes back to the queue."""
        self._stop.set()
        self._waiting.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._link.remove(self)
        self._hand.close()
        with self._count_lock:
            self._in_hand = 0

    def look(self) -> None:
        """Ask the broker how many messages wait."""
        if self._channel is not None and not self.is_broken:
            self._ready = self._channel.queue_declare(queue_name(self._name), passive=True).method.message_count

    def _consume(self, channel: BlockingChannel) -> None:
        channel.basic_qos(prefetch_count=PREFETCH)

        def take(_: Any, method: Any, properties: Any, body: bytes) -> None:
            before = (properties.headers or {}).get("x-delivery-count", 0)
            with self._count_lock:
                self._in_hand += 1
            self._waiting.put(Taken(channel, method.delivery_tag, body, int(before)))

        channel.basic_consume(queue_name(self._name), take)

    def _work(self) -> None:
        while not self._stop.is_set():
            taken = self._waiting.get()
            if taken is None or self._stop.is_set():
                return
            if taken.channel is not self._channel:  # it comes again over the channel that there is now
                self._settled()
                continue
            try:
                how = "ack" if self._handle(taken) else "nack"
                self._link.call(lambda taken=taken, how=how: _settle(taken, how))  # type: ignore[misc]
            except Exception:  # this thread is the queue's reader: it must outlive a fault in one message
                log.exception("a message could not be worked off; it comes again", queue=self._name)
                self._link.call(lambda taken=taken: _settle(taken, "nack"))  # type: ignore[misc]
            finally:
                self._settled()

    def _handle(self, taken: Taken) -> bool:
        """Hand a message over, again if that may help; return whether it is done with, and does not go back."""
        tries = 0
        while True:
            # The broker also counts how often it was given back untried: that says nothing against the message.
            tries, attempt = tries + 1, taken.before + tries + 1
            outcome = hand_over(self._hand, taken.data, self._handler, attempt)
            if outcome.reason is None:
                MESSAGES_CONSUMED.labels(self._name, "done").inc()
                return True
            if outcome.stopped:
                # The broker counts it as one more time when it goes back, so not before this subscription ends.
                self._stop.wait(_HOLD_S)
                return False
            if not outcome.retry or tries >= MAX_ATTEMPTS:
                log.error("message is a dead letter", queue=self._name, attempts=attempt, reason=outcome.reason)
                self._bury(self._name, taken.data, outcome.reason, attempt)
                MESSAGES_DEAD.labels(self._name).inc()
                return True
            MESSAGES_CONSUMED.labels(self._name, "retried").inc()
            log.warning("message will be tried again", queue=self._name, attempt=attempt, reason=outcome.reason)
            if self._stop.wait(RETRY_PAUSES_S[min(tries, len(RETRY_PAUSES_S)) - 1]):
                return False

    def _settled(self) -> None:
        self._hand.empty()
        with self._count_lock:
            self._in_hand -= 1


def _settle(taken: Taken, how: str) -> None:
    if not taken.channel.is_open:
        return  # the broker hands it out anew: handlers are idempotent
    if how == "ack":
        taken.channel.basic_ack(taken.tag)
    else:
        taken.channel.basic_nack(taken.tag, requeue=True)

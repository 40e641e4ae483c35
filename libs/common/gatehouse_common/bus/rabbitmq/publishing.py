"""From the disk outbox to the broker: in order, each message confirmed, again and again until it is."""

from __future__ import annotations

import threading
import time
from collections import deque

import pika
import structlog
from pika import exceptions
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import PERSISTENT_DELIVERY_MODE

from gatehouse_common.errors import Unavailable
from gatehouse_common.observability.metrics import MESSAGES_DEAD, MESSAGES_DROPPED

from .address import Address
from .dead import headers_of
from .framing import Framed
from .link import Link
from .outbox import DiskOutbox, Outgoing
from .topology import DEAD, TRANSIENT, Topology

log = structlog.get_logger(__name__)

_AT_ONCE = 100
_REFUSED_PAUSE_S = 0.5
_MOST_REFUSALS = 3
_STALLED_S = 10.0
"""A broker that has confirmed nothing for so long, though something waits, takes nothing: it does not say so."""
_TRANSIENT_WAITING = 1000
_TRANSIENT_BYTES = 16 << 20
_TRANSIENT_AT_ONCE = 10


class Publishing(Link):
    """The connection that publishes.

    Args:
        address: which broker.
        topology: what is declared when it is reached.
        outbox: what is to be published.
    """

    def __init__(self, address: Address, topology: Topology, outbox: DiskOutbox) -> None:
        super().__init__(address, "publisher")
        self._topology, self._outbox = topology, outbox
        self._events: BlockingChannel | None = None
        self._fleeting: BlockingChannel | None = None
        self._room = threading.Lock()
        self._transient: deque[Framed] = deque()
        self._bytes = 0
        self._settled = threading.Condition()
        self._confirmed = 0
        self._slow = self._called = False
        self._unroutable = (0, 0)
        """The message that no queue took last, and how often."""
        self._waits_since: float | None = None
        """When the broker last confirmed something while more waited, or that began to wait; None: nothing does."""

    @property
    def works(self) -> bool:
        """Whether there is a connection, and the broker takes what is published over it.

        One whose memory or disk is at its limit keeps connections and lets publishers wait, for as long as that lasts:
        each is then given up after a minute and made anew, to no avail.
        """
        since = self._waits_since
        return self.is_up and (since is None or time.monotonic() - since < _STALLED_S)

    def check(self) -> None:
        """Return if there is a connection over which the broker takes what is published.

        Raises:
            Unavailable: there is none, or it does not; the sentence says so.
        """
        super().check()
        if not self.works:
            raise Unavailable(f"the broker {self._address.shown} takes no messages: is its memory or its disk full?")

    def wake(self) -> None:
        """Say that there is something to publish.

        Once until it is heard: a call for each of many pictures would keep the thread busy with being called.
        """
        if not self._called:
            self._called = True
            if not self.call(self._hear):
                self._called = False

    def _hear(self) -> None:
        self._called = False

    def declare(self) -> None:
        """Make queues that have become known since the broker was reached."""
        self.call(lambda: self._topology.declare(self._events) if self._events else None)

    def offer(self, framed: Framed) -> bool:
        """Publish a transient message if there is a connection; return whether there is."""
        if not self.is_up:
            return False
        with self._room:
            self._transient.append(framed)
            self._bytes += len(framed.body)
            while len(self._transient) > _TRANSIENT_WAITING or self._bytes > _TRANSIENT_BYTES:
                self._bytes -= len(self._transient.popleft().body)
                MESSAGES_DROPPED.labels(framed.key.rsplit(".", 2)[0]).inc()
        self.wake()
        return True

    def wait_for(self, number: int, timeout_s: float) -> bool:
        """Wait until a message of the outbox is confirmed; return whether it is.

        Not at all without a connection, or while the broker lets everybody wait: it is safe in the outbox.
        """
        deadline = time.monotonic() + timeout_s
        with self._settled:
            while self._confirmed < number:
                left = deadline - time.monotonic()
                if left <= 0:
                    self._slow = True
                if not self.is_up or self._slow:
                    return False
                self._settled.wait(min(left, 0.1))
            return True

    def _begin(self, connection: pika.BlockingConnection) -> None:
        self._events = connection.channel()
        self._events.confirm_delivery()
        self._topology.declare(self._events)
        self._fleeting = connection.channel()
        with self._settled:
            self._slow = False

    def _lost(self) -> None:
        self._events = self._fleeting = None
        self._called = False
        with self._room:
            self._transient.clear()
            self._bytes = 0
        with self._settled:
            self._settled.notify_all()

    def _turn(self, connection: pika.BlockingConnection) -> None:
        events, fleeting = self._events, self._fleeting
        if events is None or fleeting is None:
            return
        if self._waits_since is None and len(self._outbox):
            self._waits_since = time.monotonic()
        for framed in self._next_transient():
            fleeting.basic_publish(TRANSIENT, framed.key, framed.body, pika.BasicProperties(headers=framed.headers))
        waiting = self._outbox.oldest(_AT_ONCE)
        if not waiting:
            self._waits_since = None
            if self._transient:
                connection.process_data_events(time_limit=0)
            else:
                super()._turn(connection)
            return
        sent: list[Outgoing] = []
        try:
            for one in waiting:
                if not self._publish(events, one):
                    connection.process_data_events(time_limit=_REFUSED_PAUSE_S)
                    break
                sent.append(one)
                self._waits_since = time.monotonic()
        finally:
            self._outbox.done(sent)
            with self._settled:
                if sent:
                    self._confirmed, self._slow = sent[-1].id, False
                self._settled.notify_all()

    def _next_transient(self) -> list[Framed]:
        """Return some of what waits; the rest after what is durable, which must not wait for pictures."""
        with self._room:
            found = [self._transient.popleft() for _ in range(min(_TRANSIENT_AT_ONCE, len(self._transient)))]
            self._bytes -= sum(len(one.body) for one in found)
        return found

    def _publish(self, channel: BlockingChannel, one: Outgoing) -> bool:
        """Publish a message; return whether the broker has it for good."""
        properties = pika.BasicProperties(
            delivery_mode=PERSISTENT_DELIVERY_MODE, content_type="application/json", headers=one.headers or None
        )
        try:
            channel.basic_publish(one.exchange, one.key, one.data, properties, mandatory=True)
        except exceptions.UnroutableError:
            return self._refused(channel, one, properties)
        except exceptions.NackError:
            log.warning("the broker does not take a message now", key=one.key)
            return False
        return True

    def _refused(self, channel: BlockingChannel, one: Outgoing, properties: pika.BasicProperties) -> bool:
        """Declare the queues again; what still none of them takes is a dead letter, as others wait behind it."""
        known, times = self._unroutable
        times = times + 1 if known == one.id else 1
        self._unroutable = one.id, times
        if times < _MOST_REFUSALS:
            log.warning("no queue takes a message; the queues are declared again", key=one.key)
            self._topology.declare(channel)
            return False
        reason = f"no queue takes {one.key}: this program has none for it any more"
        log.error("message is a dead letter", queue=one.key, reason=reason)
        properties.headers = headers_of(one.key, reason, times, time.time_ns() // 1000)
        channel.basic_publish(DEAD, one.key, one.data, properties, mandatory=True)
        MESSAGES_DEAD.labels(one.key.partition(".")[0]).inc()
        return True

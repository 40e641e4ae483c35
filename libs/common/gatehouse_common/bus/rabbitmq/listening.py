"""A subscription of transient messages: a queue of its own on the broker, gone with the connection."""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Sequence
from typing import Any

import structlog
from pika.adapters.blocking_connection import BlockingChannel

from gatehouse_common.bus.port import Delivery, Handler
from gatehouse_common.errors import InvalidInput
from gatehouse_common.messages import Message
from gatehouse_common.observability.metrics import MESSAGES_DROPPED

from .consuming import Consuming, Member
from .framing import Unframer
from .topology import TRANSIENT

log = structlog.get_logger(__name__)

_TTL_MS = 10_000
_OPEN_S = 2.0


class TransientSubscription(Member):
    """Messages in the order of each publisher; the oldest go when ``maxlen`` wait on the broker.

    One message at a time is taken from there, so that what waits is bounded in one place. What was dropped is counted
    by the holes in the publishers' numbers, when the next message comes.
    """

    def __init__(
        self,
        link: Consuming,
        types: Sequence[type[Message]],
        handler: Handler,
        cameras: Collection[str] | None,
        slots: Collection[int] | None,
        maxlen: int,
    ) -> None:
        self._link, self._handler, self._maxlen = link, handler, maxlen
        middles = ["*"] if cameras is None else sorted(set(cameras))
        ends = ["*"] if slots is None else [str(slot) for slot in sorted(set(slots))]
        self._patterns = [f"{model.TYPE}.{camera}.{slot}" for model in types for camera in middles for slot in ends]
        self._unframer = Unframer()
        self._waiting: queue.SimpleQueue[tuple[BlockingChannel, Any, Any, bytes] | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="transient", daemon=True)
        self._listens = threading.Event()
        self._thread.start()
        link.add(self)
        if link.is_up:
            self._listens.wait(_OPEN_S)  # what is published when this returns is heard

    @property
    def dropped(self) -> int:
        """Messages dropped because this subscriber was slower than the publishers."""
        return self._unframer.dropped

    def close(self) -> None:
        """Stop after the handler in hand has finished."""
        self._closing.set()
        self._waiting.put(None)
        self._link.remove(self)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    @property
    def name(self) -> str:
        """What it listens to."""
        return ", ".join(self._patterns)

    def _consume(self, channel: BlockingChannel) -> None:
        arguments = {"x-max-length": self._maxlen, "x-overflow": "drop-head", "x-message-ttl": _TTL_MS}
        made = channel.queue_declare("", exclusive=True, auto_delete=True, arguments=arguments).method.queue
        for pattern in self._patterns:
            channel.queue_bind(made, TRANSIENT, pattern)
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(made, lambda _, method, properties, body: self._take(channel, method, properties, body))
        self._listens.set()

    def _take(self, channel: BlockingChannel, method: Any, properties: Any, body: bytes) -> None:
        self._waiting.put((channel, method, properties, body))

    def _work(self) -> None:
        while True:
            found = self._waiting.get()
            if found is None or self._closing.is_set():
                return
            channel, method, properties, body = found
            delivery = self._read(method.routing_key, properties.headers, body)
            if delivery is not None:
                try:
                    self._handler(delivery)
                except Exception:  # the subscriber's fault must not end its subscription
                    log.exception("transient handler failed", type=delivery.message.TYPE)
            tag = method.delivery_tag
            self._link.call(lambda c=channel, t=tag: c.basic_ack(t) if c.is_open else None)  # type: ignore[misc]

    def _read(self, key: str, headers: dict[str, Any] | None, body: bytes) -> Delivery | None:
        try:
            delivery, missing = self._unframer.read(key, headers, body)
        except InvalidInput as error:
            log.warning("a transient message cannot be read", key=key[:100], reason=error.message)
            return None
        if missing:
            MESSAGES_DROPPED.labels(delivery.message.TYPE).inc(missing)
        return delivery

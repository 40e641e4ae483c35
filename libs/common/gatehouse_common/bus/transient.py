"""Transient topics in one process: a bounded, drop-oldest queue per subscriber, payloads by reference."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Sequence

import structlog

from gatehouse_common.messages import Message
from gatehouse_common.observability.metrics import MESSAGES_DROPPED

from .port import Delivery, Handler, slot_of

log = structlog.get_logger(__name__)


class TransientSubscription:
    """One subscriber's queue and the thread that empties it."""

    def __init__(
        self,
        topics: TransientTopics,
        types: Sequence[type[Message]],
        handler: Handler,
        cameras: Collection[str] | None,
        slots: Collection[int] | None,
        maxlen: int,
    ) -> None:
        self._topics = topics
        self._types = tuple(types)
        self._handler = handler
        self._cameras = None if cameras is None else frozenset(cameras)
        self._slots = None if slots is None else frozenset(slots)
        self._waiting: deque[Delivery] = deque(maxlen=maxlen)
        self._ready = threading.Condition()
        self._closing = False
        self._dropped = 0
        self._thread = threading.Thread(target=self._work, name="transient", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Messages dropped because this subscriber was slower than the publisher."""
        return self._dropped

    def wants(self, message: Message) -> bool:
        """Return whether this subscriber asked for such a message."""
        return (
            isinstance(message, self._types)
            and (self._cameras is None or message.camera in self._cameras)
            and (self._slots is None or slot_of(message.camera) in self._slots)
        )

    def offer(self, delivery: Delivery) -> None:
        """Queue a delivery; the oldest goes when there is no room."""
        with self._ready:
            if len(self._waiting) == self._waiting.maxlen:
                self._dropped += 1
                MESSAGES_DROPPED.labels(delivery.message.TYPE).inc()
            self._waiting.append(delivery)
            self._ready.notify()

    def close(self) -> None:
        """Stop after the handler in hand has finished."""
        self._topics.forget(self)
        with self._ready:
            self._closing = True
            self._ready.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._waiting and not self._closing:
                    self._ready.wait()
                if self._closing:
                    return
                delivery = self._waiting.popleft()
            try:
                self._handler(delivery)
            except Exception:  # the subscriber's fault must not end its subscription
                log.exception("transient handler failed", type=delivery.message.TYPE)


class TransientTopics:
    """All transient subscriptions of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[TransientSubscription, ...] = ()

    def publish(self, message: Message, body: bytes | memoryview | None = None) -> None:
        """Offer a message to every subscriber that wants it; never waits."""
        for subscription in self._subscriptions:
            if subscription.wants(message):
                subscription.offer(Delivery(message, body))

    def subscribe_transient(
        self,
        types: Sequence[type[Message]],
        handler: Handler,
        *,
        cameras: Collection[str] | None = None,
        slots: Collection[int] | None = None,
        maxlen: int = 64,
    ) -> TransientSubscription:
        """Add a subscriber; see ``Bus.subscribe_transient``."""
        subscription = TransientSubscription(self, types, handler, cameras, slots, maxlen)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def forget(self, subscription: TransientSubscription) -> None:
        """Remove a subscriber."""
        with self._lock:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

    def close(self) -> None:
        """Close every subscription."""
        for subscription in self._subscriptions:
            subscription.close()

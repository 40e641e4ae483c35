"""What a subscription of a durable queue has in hand, and what that tells of the queue.

A queue is worked off in order, so the message in hand is its oldest: how old it is, is how far the queue is behind.
"""

from __future__ import annotations

from collections.abc import Callable

from gatehouse_common.clock import SECOND, SystemClock
from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import id_time_us
from gatehouse_common.messages import Message
from gatehouse_common.observability.metrics import (
    MESSAGE_LATENCY,
    MESSAGES_DEAD,
    MESSAGES_REDELIVERED,
    QUEUE_DEPTH,
    QUEUE_OLDEST_AGE,
)

_CLOCK = SystemClock()


class Hand:
    """Keeps the figures of one subscription. Where several read one queue here, the newest tells.

    Ages are of the system's clock, which identifiers of messages are made by.

    Args:
        queue: the queue, or its partition.
        depth: tells at once how many messages wait in it, whatever does not answer: it is asked while metrics are read.
    """

    def __init__(self, queue: str, depth: Callable[[], int]) -> None:
        self.queue = queue
        self._made_us: int | None = None
        name, _, number = queue.rpartition(".")
        self._whole = name if number.isdigit() else queue
        MESSAGES_DEAD.labels(queue)  # from 0 on: an increase is only seen from something
        MESSAGES_REDELIVERED.labels(queue)
        QUEUE_OLDEST_AGE.labels(queue).set_function(self.age_s)
        QUEUE_DEPTH.labels(queue).set_function(depth)

    def take(self, message: Message, attempt: int) -> None:
        """Note that a message is handed over, for the first time or again."""
        try:
            self._made_us = id_time_us(message.id)
        except InvalidInput:  # of another maker: nobody knows how old it is
            self._made_us = None
        if attempt > 1:
            MESSAGES_REDELIVERED.labels(self.queue).inc()

    def handled(self) -> None:
        """Note that the message in hand is done with."""
        if self._made_us is not None:
            MESSAGE_LATENCY.labels(self._whole).observe(self.age_s())

    def empty(self) -> None:
        """Note that nothing is in hand."""
        self._made_us = None

    def age_s(self) -> float:
        """Return how old the message in hand is, in seconds; 0 if there is none."""
        made_us = self._made_us
        return 0.0 if made_us is None else max(0, _CLOCK.now_us() - made_us) / SECOND

    def close(self) -> None:
        """Tell nothing of the queue any more: another process may read it."""
        QUEUE_OLDEST_AGE.remove(self.queue)
        QUEUE_DEPTH.remove(self.queue)

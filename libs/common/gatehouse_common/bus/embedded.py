"""The embedded bus: durable topics journalled in SQLite, transient ones in memory, in one process."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from gatehouse_common.clock import Clock
from gatehouse_common.errors import InvalidInput
from gatehouse_common.messages import Message, encode
from gatehouse_common.messages.catalog import entry_of
from gatehouse_common.observability.metrics import MESSAGES_PUBLISHED

from .consumer import Consumer
from .damage import open_or_begin_anew
from .journal import Journal
from .port import DeadLetter, Handler, Subscription, partition_names, partition_of
from .subscriptions import Together
from .transient import TransientTopics


class EmbeddedBus:
    """A bus for services that are threads of one process.

    Args:
        path: the journal's file (``bus.db``), or ``:memory:``. A journal that is damaged is moved aside and a
            new one begun: what it held is found again in the chunk files.
        clock: tells when a letter died.

    Raises:
        Unavailable: the journal cannot be opened or made.
    """

    def __init__(self, path: Path | str, clock: Clock) -> None:
        self._clock = clock
        self._journal = open_or_begin_anew(path, Journal)
        self._lock = threading.Lock()
        self._queues: dict[type[Message], tuple[str, ...]] = {}
        self._partitions: dict[str, int] = {}
        self._consumers: tuple[Consumer, ...] = ()
        self._transient = TransientTopics()

    def declare(self, queue: str, types: Sequence[type[Message]], partitions: int = 1) -> None:
        """Make a durable queue for ``types``."""
        partition_names(queue, partitions)
        with self._lock:
            self._partitions[queue] = partitions
            for kind in types:
                present = self._queues.get(kind, ())
                if queue not in present:
                    self._queues[kind] = (*present, queue)

    def publish(self, message: Message, body: bytes | memoryview | None = None) -> None:
        """Send a message; a durable one is journalled when this returns."""
        if not entry_of(type(message)).durable:
            self._transient.publish(message, body)
            return
        if body is not None:
            raise InvalidInput(f"{message.TYPE} is durable and cannot carry a binary body")
        queues = [self._partition(queue, message.camera) for queue in self._queues.get(type(message), ())]
        self._journal.add(queues, encode(message))
        MESSAGES_PUBLISHED.labels(message.TYPE).inc()
        for consumer in self._consumers:
            if consumer.queue in queues:
                consumer.wake()

    def subscribe(self, queue: str, handler: Handler) -> Subscription:
        """Hand the messages of a durable queue to ``handler``, one after the other."""
        names = partition_names(queue, self._partitions.get(queue, 1))
        if len(names) > 1:
            return Together([self._subscribe(name, handler) for name in names])
        return self._subscribe(queue, handler)

    def _subscribe(self, queue: str, handler: Handler) -> Consumer:
        consumer = Consumer(self._journal, queue, handler, self._clock, self._forget)
        with self._lock:
            self._consumers = (*self._consumers, consumer)
        return consumer

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
        return self._transient.subscribe_transient(types, handler, cameras=cameras, slots=slots, maxlen=maxlen)

    def depth(self, queue: str) -> int:
        """Return how many messages wait in a durable queue or are in a consumer's hand."""
        return sum(map(self._journal.depth, partition_names(queue, self._partitions.get(queue, 1))))

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, oldest first."""
        names = None if queue is None else {queue, *partition_names(queue, self._partitions.get(queue, 1))}
        return [one for one in self._journal.dead() if names is None or one.queue in names]

    def dead_count(self) -> int:
        """Return how many dead letters there are."""
        return self._journal.dead_count()

    def replay(self, ids: Collection[int]) -> int:
        """Put dead letters back into their queues."""
        moved = self._journal.replay(ids)
        for consumer in self._consumers:
            consumer.wake()
        return moved

    def drop(self, ids: Collection[int]) -> int:
        """Delete dead letters."""
        return self._journal.drop(ids)

    def join(self, timeout_s: float = 10.0) -> bool:
        """Wait until every durable queue is empty and idle."""
        deadline = time.monotonic() + timeout_s
        while self._journal.depth() > 0:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def check(self) -> None:
        """Return if messages can be published now."""
        self._journal.check()

    def close(self) -> None:
        """Close every subscription, then the journal."""
        for consumer in self._consumers:
            consumer.close()
        self._transient.close()
        self._journal.close()

    def _partition(self, queue: str, camera: str) -> str:
        partitions = self._partitions.get(queue, 1)
        return queue if partitions == 1 else f"{queue}.{partition_of(camera, partitions)}"

    def _forget(self, consumer: Consumer) -> None:
        with self._lock:
            self._consumers = tuple(c for c in self._consumers if c is not consumer)

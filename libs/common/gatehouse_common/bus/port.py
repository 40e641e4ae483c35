"""What a bus is: the semantics that every adapter keeps, whatever carries the messages.

*Durable* types (see the catalogue) are delivered **at least once**: ``publish`` returns when the message is
journalled for every queue that reads its type, and a message leaves a queue only after its handler returned.
Order within a queue is that of publishing. A handler must therefore be idempotent by a natural key.

A handler that raises is answered by the error's kind: worth retrying -> the message stays at the head of its
queue and is handed out again after a growing pause, at most ``MAX_ATTEMPTS`` times; not worth retrying, or too
often -> dead letter, with the reason. An error outside the tree counts as worth retrying. A body that cannot be
decoded is a dead letter at once. Nothing goes round and round.

*Transient* types go to whoever subscribes at that moment, each with a bounded queue of its own that drops its
oldest when full and counts what it dropped. They carry a binary body, passed on by reference where possible.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

from gatehouse_common.errors import InvalidInput
from gatehouse_common.messages import Message

MAX_ATTEMPTS = 5
SLOTS = 16
RETRY_PAUSES_S = (0.1, 0.5, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message in a consumer's hand.

    Attributes:
        message: the message.
        body: the binary body of a transient message.
        attempt: 1 for the first time.
    """

    message: Message
    body: bytes | memoryview | None = None
    attempt: int = 1


def partition_of(camera: str, partitions: int) -> int:
    """Return which of so many partitions the messages of a camera are in: the same in every process, for ever."""
    return crc32(camera.encode()) % SLOTS % partitions


def partition_names(queue: str, partitions: int) -> list[str]:
    """Return the names of a queue's partitions; of one that has a single one its own.

    Raises:
        InvalidInput: the number does not divide ``SLOTS``.
    """
    if partitions < 1 or SLOTS % partitions:
        raise InvalidInput(f"{partitions} partitions do not divide {SLOTS}: use 1, 2, 4, 8 or 16.")
    return [queue] if partitions == 1 else [f"{queue}.{p}" for p in range(partitions)]


def slots_of(partition: int, partitions: int) -> list[int]:
    """Return the slots that one of so many partitions is made of."""
    return [slot for slot in range(SLOTS) if slot % partitions == partition]


def slot_of(camera: str) -> int:
    """Return the slot of a camera."""
    return partition_of(camera, SLOTS)


Handler = Callable[[Delivery], None]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not be handled, kept with its reason until somebody replays or drops it."""

    id: int
    queue: str
    data: bytes
    reason: str
    attempts: int
    died_us: int


class Subscription(Protocol):
    """A running consumer."""

    @property
    def dropped(self) -> int:
        """Transient messages dropped because the consumer was slower than the publisher."""
        ...

    def close(self) -> None:
        """Stop after the handler in hand has finished; undelivered messages stay in the queue."""
        ...


class Bus(Protocol):
    """How services speak. Safe for use by many threads."""

    def declare(self, queue: str, types: Sequence[type[Message]], partitions: int = 1) -> None:
        """Make a durable queue for ``types``; what is published from now on waits in it. Idempotent.

        With several partitions it is as many queues, ``{queue}.0``, ``{queue}.1``...: a message goes to the one that
        ``partition_of`` its camera names, and each is worked off by one subscription at a time, so that the messages of
        a camera are handled in order however many processes share the work. ``partitions`` divides ``SLOTS``.

        Raises:
            InvalidInput: it does not.
        """
        ...

    def publish(self, message: Message, body: bytes | memoryview | None = None) -> None:
        """Send a message; a durable one is journalled when this returns.

        Raises:
            Unavailable: it could not be journalled; the caller keeps it and tries again.
        """
        ...

    def subscribe(self, queue: str, handler: Handler) -> Subscription:
        """Hand the messages of a durable queue to ``handler``, one after the other, in a thread of its own.

        Several subscriptions of one queue share its messages; of a partition, the oldest gets all. ``queue`` may be the
        name of a partition; that of a queue with several stands for all of them, in a thread for each.
        """
        ...

    def subscribe_transient(
        self,
        types: Sequence[type[Message]],
        handler: Handler,
        *,
        cameras: Collection[str] | None = None,
        slots: Collection[int] | None = None,
        maxlen: int = 64,
    ) -> Subscription:
        """Hand transient messages of ``types`` to ``handler``.

        Args:
            types: which.
            handler: gets one after the other.
            cameras: of these only, if given.
            slots: of the cameras in these only, if given; see ``slots_of``.
            maxlen: so many wait; then the oldest go.
        """
        ...

    def depth(self, queue: str) -> int:
        """Return how many messages wait in a durable queue, or are in a consumer's hand in this process.

        Raises:
            Unavailable: that cannot be told now.
        """
        ...

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """Return the dead letters of a queue, or of all, oldest first; each names the partition that it was in."""
        ...

    def dead_count(self) -> int:
        """Return how many dead letters there are.

        Raises:
            Unavailable: that cannot be told now.
        """
        ...

    def replay(self, ids: Collection[int]) -> int:
        """Put dead letters back into their queues with their attempts at zero; return how many."""
        ...

    def drop(self, ids: Collection[int]) -> int:
        """Delete dead letters; return how many."""
        ...

    def join(self, timeout_s: float = 10.0) -> bool:
        """Wait until every durable queue is empty and idle; return whether that came in time."""
        ...

    def check(self) -> None:
        """Return if messages can be published now.

        Raises:
            Unavailable: they cannot; the sentence says why.
        """
        ...

    def close(self) -> None:
        """Close every subscription, then the bus."""
        ...

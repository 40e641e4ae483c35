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

from gatehouse_common.messages import Message

MAX_ATTEMPTS = 5
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

    def declare(self, queue: str, types: Sequence[type[Message]]) -> None:
        """Make a durable queue for ``types``; what is published from now on waits in it. Idempotent."""
        ...

    def publish(self, message: Message, body: bytes | memoryview | None = None) -> None:
        """Send a message; a durable one is journalled when this returns.

        Raises:
            Unavailable: it could not be journalled; the caller keeps it and tries again.
        """
        ...

    def subscribe(self, queue: str, handler: Handler) -> Subscription:
        """Hand the messages of a durable queue to ``handler``, one after the other, in a thread of its own.

        Several subscriptions of one queue share its messages.
        """
        ...

    def subscribe_transient(
        self,
        types: Sequence[type[Message]],
        handler: Handler,
        *,
        cameras: Collection[str] | None = None,
        maxlen: int = 64,
    ) -> Subscription:
        """Hand transient messages of ``types`` (of ``cameras`` only, if given) to ``handler``."""
        ...

    def depth(self, queue: str) -> int:
        """Return how many messages wait in a durable queue or are in a consumer's hand."""
        ...

    def dead_letters(self, queue: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, oldest first."""
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

"""A consumer of one durable queue: takes, hands over, and does what the outcome asks for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from gatehouse_common.clock import Clock
from gatehouse_common.errors import Unavailable
from gatehouse_common.observability.metrics import MESSAGE_TROUBLES, MESSAGES_CONSUMED, MESSAGES_DEAD

from .hand import Hand
from .journal import Journal, Waiting
from .outcome import hand_over
from .port import MAX_ATTEMPTS, RETRY_PAUSES_S, Handler

log = structlog.get_logger(__name__)

_TAKE_PAUSE_S = 1.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 10.0


class Consumer:
    """A subscription of a durable queue, with a thread of its own."""

    def __init__(
        self,
        journal: Journal,
        queue: str,
        handler: Handler,
        clock: Clock,
        forget: Callable[[Consumer], None],
    ) -> None:
        self._journal = journal
        self._queue = queue
        self._hand = Hand(queue, lambda: journal.counted(queue))
        self._handler = handler
        self._clock = clock
        self._forget = forget
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"queue-{queue}", daemon=True)
        self._thread.start()

    @property
    def queue(self) -> str:
        """The queue it empties."""
        return self._queue

    @property
    def dropped(self) -> int:
        """Always 0: durable messages are never dropped."""
        return 0

    def wake(self) -> None:
        """Tell it that its queue may hold a message."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the handler in hand has finished."""
        self._stop.set()
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._hand.close()
        self._forget(self)

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                worked = self._work_one()
            except Unavailable as error:
                self._trouble("the message journal does not answer; trying again", error)
                self._stop.wait(_TAKE_PAUSE_S)
            except Exception:  # this thread is the queue's reader: it must outlive a fault in one message
                MESSAGE_TROUBLES.labels(self._queue).inc()
                log.exception("a message could not be worked off; it is handed out again", queue=self._queue)
                self._stop.wait(_TAKE_PAUSE_S)
            else:
                if not worked:
                    # A pause and not for ever: another consumer may give a message back.
                    self._wake.wait(1.0)

    def _work_one(self) -> bool:
        """Take a message, hand it over and settle it; return whether there was one."""
        waiting = self._journal.take(self._queue)
        if waiting is None:
            return False
        try:
            self._settle(self._handle(waiting))
        finally:
            self._hand.empty()
            self._journal.give_back(waiting.id)
        return True

    def _handle(self, waiting: Waiting) -> Callable[[], None]:
        """Hand a message over; return what has to be done with it in the journal."""
        outcome = hand_over(self._hand, waiting.data, self._handler, waiting.attempts)
        if outcome.reason is None:
            return lambda: self._done(waiting)
        if outcome.stopped:
            self._stop.wait(RETRY_PAUSES_S[0])
            return lambda: self._journal.untried(waiting.id)
        return self._failed(waiting, outcome.reason, retry=outcome.retry)

    def _done(self, waiting: Waiting) -> None:
        self._journal.done(waiting.id)
        MESSAGES_CONSUMED.labels(self._queue, "done").inc()

    def _failed(self, waiting: Waiting, reason: str, *, retry: bool) -> Callable[[], None]:
        if not retry or waiting.attempts >= MAX_ATTEMPTS:
            return self._to_bury(waiting, reason)
        MESSAGES_CONSUMED.labels(self._queue, "retried").inc()
        log.warning("message will be tried again", queue=self._queue, attempt=waiting.attempts, reason=reason)
        # It stays in hand during the pause, so that those behind it do not overtake.
        self._stop.wait(RETRY_PAUSES_S[min(waiting.attempts, len(RETRY_PAUSES_S)) - 1])
        return lambda: self._journal.give_back(waiting.id)

    def _to_bury(self, waiting: Waiting, reason: str) -> Callable[[], None]:
        log.error("message is a dead letter", queue=self._queue, attempts=waiting.attempts, reason=reason)
        return lambda: self._bury(waiting, reason)

    def _bury(self, waiting: Waiting, reason: str) -> None:
        self._journal.bury(waiting.id, reason, self._clock.now_us())
        MESSAGES_DEAD.labels(self._queue).inc()

    def _settle(self, settle: Callable[[], None]) -> None:
        """Write down what became of a message, as often as it takes.

        When the consumer is closed before, the message is handed out once more: its handler is idempotent.
        """
        pause = _FIRST_PAUSE_S
        while True:
            try:
                settle()
            except Unavailable as error:
                self._trouble("what became of a message cannot be written down; trying again", error)
            else:
                return
            if self._stop.wait(pause):
                return
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _trouble(self, what: str, error: Unavailable) -> None:
        MESSAGE_TROUBLES.labels(self._queue).inc()
        log.warning(what, queue=self._queue, reason=error.message)

"""A consumer of one durable queue: takes, hands over, and does what the outcome asks for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from gatehouse_common.clock import Clock
from gatehouse_common.errors import GatehouseError, InvalidInput, Unavailable
from gatehouse_common.messages import decode
from gatehouse_common.observability.metrics import MESSAGES_CONSUMED, MESSAGES_DEAD

from .journal import Journal, Waiting
from .port import MAX_ATTEMPTS, RETRY_PAUSES_S, Delivery, Handler

log = structlog.get_logger(__name__)


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
        self._forget(self)

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                waiting = self._journal.take(self._queue)
                if waiting is None:
                    # A pause and not for ever: another consumer may give a message back.
                    self._wake.wait(1.0)
                    continue
                self._handle(waiting)
            except Unavailable as error:
                log.warning("the message journal does not answer", queue=self._queue, error=error.message)
                self._stop.wait(1.0)

    def _handle(self, waiting: Waiting) -> None:
        try:
            message = decode(waiting.data)
        except InvalidInput as error:
            self._bury(waiting, error.message)
            return
        try:
            self._handler(Delivery(message, None, waiting.attempts))
        except GatehouseError as error:
            self._failed(waiting, error.message, retry=error.kind.retry)
        except Exception as error:
            log.exception("handler failed", queue=self._queue, type=message.TYPE, message_id=message.id)
            self._failed(waiting, f"{type(error).__name__}: {error}", retry=True)
        else:
            self._journal.done(waiting.id)
            MESSAGES_CONSUMED.labels(self._queue, "done").inc()

    def _failed(self, waiting: Waiting, reason: str, *, retry: bool) -> None:
        if not retry or waiting.attempts >= MAX_ATTEMPTS:
            self._bury(waiting, reason)
            return
        MESSAGES_CONSUMED.labels(self._queue, "retried").inc()
        log.warning("message will be tried again", queue=self._queue, attempt=waiting.attempts, reason=reason)
        # It stays in hand during the pause, so that those behind it do not overtake.
        self._stop.wait(RETRY_PAUSES_S[min(waiting.attempts, len(RETRY_PAUSES_S)) - 1])
        self._journal.release(waiting.id)

    def _bury(self, waiting: Waiting, reason: str) -> None:
        log.error("message is a dead letter", queue=self._queue, attempts=waiting.attempts, reason=reason)
        self._journal.bury(waiting.id, reason, self._clock.now_us())
        MESSAGES_DEAD.labels(self._queue).inc()

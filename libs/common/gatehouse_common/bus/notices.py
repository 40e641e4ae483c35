"""Notices on their way to the bus: in order, patiently, and never in the way of whoever has something to tell."""

from __future__ import annotations

import threading
from collections import deque

import structlog

from gatehouse_common.errors import GatehouseError
from gatehouse_common.messages import Message
from gatehouse_common.observability.metrics import NOTICES_PENDING

from .port import Bus

log = structlog.get_logger(__name__)

_RETRY_S = 1.0
_MOST = 100_000


class Outbox:
    """Publishes durable messages from a thread of its own.

    While the bus does not take them they wait, up to a bound; beyond it the oldest go. What they tell can be found
    again: of footage in the chunk files, of plates in the message that follows.
    """

    def __init__(self, bus: Bus, retry_s: float = _RETRY_S) -> None:
        self._bus, self._retry_s = bus, retry_s
        self._waiting: deque[Message] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """Queue a message; returns at once."""
        with self._changed:
            if len(self._waiting) >= _MOST:
                lost = self._waiting.popleft()
                NOTICES_PENDING.dec()
                log.error("a notice was dropped: the bus has been away too long", type=lost.TYPE)
            self._waiting.append(message)
            NOTICES_PENDING.inc()
            self._changed.notify()

    def close(self, timeout_s: float = 5.0) -> None:
        """Publish what waits, for at most ``timeout_s``, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout_s)
        if self._waiting:
            log.error("notices could not be published before the end", count=len(self._waiting))

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._closing:
                        return
                    self._changed.wait()
                message = self._waiting[0]
            if not self._publish(message):
                with self._changed:
                    if self._closing:
                        return
                    self._changed.wait(self._retry_s)
                continue
            with self._changed:
                if self._waiting[0] is message:  # else it has gone already, as the oldest of too many
                    self._waiting.popleft()
                    NOTICES_PENDING.dec()

    def _publish(self, message: Message) -> bool:
        """Return whether the message needs no further try: one that can never be taken holds up no other."""
        try:
            self._bus.publish(message)
        except GatehouseError as error:
            if error.kind.retry:
                log.warning("the bus does not take notices", waiting=len(self._waiting), reason=error.message)
                return False
            log.exception("the bus refuses a notice", type=message.TYPE, camera=message.camera, reason=error.message)
        except Exception:  # the outbox is the only way out for every camera: it must outlive a fault in one notice
            log.exception("a notice could not be published", type=message.TYPE, camera=message.camera)
        return True

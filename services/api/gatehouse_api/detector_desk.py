"""Asking whatever detector is there about a picture, over the bus, and waiting for its answer."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from itertools import count

from gatehouse_common.bus import Bus, Delivery, Subscription
from gatehouse_common.bus.port import SLOTS
from gatehouse_common.clock import Clock
from gatehouse_common.errors import Unavailable
from gatehouse_common.messages import DetectionAnswered, DetectionRequested, ReadingFields

_WAITING = 256
_GRACE_S = 5.0
"""A question waits for others, and for the way there and back, beside what a picture may take to be read."""


class DetectorDesk:
    """Questions that are under way. Safe for many threads.

    It listens from its first question on, not before: most installations are never asked.

    Args:
        bus: the way to detectors and back.
        clock: the time.
        timeout_s: what a detector gives a picture.
    """

    def __init__(self, bus: Bus, clock: Clock, timeout_s: float) -> None:
        self._bus, self._clock = bus, clock
        self._patience_s = timeout_s + _GRACE_S
        self._lock = threading.Lock()
        self._waiting: dict[str, queue.SimpleQueue[DetectionAnswered]] = {}
        self._subscription: Subscription | None = None
        self._turns = count()

    def ask(self, jpeg: bytes, camera: str | None, region: str = "") -> list[ReadingFields]:
        """Return the plates in a picture, the surest first.

        Args:
            jpeg: the picture.
            camera: whose it is; None: nobody's.
            region: syntaxes of plates to prefer; empty: all alike.

        Raises:
            Unavailable: no detector answers in time, or it could not look; the sentence says which.
        """
        # Detectors share what comes by its camera: pictures of none are dealt out in turn.
        turn = camera or f"upload-{next(self._turns) % SLOTS}"
        asked = DetectionRequested(camera=turn, time_us=self._clock.now_us(), region=region)
        answers: queue.SimpleQueue[DetectionAnswered] = queue.SimpleQueue()
        with self._lock:
            if self._subscription is None:
                self._subscription = self._bus.subscribe_transient([DetectionAnswered], self._on, maxlen=_WAITING)
            self._waiting[asked.id] = answers
        try:
            answer = self._wait(asked, jpeg, answers)
        except queue.Empty:
            told = f"no detector answered within {self._patience_s:g} s: is one running?"
            raise Unavailable(told) from None
        finally:
            with self._lock:
                self._waiting.pop(asked.id, None)
        if answer.trouble:
            raise Unavailable(f"the detector could not look: {answer.trouble}")
        return answer.readings

    def _wait(
        self, asked: DetectionRequested, jpeg: bytes, answers: queue.SimpleQueue[DetectionAnswered]
    ) -> DetectionAnswered:
        """Ask, and once more at half time: a question may fall between two detectors while their shares change."""
        self._bus.publish(asked, jpeg)
        try:
            return answers.get(timeout=self._patience_s / 2)
        except queue.Empty:
            self._bus.publish(asked, jpeg)
            return answers.get(timeout=self._patience_s / 2)

    def close(self) -> None:
        """Stop listening."""
        with self._lock:
            subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.close()

    def _on(self, delivery: Delivery) -> None:
        message = delivery.message
        if isinstance(message, DetectionAnswered):
            with suppress(KeyError), self._lock:  # somebody else's, or nobody waits for it any more
                self._waiting[message.request].put(message)

"""Asking services how they are, so that one that cannot answer does not hide the others."""

from __future__ import annotations

import threading
from dataclasses import replace

import structlog

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.observability.secrets import mask

from .service import Check, Service

log = structlog.get_logger(__name__)

_PATIENCE_US = 2 * SECOND


def checks_of(service: Service) -> list[Check]:
    """Return a service's checks, without secrets; one that fails to answer is itself a failed check."""
    try:
        found = service.health()
    except Exception as error:  # whatever is wrong with it, the others must still be told
        log.exception("a service could not say how it is", service=service.name)
        return [Check(service.name, ok=False, detail=f"it could not say how it is: {type(error).__name__}")]
    return [replace(check, detail=mask(check.detail)) for check in found]


class Inquiry:
    """Asks a service how it is, and waits for the answer no longer than two seconds.

    What a service depends on may be what does not answer: a disk whose server is away lets nobody return who reads
    from it. Safe for many threads.

    Args:
        service: the service.
        clock: the time.
    """

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service, self._clock = service, clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._began_us = 0
        self._said: list[Check] = []

    def begin(self) -> None:
        """Ask, unless an answer is waited for already."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._began_us = self._clock.monotonic_us()
                thread = threading.Thread(target=self._ask, name=f"health-{self._service.name}", daemon=True)
                thread.start()
                self._thread = thread  # only now: others may wait for its end at once

    def answer(self) -> list[Check]:
        """Return what the service says; that it says nothing is itself a failed check."""
        thread = self._thread
        if thread is not None:
            thread.join(max(0.0, (self._began_us + _PATIENCE_US - self._clock.monotonic_us()) / SECOND))
            if thread.is_alive():
                return [Check(self._service.name, ok=False, detail="it does not say how it is: it waits for an answer")]
        return self._said

    def _ask(self) -> None:
        self._said = checks_of(self._service)

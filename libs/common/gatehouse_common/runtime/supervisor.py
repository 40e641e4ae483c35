"""Runs services as threads of one process: in order, restarted when they fail, stopped in reverse."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

import structlog

from gatehouse_common.clock import SECOND, Clock
from gatehouse_common.errors import GatehouseError
from gatehouse_common.observability.metrics import SERVICE_RESTARTS
from gatehouse_common.observability.secrets import mask

from .health import Inquiry
from .service import Check, Service

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0
_HEALTHY_US = 60 * SECOND
_SETTLED_US = 5 * SECOND
_LEAST_TO_END_S = 2.0


class Supervisor:
    """Starts services in the order given and stops them in reverse."""

    def __init__(self, services: Sequence[Service], clock: Clock) -> None:
        self._clock = clock
        self._kept = [_Kept(service, clock) for service in services]

    def start(self) -> None:
        """Start every service in a thread of its own."""
        for kept in self._kept:
            kept.thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Stop the services in reverse order; return whether all came to an end in time.

        Args:
            timeout_s: for all of them together. One that hangs costs the others their time, but never all of it.
        """
        deadline_us = self._clock.monotonic_us() + round(timeout_s * SECOND)
        ended = True
        for kept in reversed(self._kept):
            kept.stop.set()
            if kept.thread.ident is None:  # it was never started
                continue
            left_s = (deadline_us - self._clock.monotonic_us()) / SECOND
            kept.thread.join(max(left_s, _LEAST_TO_END_S))
            if kept.thread.is_alive():
                ended = False
                log.error("service did not stop in time", service=kept.service.name)
        return ended

    def health(self) -> list[Check]:
        """Return the checks of all services; a service that is not running for good is a failed check."""
        checks: list[Check] = []
        for kept in self._kept:
            kept.inquiry.begin()
        for kept in self._kept:
            trouble = kept.trouble()
            if trouble:
                checks.append(Check(kept.service.name, ok=False, detail=trouble))
            checks += kept.inquiry.answer()
        return checks


class _Kept:
    """A service that is kept running, its thread, and what it last failed of."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self.service, self.inquiry = service, Inquiry(service, clock)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._keep, name=service.name, daemon=True)
        self._clock = clock
        self._reason = ""
        SERVICE_RESTARTS.labels(service.name)  # from 0 on: an increase is only seen from something
        self._running_since_us: int | None = None

    def trouble(self) -> str:
        """Return why the service is not running, or not yet for long after it failed; empty if it is well."""
        if not self.stop.is_set() and self.thread.ident is not None and not self.thread.is_alive():
            return "its thread has ended"
        since = self._running_since_us
        settled = since is not None and self._clock.monotonic_us() - since >= _SETTLED_US
        return "" if settled else self._reason

    def _keep(self) -> None:
        structlog.contextvars.bind_contextvars(service=self.service.name)
        pause = _FIRST_PAUSE_S
        while not self.stop.is_set():
            started = self._clock.monotonic_us()
            self._running_since_us = started
            reason = self._run_once()
            if not reason or self.stop.is_set():
                return
            self._reason, self._running_since_us = reason, None
            SERVICE_RESTARTS.labels(self.service.name).inc()
            if self._clock.monotonic_us() - started > _HEALTHY_US:
                pause = _FIRST_PAUSE_S
            # Jitter, so that services that failed of one cause do not all come back at once.
            self._clock.wait(self.stop, pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter needs no secrecy
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _run_once(self) -> str:
        """Run the service; return why it ended, or nothing if it was told to."""
        try:
            self.service.run(self.stop)
        except GatehouseError as error:
            log.error("service failed and will be started again", reason=error.message)  # noqa: TRY400
            return mask(error.message)
        except (Exception, SystemExit) as error:  # a library that exits must not end recording
            log.exception("service failed and will be started again")
            return type(error).__name__
        if self.stop.is_set():
            return ""
        log.error("service ended by itself and will be started again")
        return "it ended by itself"

"""Runs services as threads of one process: in order, restarted when they fail, stopped in reverse."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

import structlog

from gatehouse_common.clock import Clock
from gatehouse_common.errors import GatehouseError
from gatehouse_common.observability.metrics import SERVICE_RESTARTS

from .service import Check, Service

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0
_HEALTHY_US = 60_000_000


class Supervisor:
    """Starts services in the order given and stops them in reverse."""

    def __init__(self, services: Sequence[Service], clock: Clock) -> None:
        self._services = tuple(services)
        self._clock = clock
        self._stops = [threading.Event() for _ in self._services]
        self._threads: list[threading.Thread] = []
        self._failing: dict[str, str] = {}

    def start(self) -> None:
        """Start every service in a thread of its own."""
        for service, stop in zip(self._services, self._stops, strict=True):
            thread = threading.Thread(target=self._keep, args=(service, stop), name=service.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Stop the services in reverse order; return whether all came to an end in time."""
        ended = True
        for stop, thread in zip(reversed(self._stops), reversed(self._threads), strict=False):
            stop.set()
            thread.join(timeout_s)
            if thread.is_alive():
                ended = False
                log.error("service did not stop in time", service=thread.name)
        return ended

    def health(self) -> list[Check]:
        """Return the checks of all services; a service that is being restarted is a failed check."""
        checks: list[Check] = []
        for service in self._services:
            reason = self._failing.get(service.name)
            if reason is not None:
                checks.append(Check(service.name, ok=False, detail=reason))
            checks += service.health()
        return checks

    def _keep(self, service: Service, stop: threading.Event) -> None:
        structlog.contextvars.bind_contextvars(service=service.name)
        pause = _FIRST_PAUSE_S
        while not stop.is_set():
            started = self._clock.monotonic_us()
            try:
                service.run(stop)
                self._failing.pop(service.name, None)
            except GatehouseError as error:
                log.error("service failed and will be started again", reason=error.message)  # noqa: TRY400
                self._failing[service.name] = error.message
            except Exception as error:
                log.exception("service failed and will be started again")
                self._failing[service.name] = f"{type(error).__name__}"
            else:
                if stop.is_set():
                    return
            SERVICE_RESTARTS.labels(service.name).inc()
            if self._clock.monotonic_us() - started > _HEALTHY_US:
                pause = _FIRST_PAUSE_S
            self._clock.wait(stop, pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter needs no secrecy
            pause = min(pause * 2, _LONGEST_PAUSE_S)

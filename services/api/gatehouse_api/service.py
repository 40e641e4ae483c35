"""The api service: the app in a web server that ends when it is told to."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from prometheus_client import REGISTRY, CollectorRegistry

from gatehouse_common.runtime import Check, Core
from gatehouse_common.runtime.database import wait_for
from gatehouse_common.runtime.web_server import WebServer

if TYPE_CHECKING:
    from flask import Flask

log = structlog.get_logger(__name__)

_WATCH_S = 3.0
"""An index that does not answer must not keep the process from ending."""


def build(core: Core) -> ApiService:
    """Return the service, its port taken already.

    Raises:
        Conflict: the port is in use.
        Unavailable: the address cannot be listened on.
    """
    return ApiService(core)


class ApiService:
    """Serves the app."""

    name = "api"

    def __init__(self, core: Core) -> None:
        self._core = core
        self._all_checks: Callable[[], list[Check]] = list
        self._cameras: Callable[[], list[Check]] = list
        self._registry = REGISTRY
        api = core.settings.values.api
        self._server = WebServer(api.host, api.port, "--port")
        self.port = self._server.port

    def watch(self, checks: Callable[[], list[Check]]) -> None:
        """Let `/readyz` ask ``checks``: those of every service of the process."""
        self._all_checks = checks

    def export(self, registry: CollectorRegistry) -> None:
        """Let `/metrics` show ``registry``: what the services of the process measure."""
        self._registry = registry

    def run(self, stop: threading.Event) -> None:
        """Serve until told to stop."""
        if not wait_for(self._core.db, stop, self._core.clock):
            return
        # Only here: the pages' half second of modules is loaded while cameras are recorded already.
        from .app import bridge_of, close_app, create_app, notifier_of, recording_of, viewings_of  # noqa: PLC0415
        from .routes.system import install_registry  # noqa: PLC0415

        api = self._core.settings.values.api
        ending = threading.Event()
        app = create_app(self._core, ending, self._checks)
        install_registry(app, self._registry)
        recording = recording_of(app)
        self._cameras = recording.checks
        self._tell_how_to_set_up(app)
        watching = threading.Thread(target=recording.run, args=(ending,), name="recording-watch", daemon=True)
        watching.start()
        following = threading.Thread(target=viewings_of(app).run, args=(ending,), name="viewings", daemon=True)
        following.start()
        telling = threading.Thread(target=notifier_of(app).run, args=(ending,), name="webhooks", daemon=True)
        telling.start()
        bridging = threading.Thread(target=bridge_of(app).run, args=(ending,), name="mqtt", daemon=True)
        bridging.start()
        log.info("listening", host=api.host, port=self.port)
        try:
            self._server.serve(app, stop, ending, threads=api.threads, most_body_bytes=0)
        finally:
            watching.join(_WATCH_S)
            following.join(_WATCH_S)
            telling.join(_WATCH_S)
            bridging.join(_WATCH_S)
            close_app(app)

    def health(self) -> list[Check]:
        """Return which cameras are recorded, where no other service of this process knows; the rest has answered."""
        return self._cameras()

    def _tell_how_to_set_up(self, app: Flask) -> None:
        """While there are no users, say what whoever makes the first has to know; on loopback that is nothing."""
        from .app import setup_token_of  # noqa: PLC0415
        from .hosts import LOOPBACK  # noqa: PLC0415

        api = self._core.settings.values.api
        token = setup_token_of(app)
        if token is not None and api.host not in LOOPBACK:
            # Not by the log, which is kept and sent on: whoever has this token becomes the admin.
            sys.stdout.write(f"There are no users yet. Make the first at /setup, with this token: {token}\n")
            sys.stdout.flush()

    def _checks(self) -> list[Check]:
        return self._all_checks()

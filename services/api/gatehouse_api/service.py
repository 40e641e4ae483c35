"""The api service: the app in a web server that ends when it is told to."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable

import structlog
from cheroot import wsgi

from gatehouse_common.errors import Conflict, Unavailable
from gatehouse_common.runtime import Check, Core
from gatehouse_common.runtime.database import wait_for

from .app import close_app, create_app
from .guard import MOST_BODY_BYTES

log = structlog.get_logger(__name__)

_STOP_S = 3
_MOST_HEADER_BYTES = 32 << 10


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
        api = core.settings.values.api
        self._socket = _listen(api.host, api.port)
        self.port = int(self._socket.getsockname()[1])

    def watch(self, checks: Callable[[], list[Check]]) -> None:
        """Let `/readyz` ask ``checks``: those of every service of the process."""
        self._all_checks = checks

    def run(self, stop: threading.Event) -> None:
        """Serve until told to stop."""
        if not wait_for(self._core.db, stop, self._core.clock):
            return
        api = self._core.settings.values.api
        if self._socket.fileno() == -1:  # a run before this one failed
            self._socket = _listen(api.host, self.port)
        ending = threading.Event()
        app = create_app(self._core, ending, self._checks)
        server = _Server(
            (api.host, self.port), app, numthreads=api.threads, request_queue_size=128, shutdown_timeout=_STOP_S
        )
        server.listening = self._socket
        server.max_request_header_size = _MOST_HEADER_BYTES
        server.max_request_body_size = MOST_BODY_BYTES
        watcher = threading.Thread(target=_end, args=(stop, ending, server), name="api-stop", daemon=True)
        watcher.start()
        try:
            server.prepare()
            log.info("listening", host=api.host, port=self.port)
            server.serve()
        finally:
            ending.set()
            watcher.join()  # it closes the socket, which the next run would take for its own
            close_app(app)

    def health(self) -> list[Check]:
        """Return nothing: whoever asks has been answered."""
        return []

    def _checks(self) -> list[Check]:
        return self._all_checks()


def _end(stop: threading.Event, ending: threading.Event, server: _Server) -> None:
    """Stop the server when it is told to end, or has failed; endless answers see ``ending`` first."""
    while not stop.wait(0.2) and not ending.is_set():
        pass
    ending.set()
    server.stop()


class _Server(wsgi.Server):
    """Serves on a socket that was bound before anything was recorded, so that a port in use is told at once."""

    listening: socket.socket

    def bind(self, *_args: object, **_kwargs: object) -> socket.socket:
        """Take the bound socket."""
        self.socket = self.listening
        return self.listening


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"port {port} of {host} is in use: stop what uses it, or choose another with --port."
            ) from error
        raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listening

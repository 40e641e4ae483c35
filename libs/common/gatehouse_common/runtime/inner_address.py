"""A process's inner address: how it is, its metrics, and what its services give to those of other machines.

``/livez``, ``/readyz`` and ``/metrics`` are for whoever reaches the port; everything else shows the services' token.
"""

from __future__ import annotations

import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from gatehouse_common.errors import GatehouseError, InvalidInput
from gatehouse_common.settings import Settings, listen_address

from .service import Check
from .web_server import WebServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = structlog.get_logger(__name__)

Answer = Callable[[Request, str], Response]
"""Answers a request; the text is what of its path comes after the room's name, without the slash."""

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
THREADS = 64
_MOST_BODY_BYTES = 64 << 10


class InnerAddress:
    """A web server for the other services. Its port is taken when it is made.

    Args:
        settings: ``[service]`` says where to listen.

    Raises:
        InvalidInput: it would listen to other machines and there is no token.
        Conflict: the port is in use.
    """

    name = "inner address"

    def __init__(self, settings: Settings) -> None:
        service = settings.values.service
        address = listen_address(service.listen)
        if address is None:
            raise InvalidInput("service.listen is empty: name a host and a port", "service.listen")
        host, port = address
        if not service.token and host not in LOOPBACK:
            raise InvalidInput(
                f"service.listen {service.listen} is open to other machines: set service.token to a long random text, "
                "the same for every service.",
                "service.token",
            )
        self._token = service.token
        self._server = WebServer(host, port, "service.listen")
        self.url = service.url.rstrip("/") or f"http://{_name_of(host)}:{self._server.port}"
        self._rooms: dict[str, Answer] = {}
        self._checks: Callable[[], list[Check]] = list
        self._registry = REGISTRY
        self._ending = threading.Event()

    @property
    def ending(self) -> threading.Event:
        """Set when the server ends; endless answers watch it."""
        return self._ending

    def open_room(self, name: str, answer: Answer) -> None:
        """Let ``answer`` answer everything below ``/{name}`` to those who show the token."""
        self._rooms[name] = answer

    def watch(self, checks: Callable[[], list[Check]]) -> None:
        """Let `/readyz` ask ``checks``."""
        self._checks = checks

    def export(self, registry: CollectorRegistry) -> None:
        """Let `/metrics` show ``registry``."""
        self._registry = registry

    def run(self, stop: threading.Event) -> None:
        """Serve until told to stop."""
        self._ending.clear()
        log.info("inner address", url=self.url)
        self._server.serve(self._app, stop, self._ending, threads=THREADS, most_body_bytes=_MOST_BODY_BYTES)

    def health(self) -> list[Check]:
        """Return nothing: whoever asks has been answered."""
        return []

    def close(self) -> None:
        """Free the port, if it never ran."""
        self._server.close()

    def _app(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        try:
            answer = self._answer(request)
        except GatehouseError as error:
            answer = Response(error.message + "\n", error.kind.status, content_type="text/plain; charset=utf-8")
        except HTTPException as error:
            answer = Response(f"{error.description}\n", error.code or 500, content_type="text/plain; charset=utf-8")
        except Exception:
            log.exception("a request of another service failed", path=request.path[:200])
            answer = Response("this failed, see the log\n", 500, content_type="text/plain; charset=utf-8")
        return answer(environ, start)

    def _answer(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return Response("only GET and HEAD\n", 405, headers={"Allow": "GET, HEAD"})
        if request.path == "/livez":
            return _json({"status": "ok"}, 200)
        if request.path == "/readyz":
            return self._readiness()
        if request.path == "/metrics":
            return Response(generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST)
        name, _, rest = request.path.lstrip("/").partition("/")
        if not self._knows(request.headers):
            return Response("show the services' token\n", 401, headers={"WWW-Authenticate": "Bearer"})
        room = self._rooms.get(name)
        return room(request, rest) if room is not None else Response("there is no such thing here\n", 404)

    def _readiness(self) -> Response:
        checks = self._checks()
        ready = all(c.ok for c in checks if not c.name.startswith("camera "))
        told = [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks]
        return _json({"status": "ok" if ready else "unready", "checks": told}, 200 if ready else 503)

    def _knows(self, headers: Headers) -> bool:
        shown = headers.get("Authorization", "").removeprefix("Bearer ")
        return bool(self._token) and hmac.compare_digest(shown.encode(), self._token.encode())


def _name_of(host: str) -> str:
    """Return the name under which other machines reach an address that is listened on."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not listened on
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def _json(body: object, status: int) -> Response:
    return Response(json.dumps(body) + "\n", status, content_type="application/json")

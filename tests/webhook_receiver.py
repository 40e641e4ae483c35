"""A receiver of webhooks on loopback that answers as it is told; it knows nothing of who sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook as Verifier

SECRET, OTHER = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8


@dataclass(slots=True)
class Got:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str = SECRET) -> Any:
        """What it says, as the verifier of the specification takes it; whenever it is from."""
        at = int(self.headers["webhook-timestamp"])
        now = {**self.headers, "webhook-timestamp": str(at)}
        if abs(at - time.time()) < 250:
            return Verifier(secret).verify(self.body, now)
        raise AssertionError("the verifier takes nothing that old; see `signed_by`")


@dataclass(slots=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], object] | None = None


class Receiver:
    """Answers with the next of its replies, the last one for ever."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.replies: list[Reply] = [Reply()]
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Got(self.path, headers, body))
                reply = receiver.replies.pop(0) if len(receiver.replies) > 1 else receiver.replies[0]
                if reply.before is not None:
                    reply.before()
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body)
                except OSError:
                    return

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook?key=canary9"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiving(count: int = 1) -> Iterator[list[Receiver]]:
    made = [Receiver() for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            one.close()

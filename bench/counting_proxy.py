"""A TCP proxy on loopback that counts what passes through: bytes that come back, and requests by their methods."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

_BLOCK = 1 << 16


@dataclass
class Counted:
    """What has passed: bytes from the server, headers included, and requests by method."""

    received: int = 0
    requests: Counter[str] = field(default_factory=Counter)


class CountingProxy:
    """Forwards connections to a port of this machine.

    Requests are told by their first line, so those with a body must not have one in their midst that looks like it;
    what is measured has none.
    """

    def __init__(self, to_port: int) -> None:
        self._to = to_port
        self._counted = Counted()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def counted(self) -> Counted:
        """Return what has passed by now."""
        with self._lock:
            return Counted(self._counted.received, Counter(self._counted.requests))

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:  # closed
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            for one, other, seen in ((client, server, self._asked), (server, client, self._answered)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=_pump, args=(one, other, seen), daemon=True).start()

    def _asked(self, data: bytes) -> None:
        method = data.partition(b" /")[0]
        if method in {b"GET", b"HEAD", b"PUT", b"POST", b"DELETE"}:
            with self._lock:
                self._counted.requests[method.decode()] += 1

    def _answered(self, data: bytes) -> None:
        with self._lock:
            self._counted.received += len(data)


def _pump(one: socket.socket, other: socket.socket, seen: Callable[[bytes], None]) -> None:
    try:
        while data := one.recv(_BLOCK):
            seen(data)
            other.sendall(data)
    except OSError:  # the other side has gone
        pass
    finally:
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended already
                continue

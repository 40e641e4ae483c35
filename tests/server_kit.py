"""The api service over real sockets, for as long as a test needs it."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from gatehouse_api.service import ApiService
from running import wait_for


@contextmanager
def serving(service: ApiService) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=service.run, args=(stop,))
    thread.start()
    try:
        wait_for("server", lambda: status(service, "/livez") == 200)
        yield stop
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive(), "the server does not end"


def status(service: ApiService, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=5)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def get(service: ApiService, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}{path}", timeout=10) as answer:
        return answer.read()


@contextmanager
def cutting(service: ApiService, after: int) -> Iterator[int]:
    """A way to the service, by its port, that breaks the first answer off after so many bytes; the next comes whole."""
    with socket.create_server(("127.0.0.1", 0)) as entrance:
        thread = threading.Thread(target=_pass_on, args=(entrance, service.port, [after, 1 << 62]), daemon=True)
        thread.start()
        yield entrance.getsockname()[1]
        thread.join(10)
        assert not thread.is_alive(), "nobody came a second time"


def _pass_on(entrance: socket.socket, port: int, bounds: list[int]) -> None:
    for bound in bounds:
        client, _ = entrance.accept()
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            server.sendall(client.recv(1 << 16))
            left = bound
            while left and (data := server.recv(min(left, 1 << 16))):
                client.sendall(data)
                left -= len(data)

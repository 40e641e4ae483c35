"""What the web server hands on of a body is what was sent, however it is read and however it comes."""

from __future__ import annotations

import hashlib
import itertools
import random
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, cast

import pytest
from werkzeug.wsgi import get_input_stream

from gatehouse_common.runtime.web_server import WebServer

SIZE = 1_000_003
BODY = random.Random(25).randbytes(SIZE)


def _read(stream: IO[bytes], _size: int) -> bytes:
    return stream.read()


def _read_some(stream: IO[bytes], _size: int) -> bytes:
    found = b""
    while part := stream.read(4096):
        found += part
    return found


def _into_a_view(stream: Any, size: int) -> bytes:
    found, at = bytearray(size), 0
    while count := stream.readinto(memoryview(found)[at:]):
        at += count
    return bytes(found)


def _into_a_bytearray(stream: Any, _size: int) -> bytes:
    found, some = b"", bytearray(7000)
    while count := stream.readinto(some):
        found += some[:count]
    return found


def _in_turn(stream: Any, size: int) -> bytes:
    head, some = stream.read(10_000), bytearray(50_000)
    while len(head) < size // 2:
        head += some[: stream.readinto(some)]
    return head + cast("bytes", stream.read())


def _begin(stream: IO[bytes], _size: int) -> bytes:
    return stream.read(10)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    ways = {f"/{way.__name__}": way for way in (_read, _read_some, _into_a_view, _into_a_bytearray, _in_turn, _begin)}

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        is_raw = environ["QUERY_STRING"] == "raw"
        stream = environ["wsgi.input"] if is_raw else get_input_stream(environ)
        found = ways[environ["PATH_INFO"]](stream, int(environ.get("CONTENT_LENGTH") or 0))
        start("200 OK", [("Content-Length", "64")])
        return [hashlib.sha256(found).hexdigest().encode()]

    server, stop = WebServer("127.0.0.1", 0, "--port"), threading.Event()
    limits = {"threads": 4, "most_body_bytes": 0}
    serving = threading.Thread(target=server.serve, args=(app, stop, threading.Event()), kwargs=limits)
    serving.start()
    yield server.port
    stop.set()
    serving.join(30)


@pytest.mark.parametrize("way", ["_read", "_read_some", "_into_a_view", "_into_a_bytearray", "_in_turn"])
@pytest.mark.parametrize("query", ["", "?raw"])
@pytest.mark.parametrize("first", [0, 100, 5000])
def test_a_body_is_read_to_the_byte(port: int, way: str, query: str, first: int) -> None:
    """S4-5: twice over one connection, some of the body coming with the head and the rest in pieces."""
    head = f"POST /{way}{query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {SIZE}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for _ in range(2):
            connection.sendall(head + BODY[:first])
            for at in range(first, SIZE, 300_000):
                connection.sendall(BODY[at : min(at + 300_000, SIZE)])
            answer = b""
            while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < 64:
                answer += connection.recv(4096)
            assert answer.partition(b"\r\n\r\n")[2] == hashlib.sha256(BODY).hexdigest().encode()


def chunked(data: bytes, sizes: Sequence[int]) -> bytes:
    """A body in chunks of these sizes, over and over; RFC 9112 section 7.1."""
    found, at = b"", 0
    for size in itertools.cycle(sizes):
        part = data[at : at + size]
        if not part:
            return found + b"0\r\n\r\n"
        found += b"%x;name=value\r\n%b\r\n" % (len(part), part)
        at += size
    return found


def answered(connection: socket.socket) -> tuple[int, bytes]:
    """The status of an answer, and what there is of it until the server closes or 64 bytes are here."""
    answer = b""
    while len(answer.partition(b"\r\n\r\n")[2]) < 64:
        some = connection.recv(4096)
        if not some:
            break
        answer += some
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("way", ["_read", "_read_some"])
@pytest.mark.parametrize("sizes", [(300_000,), (1, 2, 70_000), (65_536, 65_537), (SIZE,)])
def test_a_body_in_chunks_is_read_to_the_byte(port: int, way: str, sizes: tuple[int, ...]) -> None:
    """S4-18."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"POST /{way} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        connection.sendall(chunked(BODY, sizes))
        assert answered(connection) == (200, hashlib.sha256(BODY).hexdigest().encode())


def test_of_a_chunk_no_more_is_read_than_is_asked_for(port: int) -> None:
    """A chunk that is said to be of terabytes is not waited for, and not in memory."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"POST /_begin HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"fffffffffff\r\n" + BODY[:200_000])
        assert answered(connection) == (200, hashlib.sha256(BODY[:10]).hexdigest().encode())


@pytest.mark.parametrize(
    "headers",
    [
        *("Content-Length: -1", "Content-Length: +5", "Content-Length: 1_0", "Content-Length: 0x10"),
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_length_that_is_none_is_refused(port: int, headers: str) -> None:
    """And its body not read: -1 would be all that ever comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"POST /_read HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n\r\n".encode())
        assert answered(connection)[0] == 400

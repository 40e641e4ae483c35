"""A web server in a thread of this process, that ends when it is told to."""

from __future__ import annotations

import errno
import re
import socket
import threading
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from cheroot import wsgi
from cheroot.server import ChunkedRFile, HeaderReader, HTTPConnection, HTTPRequest, KnownLengthRFile

from gatehouse_common.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CONNECTION = "gatehouse.connection"
"""Where a request's environment has the socket of its client."""
_STOP_S = 3
_MOST_HEADER_BYTES = 32 << 10
_MOST_DRAINED, _DRAINED_AT_ONCE = 64 << 20, 64 << 10


class WebServer:
    """Serves a WSGI app on a socket that is bound when this is made, so that a port in use is told at once.

    Args:
        host: the address to listen on.
        port: 0 takes a free one.
        what: the setting to change when the port is in use, for the message.

    Raises:
        Conflict: the port is in use.
        Unavailable: the address cannot be listened on.
    """

    def __init__(self, host: str, port: int, what: str) -> None:
        self.host, self._what = host, what
        self._socket = _listen(host, port, what)
        self.port = int(self._socket.getsockname()[1])

    def serve(self, app: WSGIApplication, stop: threading.Event, ending: threading.Event, **limits: Any) -> None:
        """Serve until told to stop; may be called again after it failed.

        Args:
            app: answers.
            stop: set from outside when the server is to end.
            ending: set here before the server waits for answers in hand; endless answers watch it.
            limits: ``threads`` answering at once, ``most_body_bytes``, 0: the app limits them.
        """
        if self._socket.fileno() == -1:  # a run before this one failed
            self._socket = _listen(self.host, self.port, self._what)
        server = _Server(
            (self.host, self.port),
            app,
            numthreads=limits["threads"],
            request_queue_size=128,
            shutdown_timeout=_STOP_S,
        )
        server.listening = self._socket
        server.gateway = _Gateway
        server.max_request_header_size = _MOST_HEADER_BYTES
        server.max_request_body_size = limits["most_body_bytes"]
        watcher = threading.Thread(target=_end, args=(stop, ending, server.stop), name="web-stop", daemon=True)
        watcher.start()
        try:
            server.prepare()
            server.serve()
        finally:
            ending.set()
            watcher.join()  # it closes the socket, which the next run would take for its own

    def close(self) -> None:
        """Free the port, if the server never ran."""
        self._socket.close()


def _end(stop: threading.Event, ending: threading.Event, end: Callable[[], None]) -> None:
    """Stop the server when it is told to end, or has failed; endless answers see ``ending`` first."""
    while not stop.wait(0.2) and not ending.is_set():
        pass
    ending.set()
    end()


_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r\n")
_MOST_SIZE_LINE = 4096
_NAME = re.compile(rb"[!#$%&'*+.^`|~0-9A-Za-z-]+")


class _Headers(HeaderReader):
    """Takes no header that is called otherwise than RFC 9110 section 5.1 has it, and none with an underscore.

    An app sees that one as the one with a dash, which a proxy may vouch for. Cheroot has such a reader, which looks for
    a `str` in `bytes` and fails (11.1.2).
    """

    def _transform_key(self, key_name: bytes) -> bytes:
        return key_name.title()

    def _allow_header(self, key_name: bytes) -> bool:
        return _NAME.fullmatch(key_name) is not None


class _Request(HTTPRequest):
    """Reads what is left of a body when it is answered before its end: a little at a time, and not without end.

    Cheroot reads all of it at once, however much that is. A client that is answered before it has sent all may not see
    the answer if the connection is closed; beyond what anybody sends by mistake it has to look out for one itself.
    """

    header_reader = _Headers()

    def read_request_headers(self) -> bool:
        """Read the headers; return whether the request is taken.

        Of a length that is not of digits (RFC 9110 section 8.6) nobody knows where the body ends: a negative one would
        have all read that ever comes. Nor does anybody where it is told in two ways (RFC 9112 section 6.1).
        """
        if not super().read_request_headers():  # type: ignore[no-untyped-call]
            return False
        length = self.inheaders.get(b"Content-Length")
        if length is not None and (not length.isdigit() or self.chunked_read):
            self.close_connection = True
            self.simple_response("400 Bad Request", "Malformed Content-Length Header.")
            return False
        return True

    def send_headers(self) -> None:
        """Read what is left, then send."""
        left = getattr(self.rfile, "remaining", 0)
        if left > _MOST_DRAINED or self.chunked_read:
            self.close_connection = True
        while left and not self.close_connection:
            if not self.rfile.read(min(left, _DRAINED_AT_ONCE)):
                self.close_connection = True
            left = getattr(self.rfile, "remaining", 0)
        super().send_headers()


class _Body(KnownLengthRFile):
    """The body of a request, which can also be read into a buffer, from the socket at once.

    Cheroot's own reader is written in Python, and makes a buffer for all that is asked for with every piece that comes.
    """

    def readinto(self, into: bytearray | memoryview) -> int:
        """Read some bytes into a buffer; return how many, 0 at the end."""
        most = min(len(into), self.remaining)
        if not most:
            return 0
        with memoryview(into)[:most] as view:  # a slice of a bytearray would be a copy of it, and what is read lost
            if self.rfile.has_data():  # what came with the headers
                some = self.rfile.read1(most)
                count = len(some)
                view[:count] = some
            else:
                count = self.rfile.raw.readinto(view) or 0
        self.remaining -= count
        return count


class _Chunks(ChunkedRFile):
    """A body of unknown length (RFC 9112 section 7.1), of which no more is in memory than is asked for.

    Cheroot's own reader takes a chunk whole, however large it is said to be.
    """

    def __init__(self, rfile: IO[bytes], maxlen: int) -> None:
        super().__init__(rfile, maxlen)
        self._left = 0

    def _fetch(self) -> None:
        if self.closed:
            return
        self._left = self._left or self._next_size()
        if not self._left:
            self.closed = True
            return
        piece = self.rfile.read(min(self._left, _DRAINED_AT_ONCE))
        self._left -= len(piece)
        self.bytes_read += len(piece)
        self.buffer += piece
        if not piece or (not self._left and self.rfile.read(2) != b"\r\n"):
            raise OSError("the body broke off in a chunk")
        if self.maxlen and self.bytes_read > self.maxlen:
            raise OSError("the body is too large")

    def _next_size(self) -> int:
        line = self.rfile.readline(_MOST_SIZE_LINE)
        self.bytes_read += len(line)
        size = _SIZE.match(line)
        if size is None:
            raise OSError("a chunk has no size")
        return int(size[1], 16)


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request


class _Gateway(wsgi.Gateway_10):
    """Hands on a request's connection: who makes an answer slowly has to see that nobody waits for it any more."""

    def __init__(self, req: HTTPRequest) -> None:
        if isinstance(req.rfile, KnownLengthRFile):
            req.rfile = _Body(req.rfile.rfile, req.rfile.remaining)
        elif isinstance(req.rfile, ChunkedRFile):
            req.rfile = _Chunks(req.rfile.rfile, req.rfile.maxlen)
        super().__init__(req)
        self.env[CONNECTION] = req.conn.socket


class _Server(wsgi.Server):
    """Serves on a socket that somebody else has bound."""

    listening: socket.socket
    ConnectionClass = _Connection

    def bind(self, *_args: object, **_kwargs: object) -> socket.socket:
        """Take the bound socket."""
        self.socket = self.listening
        return self.listening


def _listen(host: str, port: int, what: str) -> socket.socket:
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
                f"port {port} of {host} is in use: stop what uses it, or choose another by {what}."
            ) from error
        raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listening

"""One request to a receiver: to an address that was looked at, within a time in all, and no further than it."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from gatehouse_common.clock import Clock

from .targets import Target

TIMEOUT_S = 15.0
KEPT = 1024
"""So much of an answer is kept, bytes."""

_MOST_ADDRESSES = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: of HTTP; None: nothing did.
        text: how it began.
        retry_after: the header, as it is; empty: there is none.
        trouble: why nothing came back; empty: something did.
        lasted_us: how long it took, microseconds.
    """

    status: int | None
    text: str = ""
    retry_after: str = ""
    trouble: str = ""
    lasted_us: int = 0


def post(
    target: Target,
    addresses: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    clock: Clock,
    *,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """Send a body and return what came back. Redirects are answers like others, and proxies are not asked.

    Args:
        target: where to.
        addresses: of its host, one of which is connected to.
        headers: that go with it.
        body: what is sent.
        clock: the time.
        timeout_s: for all of it together, however slowly the other side speaks.
    """
    begun = clock.monotonic_us()
    connection = _To(target, addresses, timeout_s)
    guard = threading.Timer(timeout_s, connection.cut)
    guard.daemon = True
    guard.start()
    status: int | None = None
    text = retry_after = trouble = ""
    try:
        connection.request("POST", target.path, body=body, headers=dict(headers))
        with connection.getresponse() as answer:
            text = answer.read(KEPT).decode("utf-8", "replace").replace("\0", "")
            if connection.is_cut:  # what was cut off looks as if it had come to its end
                raise TimeoutError
            status, retry_after = answer.status, answer.getheader("Retry-After", "")
    except (OSError, http.client.HTTPException, ValueError) as error:
        text = ""
        trouble = _words(error, cut=connection.is_cut, timeout_s=timeout_s)
    finally:
        guard.cancel()
        connection.let_go()
    return Answer(status, text, retry_after, trouble, clock.monotonic_us() - begun)


class _To(http.client.HTTPConnection):
    """A connection to one of given addresses, whatever the name of the host means by now."""

    def __init__(self, target: Target, addresses: Sequence[str], timeout_s: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout_s)
        self._target, self._addresses, self._timeout_s = target, addresses[:_MOST_ADDRESSES], timeout_s
        self._cutting = threading.Lock()
        self._held: socket.socket | None = None
        """A handle of its own on it: ``sock`` is given away with an answer that ends with the connection."""
        self.default_port = http.client.HTTPS_PORT if target.tls else http.client.HTTP_PORT
        self.is_cut = False

    def connect(self) -> None:
        """Connect to the first address that answers, and encrypt by the host's name."""
        failed: OSError | None = None
        for address in self._addresses:
            try:
                plain = socket.create_connection((address, self.port), self._timeout_s / len(self._addresses))
            except OSError as error:
                failed = error
                continue
            self.sock = plain
            plain.settimeout(self._timeout_s)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._hold(plain)  # before they shake hands: that too can be made to last
            if self._target.tls:
                context = _context()
                name = self._target.host
                wrapped = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
                self.sock = wrapped
                wrapped.do_handshake()
            return
        raise failed or OSError("there is no address")

    def cut(self) -> None:
        """End whatever goes on: who waits for it is told that the connection is closed."""
        with self._cutting:
            self.is_cut = True
            self._end()

    def let_go(self) -> None:
        """Close all that there is of the connection; there is nothing to cut any more."""
        self.close()
        with self._cutting:
            if self._held is not None:
                self._held.close()
            self._held = None

    def _hold(self, made: socket.socket) -> None:
        with self._cutting:
            self._held = made.dup()
            if self.is_cut:
                self._end()

    def _end(self) -> None:
        if self._held is not None:
            with suppress(OSError):  # it has ended by itself
                self._held.shutdown(socket.SHUT_RDWR)  # of all handles on it


@cache
def _context() -> ssl.SSLContext:
    """Return what all connections are encrypted by: to make one takes as long as many requests."""
    return ssl.create_default_context()


def _words(error: Exception, *, cut: bool, timeout_s: float) -> str:
    if cut or isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    if isinstance(error, http.client.HTTPException | ValueError):
        return f"what it answered is not HTTP ({type(error).__name__})"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"it cannot be reached: {text}"[:300]

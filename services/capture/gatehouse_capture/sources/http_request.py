"""Asking a camera for a stream over HTTP: Basic and Digest authentication, redirects, a socket that can be cut."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, responses
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from gatehouse_common.errors import SourceUnavailable
from gatehouse_common.observability.secrets import mask

_USER_AGENT = "Gatehouse"


class Stream:
    """An answer that goes on for ever, and the socket that it comes from.

    Args:
        url: the camera's URL; may hold credentials, which are sent to its host alone.
        timeout_s: for connecting, and for each piece of the answer's head.

    Raises:
        SourceUnavailable: the camera cannot be reached or refuses; the sentence holds no credentials.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._socket: socket.socket | None = None
        try:
            self._answer = self._ask(url, timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            raise SourceUnavailable(f"no MJPEG stream: {_refusal(error)}") from error
        except (OSError, HTTPException, ValueError) as error:
            # ValueError is urllib's for ways to authenticate that it does not know, and for redirects to nonsense.
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise SourceUnavailable(f"no MJPEG stream: {_explain(reason)}") from error

    @property
    def content_type(self) -> str:
        """What the answer is, in lower case and without parameters; empty if it does not say."""
        return self._answer.headers.get_content_type() if "Content-Type" in self._answer.headers else ""

    @property
    def boundary(self) -> str:
        """What parts the answer's pieces by its own word, empty if it does not say."""
        return self._answer.headers.get_boundary("") or ""

    def read(self, timeout_s: float) -> bytes | None:
        """Return what is here next: empty at the end, None if nothing came for ``timeout_s``.

        Raises:
            SourceUnavailable: the connection was lost.
        """
        if self._socket is not None:
            self._socket.settimeout(timeout_s)
        try:
            return self._answer.read1(1 << 16)
        except TimeoutError:
            return None
        except (OSError, HTTPException, ValueError) as error:
            # ValueError: the answer was closed, or a chunk's length is none.
            raise SourceUnavailable(f"the connection was lost: {_explain(error)}") from error

    def cut(self) -> None:
        """End a ``read`` that another thread waits in."""
        if self._socket is not None:
            with suppress(OSError):  # it is gone already
                # The plain socket's: an SSLSocket's own would take the TLS state away from the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up."""
        self.cut()
        self._answer.close()

    def _ask(self, url: str, timeout_s: float) -> HTTPResponse:
        bare, user, password = _split_credentials(url)
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        if user or password:
            passwords.add_password(None, bare, user, password)
        opener = urllib.request.OpenerDirector()
        for handler in (  # no proxy, as cameras are on the own network; no redirect to files or FTP
            _Http(self._keep),
            _Https(self._keep),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPRedirectHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDigestAuthHandler(passwords),
            urllib.request.HTTPBasicAuthHandler(passwords),
        ):
            opener.add_handler(handler)
        request = urllib.request.Request(bare, headers={"User-Agent": _USER_AGENT})  # noqa: S310 - parse_url allows two
        answer: HTTPResponse = opener.open(request, timeout=timeout_s)
        return answer

    def _keep(self, connected: socket.socket) -> None:
        self._socket = connected


class _Http(urllib.request.HTTPHandler):
    """Tells which socket a connection got: urllib hides it."""

    def __init__(self, keep: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self._keep = keep

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        keep = self._keep

        class Connection(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                keep(self.sock)

        return self.do_open(Connection, req)


class _Https(urllib.request.HTTPSHandler):
    """The same over TLS. Cameras sign their own certificates, so none is checked, as with ``rtsps``."""

    def __init__(self, keep: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self._keep = keep
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        keep, tls = self._keep, self._tls

        class Connection(HTTPSConnection):
            def __init__(self, host: str, **more: Any) -> None:
                super().__init__(host, **{**more, "context": tls})

            def connect(self) -> None:
                super().connect()
                keep(self.sock)

        return self.do_open(Connection, req)


def _split_credentials(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    bare = urlunsplit((parts.scheme, host, parts.path or "/", parts.query, ""))
    return bare, unquote(parts.username or ""), unquote(parts.password or "")


def _refusal(error: urllib.error.HTTPError) -> str:
    said = f"the camera answers {error.code} {responses.get(error.code, '')}".strip()
    return f"{said}: user or password is wrong" if error.code == 401 else said


def _explain(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "the camera does not answer"
    return mask(str(getattr(error, "strerror", None) or error))[:200]

"""The spool of a capture worker on another machine, read over its inner address.

``GET {url}/spool/...mp4`` with ``Range`` gives bytes, ``HEAD`` the size, ``GET {url}/index/spool/...mp4`` the sample
index of what is whole by now, ``GET {url}/spool`` the list. Each request shows the services' token.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import urllib3
from urllib3.exceptions import HTTPError

from gatehouse_common.errors import DataLoss, InvalidInput, NotFound, WorkerUnavailable

from . import keys
from .port import ObjectInfo

_TIMEOUT = urllib3.Timeout(connect=2.0, read=10.0)
# A worker that is being restarted is waited for by whoever asked, not here: a slice must say so at once.
_RETRIES = urllib3.Retry(total=1, connect=0, read=1, status=0, redirect=0)
_PIECE_BYTES = 1 << 20


class RemoteSpool:
    """Reads one worker's spool. Safe for use by many threads.

    Args:
        url: the worker's inner address, e.g. ``http://capture-0.capture:5010``.
        token: what the services show each other.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._http = urllib3.PoolManager(
            maxsize=16, timeout=_TIMEOUT, retries=_RETRIES, headers={"Authorization": f"Bearer {token}"}
        )

    def stat(self, key: str) -> ObjectInfo:
        """Return what is known of a file.

        Raises:
            NotFound: it is not in this spool.
            WorkerUnavailable: the worker does not answer.
        """
        with self._translated(key):
            answer = self._http.request("HEAD", self._url(key))
        self._check(answer, key)
        return ObjectInfo(key, int(answer.headers["Content-Length"]), 0)

    def open_range(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces of at most 1 MiB; see ``ObjectStore.open_range``."""
        if offset < 0 or (length is not None and length < 0):
            raise InvalidInput(f"range {offset}+{length} of {key} is not valid: both must be 0 or more")
        if length == 0:
            self.stat(key)
            return iter(())
        wanted = f"bytes={offset}-" + ("" if length is None else str(offset + length - 1))
        with self._translated(key):
            answer = self._http.request("GET", self._url(key), headers=self._also(Range=wanted), preload_content=False)
        if answer.status == 416:  # there is nothing at that offset
            answer.release_conn()
            if length is None:
                return iter(())
            raise DataLoss(f"{key} ends before {offset}")
        self._check(answer, key)
        pieces = self._pieces(answer, key, length)
        next(pieces)  # it now owns the connection
        return pieces

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a range in one piece."""
        return b"".join(self.open_range(key, offset, length))

    def pread(self, key: str, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``, fewer where the file ends."""
        if length <= 0:
            return b""
        wanted = f"bytes={offset}-{offset + length - 1}"
        with self._translated(key):
            answer = self._http.request("GET", self._url(key), headers=self._also(Range=wanted))
        if answer.status == 416:
            return b""
        self._check(answer, key)
        return answer.data

    def index(self, key: str) -> bytes | None:
        """Return the compact sample index of what is whole of an open chunk by now; None if nothing is yet."""
        with self._translated(key):
            answer = self._http.request("GET", f"{self.url}/index/{keys.validate(key)}")
        if answer.status == 204:
            return None
        self._check(answer, key)
        return answer.data

    def list(self) -> list[ObjectInfo]:
        """Return the files of the spool, sorted by key."""
        with self._translated("its list of files"):
            answer = self._http.request("GET", f"{self.url}/spool")
        self._check(answer, "its list of files")
        try:
            return [ObjectInfo(keys.validate(f["key"]), int(f["size"]), 0) for f in json.loads(answer.data)["files"]]
        except (ValueError, KeyError, TypeError) as error:
            raise WorkerUnavailable(f"{self.url} does not list its files: {type(error).__name__}") from error

    @contextmanager
    def stream(self, path: str) -> Iterator[Callable[[int], bytes]]:
        """Yield what reads from an endless answer: so many bytes, fewer only where it ends.

        Raises:
            NotFound: there is no such stream.
            WorkerUnavailable: the worker does not answer, or goes silent.
        """
        with self._translated(path):
            answer = self._http.request("GET", f"{self.url}/{path}", preload_content=False)
            try:
                self._check(answer, path)
                yield lambda length: answer.read(length) if length else b""
            finally:
                answer.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.clear()

    def _url(self, key: str) -> str:
        return f"{self.url}/{keys.validate(key)}"

    def _also(self, **headers: str) -> Mapping[str, str]:
        return {**self._http.headers, **headers}

    def _check(self, answer: urllib3.BaseHTTPResponse, key: str) -> None:
        if answer.status in {200, 206}:
            return
        answer.release_conn()
        if answer.status == 404:
            raise NotFound(f"{key} is not in the spool of {self.url}")
        if answer.status == 401:
            raise WorkerUnavailable(f"{self.url} does not know our token: service.token must be the same everywhere")
        raise WorkerUnavailable(f"{self.url} answers {answer.status} when asked for {key}")

    def _pieces(self, answer: urllib3.BaseHTTPResponse, key: str, length: int | None) -> Iterator[bytes]:
        left = length
        try:
            yield b""
            with self._translated(key):
                for piece in answer.stream(_PIECE_BYTES):
                    left = None if left is None else left - len(piece)
                    yield piece
            if left:
                raise DataLoss(f"{key} ends {left} bytes before the end of the range")
        finally:
            answer.release_conn() if left == 0 else answer.close()

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except HTTPError as error:
            raise WorkerUnavailable(f"{self.url}, which has {key}, does not answer ({type(error).__name__})") from error


class RemoteSource:
    """A file in the spool of a worker on another machine."""

    def __init__(self, spool: RemoteSpool, key: str) -> None:
        self._spool, self._key = spool, key

    @property
    def key(self) -> str:
        """Its key, for messages."""
        return self._key

    def size(self) -> int:
        """Return how many bytes there are now."""
        return self._spool.stat(self._key).size

    def pread(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``."""
        return self._spool.pread(self._key, offset, length)

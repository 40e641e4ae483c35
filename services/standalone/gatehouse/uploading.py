"""Uploads a file to a Gatehouse over HTTP: by tus, or in numbered blobs; what breaks off is gone on with."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from gatehouse_common.errors import GatehouseError, InvalidInput, Unavailable, from_os_error

T = TypeVar("T")

_PATH = "/api/v1/uploads"
_TUS = {"Tus-Resumable": "1.0.0"}
_TIMEOUT_S, _LONGEST_PAUSE_S = 60, 30.0


class Refused(GatehouseError):  # noqa: N818
    """The server does not take it; asking again would not help."""

    def __init__(self, status: int, told: bytes) -> None:
        super().__init__(f"the server refused it: {status} {_detail(told)}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status, headers by their names in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Server:
    """A Gatehouse over HTTP.

    Args:
        url: ``http://host:port``, or ``https:``.
        token: that is shown; empty: none.
        patience_s: for so long it may be away.

    Raises:
        InvalidInput: the URL is none.
    """

    def __init__(self, url: str, token: str = "", patience_s: float = 300.0) -> None:
        found = urlsplit(url)
        if found.scheme not in {"http", "https"} or not found.hostname:
            raise InvalidInput(f"{url[:80]!r} is no URL of a Gatehouse: use http://host:port.", "url")
        self._kind = http.client.HTTPSConnection if found.scheme == "https" else http.client.HTTPConnection
        self._place, self._headers = found.netloc, {"Authorization": f"Bearer {token}"} if token else {}
        self._patience_s, self._local = patience_s, threading.local()

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Ask once.

        Raises:
            Unavailable: it does not answer, or cannot now.
            Refused: it does not take it.
        """
        connection = getattr(self._local, "connection", None) or self._kind(self._place, timeout=_TIMEOUT_S)
        self._local.connection = None
        try:
            connection.request(method, path, body, {**self._headers, **(headers or {})})
            told = connection.getresponse()
            answer = Answer(told.status, {k.lower(): v for k, v in told.getheaders()}, told.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unavailable(f"{self._place} does not answer: {error}") from error
        self._local.connection = connection
        if answer.status >= 500 or answer.status == 429:
            raise Unavailable(f"{self._place} says {answer.status}: {_detail(answer.body)}")
        if answer.status >= 400:
            raise Refused(answer.status, answer.body)
        return answer

    def insist(self, act: Callable[[], T]) -> T:
        """Do something again that asks, with pauses that grow, while the server is away.

        Raises:
            Unavailable: for longer than it may.
            Refused: it does not take it.
        """
        pause, began = 1.0, time.monotonic()
        while True:
            try:
                return act()
            except Unavailable:
                if time.monotonic() - began + pause > self._patience_s:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)


def by_tus(server: Server, path: Path, piece_bytes: int, advance: Callable[[int], None]) -> Any:
    """Upload a file by tus; one of the same name and size that was broken off is gone on with.

    Args:
        server: where to.
        path: of the file.
        piece_bytes: so much is sent, and checked, at once.
        advance: is called with bytes that are there.

    Returns:
        What the server says of the upload.

    Raises:
        Unavailable: the server is away for too long.
        Refused: it does not take it.
    """
    size = _size(path)
    url = _unfinished(server, path.name, size) or _begin(server, path.name, size)
    at = _offset(server, url)
    advance(at)
    while at < size:
        before = at
        data = _read(path, at, piece_bytes)
        at = server.insist(lambda: _send(server, url, before, data))  # noqa: B023 - is called before they change
        advance(at - before)
    return json.loads(server.insist(lambda: server.ask("GET", url)).body)


def by_blobs(
    server: Server, path: Path, blob_bytes: int, user: str, parallel: int, advance: Callable[[int], None]
) -> Any:
    """Upload a file in numbered blobs; those that are there already are known by their content.

    Args:
        server: where to.
        path: of the file.
        blob_bytes: size of a blob.
        user: in whose name.
        parallel: so many at once.
        advance: is called with bytes that are there.

    Returns:
        What the server says of the video.

    Raises:
        Unavailable: the server is away for too long.
        Refused: it does not take it.
    """
    size = _size(path)
    count = -(-size // blob_bytes)

    def send(number: int) -> dict[str, Any]:
        data = _read(path, (number - 1) * blob_bytes, blob_bytes)
        told = {
            "blobId": str(number),
            "username": user,
            "filename": path.name,
            "blobObject": base64.b64encode(data).decode(),
            "is_last": str(number == count),
        }
        body, kind = json.dumps(told).encode(), {"Content-Type": "application/json"}
        answer = server.insist(lambda: server.ask("POST", "/upload_blob/", body, kind))
        advance(len(data))
        found: dict[str, Any] = json.loads(answer.body)
        return found

    with ThreadPoolExecutor(parallel) as pool:
        videos = [told["video_data"] for told in pool.map(send, range(1, count + 1)) if "video_data" in told]
    if not videos:
        raise Unavailable("all was sent, and the server does not say that it has all: upload it again.")
    return videos[-1]


def _size(path: Path) -> int:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error
    if not size:
        raise InvalidInput(f"{path} is empty.", "file")
    return size


def _read(path: Path, at: int, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(at)
            return file.read(length)
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error


def _unfinished(server: Server, name: str, size: int) -> str | None:
    items = json.loads(server.insist(lambda: server.ask("GET", _PATH)).body)["items"]
    same = (one["url"] for one in items if one["door"] == "tus" and (one["name"], one["length"]) == (name, size))
    return next(same, None)


def _begin(server: Server, name: str, size: int) -> str:
    told = f"filename {base64.b64encode(name.encode()).decode()}"
    headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": told}
    return urlsplit(server.insist(lambda: server.ask("POST", _PATH, b"", headers)).headers["location"]).path


def _send(server: Server, url: str, at: int, data: bytes) -> int:
    """Send bytes, unless they are there: of what broke off nobody knows; return where the upload ends then."""
    there = int(server.ask("HEAD", url, b"", _TUS).headers["upload-offset"])
    if there != at:
        return there
    return int(server.ask("PATCH", url, data, _headers(at, data)).headers["upload-offset"])


def _offset(server: Server, url: str) -> int:
    return int(server.insist(lambda: server.ask("HEAD", url, b"", _TUS)).headers["upload-offset"])


def _headers(at: int, data: bytes) -> dict[str, str]:
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return {
        **_TUS,
        "Upload-Offset": str(at),
        "Content-Type": "application/offset+octet-stream",
        "Upload-Checksum": f"sha256 {checksum}",
    }


def _detail(told: bytes) -> str:
    """Return the sentence of an error, as far as there is one."""
    try:
        found = json.loads(told)
    except ValueError:
        return ""
    return str(found.get("detail", "")) if isinstance(found, dict) else ""

"""What tests of uploads share: bytes that begin as a film does, and clients of the doors."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gatehouse_common.db import Uploads
from gatehouse_common.intake import PieceBytes
from gatehouse_common.runtime import Core

TUS = {"Tus-Resumable": "1.0.0"}
HEAD = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806701ffffffffffffff")
"""The beginning of a film of MediaRecorder: the header of a WebM, and a segment that says nothing of its size."""
_CLUSTER = bytes.fromhex("1f43b67501ffffffffffffff")


def film(size: int, seed: int = 1) -> bytes:
    """Bytes that begin as a film does, and are whole: one cluster with one block of noise."""
    block = size - len(HEAD) - len(_CLUSTER) - 9
    noise = random.Random(seed).randbytes(block)
    return HEAD + _CLUSTER + b"\xa3" + (block | 1 << 56).to_bytes(8, "big") + noise


def metadata(**told: str) -> str:
    """`Upload-Metadata` of these pairs."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())


def blob_body(number: object, data: bytes, *, last: object = "False", name: str = "demo", user: str = "ann") -> Any:
    """The body of a blob, as the older uploader's client sends it."""
    return {
        "blobId": str(number),
        "username": user,
        "filename": name,
        "blobObject": base64.b64encode(data).decode(),
        "is_last": last,
    }


class TusClient:
    """Speaks tus with the app in this process."""

    def __init__(self, client: FlaskClient, headers: Mapping[str, str] | None = None) -> None:
        self._client, self._headers = client, dict(headers or {})

    def begin(self, length: int | None, **told: str) -> str:
        """Begin an upload; return its path."""
        said = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        answer = self.ask("POST", "/api/v1/uploads", **said, **{"Upload-Metadata": metadata(**told)})
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def patch(self, url: str, at: int, data: bytes, **headers: str) -> TestResponse:
        """Send bytes."""
        said = {"Upload-Offset": str(at), "Content-Type": "application/offset+octet-stream", **headers}
        return self.ask("PATCH", url, data, **said)

    def offset(self, url: str) -> int:
        """Where an upload ends."""
        answer = self.ask("HEAD", url)
        assert answer.status_code == 200, answer.status
        assert answer.headers["Cache-Control"] == "no-store"
        return int(answer.headers["Upload-Offset"])

    def ask(self, method: str, url: str, data: bytes | None = None, **headers: str) -> TestResponse:
        """Ask anything."""
        return self._client.open(url, method=method, data=data, headers={**TUS, **self._headers, **headers})


def checksum(algorithm: str, data: bytes) -> dict[str, str]:
    """`Upload-Checksum` of bytes."""
    told = base64.b64encode(hashlib.new(algorithm, data).digest()).decode()
    return {"Upload-Checksum": f"{algorithm} {told}"}


def bytes_of(core: Core, media: int) -> bytes:
    """The bytes of the upload that became a medium, put together of its pieces, of which it knows the size."""
    uploads = Uploads(core.db)
    medium = uploads.medium(media)
    assert medium.upload is not None
    pieces = uploads.pieces(medium.upload)
    assert medium.bytes == sum(piece.bytes for piece in pieces)
    return PieceBytes(core.store, pieces).read(0, medium.bytes)


def incoming(core: Core) -> list[str]:
    """The keys of all pieces that there are."""
    return [one.key for one in core.store.list("incoming/")]

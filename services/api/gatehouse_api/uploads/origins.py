"""Pages of other sites that may upload, such as those of an extension of a browser (CORS; S4-22)."""

from __future__ import annotations

from typing import Final

from flask import Response, request

from gatehouse_common.settings import allowed_origins

from .tus import EXPOSED

_PATHS: Final = frozenset(
    {
        *("/api/v1/uploads", "/upload_blob", "/upload_blob/", "/upload_blob/complete", "/upload/"),
        *("/srce/api/upload_blob/", "/srce/api/upload_blob/complete", "/srce/api/upload/"),
    }
)
_UPLOAD: Final = "/api/v1/uploads/"
_FORM: Final = "/api/v1/media"
_METHODS: Final = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
_HEADERS: Final = (
    "Authorization, X-API-Key, Content-Type, Content-Disposition, Idempotency-Key, Tus-Resumable, Upload-Length, "
    "Upload-Defer-Length, Upload-Metadata, Upload-Offset, Upload-Concat, Upload-Checksum, Upload-Complete, "
    "Upload-Draft-Interop-Version, X-HTTP-Method-Override, X-Requested-With, X-Request-ID"
)
_SECONDS: Final = "600"


class Origins:
    """Knows whose pages may upload. They show a token: cookies are not for them.

    Args:
        allowed: their origins, with commas between; none: nobody's.
    """

    def __init__(self, allowed: str) -> None:
        self._allowed = allowed_origins(allowed)

    def is_guest(self) -> bool:
        """Return whether a request is that of such a page, for where uploads are."""
        origin = request.headers.get("Origin", "").lower()
        return bool(origin) and origin in self._allowed and _is_door()

    def preflight(self) -> Response | None:
        """Return the answer to a browser that asks whether such a page may; None: it does not ask that."""
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if not asks or not self.is_guest():
            return None
        answer = Response(status=204)
        answer.headers["Access-Control-Allow-Methods"] = _METHODS
        answer.headers["Access-Control-Allow-Headers"] = _HEADERS
        answer.headers["Access-Control-Max-Age"] = _SECONDS
        return answer

    def dress(self, answer: Response) -> None:
        """Let such a page read an answer."""
        if not self._allowed or not _is_door():
            return
        answer.vary.add("Origin")
        if self.is_guest():
            answer.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            answer.headers["Access-Control-Expose-Headers"] = EXPOSED


def _is_door() -> bool:
    """Return whether a request is one of an upload; what has been uploaded is no business of other sites."""
    if request.path == _FORM:
        return request.method == "POST" or request.headers.get("Access-Control-Request-Method") == "POST"
    return request.path in _PATHS or request.path.startswith(_UPLOAD)

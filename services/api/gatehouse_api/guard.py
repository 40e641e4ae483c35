"""What keeps pages of other sites out, and what every answer carries."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request

from gatehouse_common.ids import new_id
from gatehouse_common.media.foreign_pictures import MOST_BYTES
from gatehouse_common.observability.metrics import HTTP_INFLIGHT, HTTP_REQUESTS, HTTP_SECONDS

from .hosts import answered_hosts
from .problems import problem
from .uploads.origins import Origins

MOST_BODY_BYTES = MOST_BYTES + (1 << 20)
"""Of any request: a picture, and the form around it."""
_MOST_OTHERS = 1 << 20
_WITH_PICTURE = frozenset({"/v2/detection/detect-from-image"})
_MOST_PARTS = 20
_FILES = ("/api/v1/uploads", "/upload/", "/srce/api/upload/")
"""Below these bodies are files of any size: they are read while they come, and limited by who reads them."""
_BLOBS = ("/upload_blob", "/srce/api/upload_blob")
_IN_BASE64 = 1.5
_ANY = 1 << 62
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
# The reference's viewer brings its own inline styles and scripts, all from this server.
_DOCS_POLICY = "default-src 'self' 'unsafe-inline' data: blob:; frame-ancestors 'none'"


def install_guard(
    app: Flask, host: str, allowed: str = "", origins: Origins | None = None, most_blob_bytes: int = 0
) -> None:
    """Check every request and dress every answer.

    Args:
        app: the app.
        host: the address that is listened on.
        allowed: names that are answered to beside those of the address and of this machine.
        origins: pages of which other sites may upload.
        most_blob_bytes: the largest blob of a file.
    """
    guests = origins or Origins("")
    app.config["MAX_CONTENT_LENGTH"] = _MOST_OTHERS
    app.config["MAX_FORM_PARTS"] = _MOST_PARTS
    answers_to = answered_hosts(host, allowed)

    @app.before_request
    def check() -> Response | None:
        g.began = time.perf_counter()
        request.environ["gatehouse.request_id"] = new_id()
        HTTP_INFLIGHT.labels("all").inc()
        g.counted = True
        _set_limit(most_blob_bytes)
        if not answers_to(request.host):
            told = "this server does not answer to the name in this URL: use its address, or set api.allowed_hosts"
            return problem(421, "wrong-host", "Misdirected request", told)
        preflight = guests.preflight()
        if preflight is not None:
            return preflight
        refused = _refuse_body()
        if refused is not None:
            return refused
        g.is_guest = guests.is_guest()
        if request.method in _UNSAFE and not _same_site() and not g.is_guest:
            return problem(403, "forbidden", "Forbidden", "a page of another site may not change anything here")
        if request.method in _UNSAFE and not _is_large() and not _parses():
            return problem(400, "validation", "A value is not valid", "the body is nested too deeply")
        return None

    @app.after_request
    def dress(answer: Response) -> Response:
        headers = answer.headers
        docs = request.path.startswith("/api/docs")
        headers.setdefault("Content-Security-Policy", _DOCS_POLICY if docs else _POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        guests.dress(answer)
        headers.setdefault("X-Request-Id", request.environ.get("gatehouse.request_id", ""))
        route = request.url_rule.rule if request.url_rule else "unknown"
        method = request.method if request.method in _METHODS else "other"  # clients may invent any number of them
        HTTP_REQUESTS.labels(route, method, str(answer.status_code)).inc()
        if "began" in g:
            HTTP_SECONDS.labels(route).observe(time.perf_counter() - g.began)
        return answer

    @app.teardown_request
    def count(_error: BaseException | None) -> None:
        if g.pop("counted", False):
            HTTP_INFLIGHT.labels("all").dec()


def _is_file() -> bool:
    return request.path in {"/api/v1/media", "/library/upload"} or request.path.startswith(_FILES)


def _is_large() -> bool:
    """Whether a body is so large that it is read by who may send it only: its route looks how deep it is nested."""
    return _is_file() or request.path.startswith(_BLOBS) or request.path in _WITH_PICTURE


def _set_limit(most_blob_bytes: int) -> None:
    """Say how large the body of a request may be that is read as a whole."""
    if request.path in _WITH_PICTURE:
        request.max_content_length = MOST_BODY_BYTES
    if request.path.startswith(_BLOBS):
        most = _MOST_OTHERS + round(most_blob_bytes * _IN_BASE64)
        request.max_content_length = request.max_form_memory_size = most
    if _is_file():
        request.max_content_length = _ANY


def _refuse_body() -> Response | None:
    """Return what is answered to a body that is too large, or comes without its length, None if it is taken."""
    if (request.content_length or 0) > (request.max_content_length or 0):
        return problem(413, "too-large", "More than the limit", "the body is larger than this address takes")
    if _is_file() and request.headers.get("Transfer-Encoding"):
        return problem(411, "length-required", "Length required", "send Content-Length; files come in no chunks")
    return None


def _parses() -> bool:
    """Whether a JSON body can be read at all: the parser goes down into it as deep as it is nested."""
    try:
        request.get_json(silent=True)
    except RecursionError:
        return False
    return True


def _same_site() -> bool:
    """Whether an unsafe request comes from our own pages, or from no browser at all.

    Browsers say where a request comes from (``Sec-Fetch-Site``, else ``Origin``) and pages cannot change that.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host

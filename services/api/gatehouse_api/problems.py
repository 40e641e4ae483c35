"""Errors as RFC 9457 problem documents, and in the forms that clients of the compat routes know."""

from __future__ import annotations

import math

import structlog
from flask import Response, json, make_response, render_template, request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchAddress

from gatehouse_common.errors import GatehouseError, InvalidInput, Kind, NotFound, TooOften, Unauthenticated
from gatehouse_common.ids import new_id
from gatehouse_common.intake import NoFilm
from gatehouse_common.observability.secrets import mask
from gatehouse_common.timefmt import rfc3339

from .list_csv import InvalidLines
from .uploads.quotas import QuotaExceeded

log = structlog.get_logger(__name__)

TYPE_PREFIX = "https://gatehouse.example/problems/"
_TITLES = {
    Kind.INVALID: "A value is not valid",
    Kind.UNAUTHENTICATED: "Log in first",
    Kind.FORBIDDEN: "Not allowed",
    Kind.NOT_FOUND: "Not found",
    Kind.CONFLICT: "The present state forbids it",
    Kind.CHANGED: "It has changed",
    Kind.GONE: "It has been deleted",
    Kind.TOO_LARGE: "More than the limit",
    Kind.TOO_OFTEN: "Too often",
    Kind.EXHAUSTED: "Out of room",
    Kind.UNAVAILABLE: "Something that is needed does not answer",
    Kind.DATA_LOSS: "Stored bytes are damaged",
    Kind.CANCELLED: "Stopped",
}
_COMPAT = frozenset({"/camera_info", "/recordings", "/recordings/recording_index.json", "/footage"})
"""Paths whose clients know errors as plain text."""
_OURS = ("/api/v1/", "/api/docs")
"""Paths below `/api/` that are not an older recorder's."""
_ROOM_AFTER_S = "60"
_DETAIL = ("/v2/", "/upload_blob", "/upload/", "/videos/", "/video/", "/srce/api/")
"""Paths that begin so have clients that know errors as ``{"detail": ...}``."""


class RangeNotRecorded(NotFound):
    """Nothing of a range is recorded; says where the nearest footage is.

    Args:
        message: one sentence.
        before_us: where the footage before the range ends, if there is any.
        after_us: where the footage after it begins, if there is any.
    """

    def __init__(self, message: str, before_us: int | None, after_us: int | None) -> None:
        hints = []
        if before_us is not None:
            hints.append(f"footage before it ends at {rfc3339(before_us)}")
        if after_us is not None:
            hints.append(f"footage after it begins at {rfc3339(after_us)}")
        super().__init__(f"{message}: {', '.join(hints) or 'this camera has no footage'}")
        self.nearest = {
            "before": None if before_us is None else rfc3339(before_us),
            "after": None if after_us is None else rfc3339(after_us),
        }


def wants_page() -> bool:
    """Return whether a person looks at the answer: a browser that goes to a page asks for HTML by name."""
    page = not request.path.startswith(("/api/", "/v2/"))
    return page and request.method in {"GET", "HEAD"} and "text/html" in request.accept_mimetypes.values()


def problem(status: int, slug: str, title: str, detail: str, **more: object) -> Response:
    """Return a problem document (RFC 9457); on the compat routes what their clients know."""
    if request.path in _COMPAT:
        return plain(status, detail)
    if request.path.startswith(_DETAIL):
        return detailed(status, detail)
    if request.path.startswith("/api/") and not request.path.startswith(_OURS):
        return errored(status, detail)
    body = {
        "type": TYPE_PREFIX + slug,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": request.environ.get("gatehouse.request_id") or new_id(),
        **more,
    }
    if wants_page():
        answer = make_response(render_template("problem.html", title=title, told=mask(detail), problem=body), status)
    else:
        answer = Response(mask(json.dumps(body)), status, content_type="application/problem+json")
    if status == Kind.UNAVAILABLE.status:
        answer.headers["Retry-After"] = "2"
    return answer


def from_error(error: GatehouseError) -> Response:
    """Return the answer for an error of ours."""
    more: dict[str, object] = {}
    if isinstance(error, InvalidInput) and error.field:
        more["errors"] = [{"pointer": error.field, "detail": error.message}]
    if isinstance(error, InvalidLines):
        more["errors"] = error.errors
    if isinstance(error, RangeNotRecorded):
        more["nearest"] = error.nearest
        return problem(404, "range-not-recorded", "Nothing of this range is recorded", error.message, **more)
    if isinstance(error, QuotaExceeded):
        more |= {"used": error.used, "limit": error.limit}
        return problem(507, "quota-exceeded", "More than a quota", error.message, **more)
    if isinstance(error, NoFilm) and request.path.startswith(_OURS):
        return problem(415, "unsupported-media", "Not of a type that is taken", error.message, **more)
    answer = problem(error.kind.status, error.kind.slug, _TITLES[error.kind], error.message, **more)
    if isinstance(error, Unauthenticated):
        answer.headers["WWW-Authenticate"] = _challenge()
    if error.kind is Kind.EXHAUSTED:
        answer.headers["Retry-After"] = _ROOM_AFTER_S
    if isinstance(error, TooOften):
        answer.headers["Retry-After"] = str(math.ceil(error.after_s))
    return answer


def _challenge() -> str:
    """Return how to say who one is (RFC 9110 section 11.6.1).

    Players send the password of an address only when they are asked for Basic; a browser would ask people for one.
    """
    bearer = 'Bearer realm="Gatehouse"'
    browser = "Sec-Fetch-Site" in request.headers or "Mozilla" in request.user_agent.string
    return bearer if browser else f'Basic realm="Gatehouse", charset="UTF-8", {bearer}'


def from_validation(error: ValidationError) -> Response:
    """Return the answer for a request that does not fit its model."""
    if request.path.startswith(_DETAIL):
        return detailed(422, [_located(one) for one in error.errors(include_input=False, include_url=False)])
    errors = [
        {"pointer": ".".join(str(part) for part in e["loc"]) or "body", "detail": e["msg"]} for e in error.errors()
    ]
    first = errors[0]
    detail = f"{first['pointer']}: {first['detail']}"
    return problem(422, Kind.INVALID.slug, _TITLES[Kind.INVALID], detail, errors=errors)


def from_http(error: HTTPException) -> Response:
    """Return the answer for an error of the framework: no such route, wrong method, body too large."""
    status = error.code or 500
    told = error.description or error.name
    if told == NoSuchAddress.description:  # the framework speaks to people of URLs and spelling
        told = "There is nothing at this address."
    answer = problem(status, f"http-{status}", error.name, told)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer


def from_unexpected(error: Exception) -> Response:
    """Return the answer for a fault of ours; what it was is in the log, under the request's id."""
    log.error("request failed", route=str(request.url_rule or request.path), exc_info=error)
    detail = "This is a fault of Gatehouse; its log says more under this request's id."
    return problem(500, "internal", "Internal error", detail)


def plain(status: int, text: str) -> Response:
    """Return a compat route's error: text/plain."""
    return Response(mask(text) + "\n", status, content_type="text/plain; charset=utf-8")


def detailed(status: int, detail: object) -> Response:
    """Return an error as the ``/v2`` routes have them: JSON with nothing but its detail."""
    answer = Response(mask(json.dumps({"detail": detail})), status, content_type="application/json")
    if status == Kind.UNAVAILABLE.status:
        answer.headers["Retry-After"] = "2"
    return answer


def errored(status: int, detail: str) -> Response:
    """Return an error as the routes of the recorder of sessions have them: JSON with its sentence."""
    answer = Response(mask(json.dumps({"error": detail})), status, content_type="application/json")
    if status == Kind.UNAVAILABLE.status:
        answer.headers["Retry-After"] = "2"
    return answer


def _located(error: ErrorDetails) -> dict[str, object]:
    """Return what is wrong with one value, and where it stood, as clients of ``/v2`` are used to."""
    name = error["loc"][0] if error["loc"] else ""
    if name in (request.view_args or {}):
        place = "path"
    elif request.method == "GET" or name in request.args:
        place = "query"
    else:
        place = "body"
    return {"type": error["type"], "loc": [place, *error["loc"]], "msg": error["msg"]}

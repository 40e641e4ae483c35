"""Headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload) and of the resumable draft of the IETF."""

from __future__ import annotations

from email.utils import format_datetime
from typing import Final

from flask import Response, request

from gatehouse_api.context import context
from gatehouse_api.problems import problem
from gatehouse_common.db import Upload
from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import to_datetime

from .checksums import ALGORITHMS, Checksum

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-defer-length,creation-with-upload,expiration,checksum,termination,concatenation"
TUS_TYPE, DRAFT_TYPE = "application/offset+octet-stream", "application/partial-upload"
INTEROP: Final = "8"
"""Version of the draft's interoperation (draft-ietf-httpbis-resumable-upload)."""
PATH: Final = "/api/v1/uploads"
EXPOSED: Final = (
    "Location, Upload-Offset, Upload-Length, Upload-Defer-Length, Upload-Expires, Upload-Concat, Upload-Metadata, "
    "Upload-Complete, Upload-Limit, Upload-Draft-Interop-Version, Tus-Resumable, Tus-Version, Tus-Extension, "
    "Tus-Max-Size, Tus-Checksum-Algorithm, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id"
)
"""Headers that pages of other sites may read, if they may upload at all."""


def is_draft() -> bool:
    """Return whether a request speaks as the draft has it, and not as tus does."""
    headers = request.headers
    return "Tus-Resumable" not in headers and (
        "Upload-Complete" in headers or "Upload-Draft-Interop-Version" in headers
    )


def wrong_version() -> Response | None:
    """Return what is answered to a request of tus of another version than ours, None if it is ours."""
    if request.headers.get("Tus-Resumable") == VERSION:
        return None
    told = f"say `Tus-Resumable: {VERSION}`, or `Upload-Complete` as the resumable draft has it."
    answer = problem(412, "tus-version", "Another version of tus", told)
    answer.headers["Tus-Version"] = VERSION
    return answer


def other_version() -> Response | None:
    """Return what is answered to a request that names another version of tus, None if it names none, or ours."""
    return wrong_version() if "Tus-Resumable" in request.headers else None


def completes() -> bool:
    """Return what `Upload-Complete` says: whether a request has the end of its file.

    Raises:
        InvalidInput: it is no boolean of structured headers (RFC 9651).
    """
    told = request.headers.get("Upload-Complete", "").strip()
    if told not in {"?0", "?1"}:
        raise InvalidInput("Upload-Complete has to be `?0` or `?1`.", "Upload-Complete")
    return told == "?1"


def announced_checksum() -> Checksum | None:
    """Return the checksum that a request announces, None if it does not.

    Raises:
        InvalidInput: it is none.
    """
    told = request.headers.get("Upload-Checksum")
    return None if told is None else Checksum(told)


def options() -> Response:
    """Return what tus can here (section OPTIONS)."""
    answer = Response(status=204)
    answer.headers["Tus-Version"] = VERSION
    answer.headers["Tus-Extension"] = EXTENSIONS
    answer.headers["Tus-Checksum-Algorithm"] = ALGORITHMS
    answer.headers["Upload-Limit"] = _limit()
    return answer


def dressed(answer: Response) -> Response:
    """Put into an answer what both protocols say in all of theirs."""
    headers = answer.headers
    if is_draft():
        headers["Upload-Draft-Interop-Version"] = INTEROP
        headers["Upload-Limit"] = _limit()
    else:
        headers["Tus-Resumable"] = VERSION
        headers["Tus-Max-Size"] = str(context().uploads.quotas.most_bytes)
    headers["Cache-Control"] = "no-store"
    return answer


def describing(answer: Response, upload: Upload) -> Response:
    """Put into an answer what both protocols say of an upload: how far it is, how long, and until when it waits."""
    headers = answer.headers
    headers["Upload-Offset"] = str(upload.received)
    if upload.length is not None:
        headers["Upload-Length"] = str(upload.length)
    if upload.state == "receiving":
        headers["Upload-Expires"] = format_datetime(to_datetime(upload.expires_us), usegmt=True)
    if is_draft():
        headers["Upload-Complete"] = "?1" if upload.received == upload.length else "?0"
        return answer
    if upload.length is None:
        headers["Upload-Defer-Length"] = "1"
    if upload.role == "partial":
        headers["Upload-Concat"] = "partial"
    if upload.role == "final":
        urls = " ".join(f"{PATH}/{part}" for part in upload.facts.get("parts", ()))
        headers["Upload-Concat"] = f"final;{urls}"
    if upload.facts.get("metadata"):
        headers["Upload-Metadata"] = upload.facts["metadata"]
    return answer


def _limit() -> str:
    settings = context().core.settings.values.uploads
    most, hours = settings.most_bytes, settings.unfinished_hours
    return f"max-size={most}, min-size=1, max-append-size={most}, max-age={round(hours * 3600)}"

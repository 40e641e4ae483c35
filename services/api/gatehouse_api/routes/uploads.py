"""``/api/v1/uploads``: files in pieces, by tus 1.0.0 or by the resumable draft of the IETF; both may be broken off."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from flask import Response, jsonify, request
from flask_openapi3 import Tag
from werkzeug.http import parse_options_header

from gatehouse_api.auth.access import needs, open_to_all
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.idempotency import once
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.problems import problem
from gatehouse_api.routes.upload_models import UploadList, UploadPath, UploadView, upload_view
from gatehouse_api.uploads import tus
from gatehouse_api.uploads.checksums import ChecksumMismatch
from gatehouse_api.uploads.engine import Owner, UploadEngine, Wanted
from gatehouse_api.uploads.people import owner_of, whose
from gatehouse_api.uploads.slices import Body
from gatehouse_api.uploads.told import (
    announced_digest,
    claimed_type,
    facts_of,
    file_name,
    later_facts_of,
    parse_metadata,
    read_length,
)
from gatehouse_common.accounts import Scope
from gatehouse_common.db import BrowserSessions, OffsetMismatch, Upload
from gatehouse_common.errors import Conflict, InvalidInput

api = Routes("uploads", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Uploads")])

_MISMATCH = "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"
_COMPLETED = "https://iana.org/assignments/http-problem-types#completed-upload"
_MOST_PARTS = 1000


@api.after_request
def dress(answer: Response) -> Response:
    """Say in every answer what both protocols say in theirs, also where an error is told."""
    return tus.dressed(answer)


@api.route("/uploads", methods=["OPTIONS"])
@open_to_all
def get_options() -> Response:
    """Return what tus can here."""
    return tus.options()


@api.route("/uploads/<upload>", methods=["OPTIONS"])
@open_to_all
def get_upload_options(upload: str) -> Response:  # noqa: ARG001 - the same for all
    """Return what tus can here."""
    return tus.options()


@api.post("/uploads", summary="Begin an upload", responses={201: None})
@needs(Scope.UPLOADS_WRITE)
@once(streams=True)
def begin_upload() -> Response:
    """Begin an upload, and take what of it comes along; `Location` is where it is gone on with.

    As tus 1.0.0 has it (`Tus-Resumable`, `Upload-Length` or `Upload-Defer-Length`, `Upload-Metadata`,
    `Upload-Concat`), or the resumable draft (`Upload-Complete`).
    """
    if tus.is_draft():
        return _begin_draft()
    wrong = tus.wrong_version()
    return wrong or _begin_tus()


@api.get("/uploads", summary="One's own unfinished uploads", responses={200: UploadList})
@needs(Scope.UPLOADS_WRITE)
def get_uploads() -> Response:
    """Return what one has begun and not ended: after a crash it can be gone on with."""
    found = _engine().uploads.unfinished(caller().number)
    return jsonify(UploadList(items=[upload_view(one) for one in found]).model_dump())


@api.get("/uploads/<upload>", summary="How far an upload is", responses={200: UploadView})
@needs(Scope.UPLOADS_WRITE)
def get_upload(path: UploadPath) -> Response:
    """Return an upload; `HEAD` says in headers where it is gone on with."""
    wrong = tus.other_version()
    if wrong is not None:
        return wrong
    found = _engine().find(path.upload, whose())
    if request.method == "HEAD":
        answer = Response(status=204 if tus.is_draft() else 200)
        return tus.describing(answer, found)
    return tus.describing(jsonify(upload_view(found).model_dump()), found)


@api.patch("/uploads/<upload>", summary="Go on with an upload", responses={204: None})
@needs(Scope.UPLOADS_WRITE)
def append_to_upload(path: UploadPath) -> Response:
    """Add bytes where an upload ends (`Upload-Offset`); what has come when a connection breaks is kept.

    With `Upload-Checksum` it counts as a whole or not at all: 460. For a recording of a session `Upload-Metadata` may
    say `interrupted`, when it broke off, and `pauses` of it: `at+lasted` each, in milliseconds.
    """
    wrong = None if tus.is_draft() else tus.wrong_version()
    if wrong is not None:
        return wrong
    found = _engine().find(path.upload, whose())
    unfit = _unfit(found)
    if unfit is not None:
        return unfit
    at = read_length(request.headers.get("Upload-Offset"), "Upload-Offset")
    if at is None:
        raise InvalidInput("Upload-Offset is missing.", "Upload-Offset")
    found = _noted(found)
    try:
        grown = _append_draft(found, at) if tus.is_draft() else _append_tus(found, at)
    except (OffsetMismatch, _Completed, ChecksumMismatch) as error:
        return _refused(at, error)
    return tus.describing(Response(status=204), grown)


def _unfit(found: Upload) -> Response | None:
    """Return what is answered to bytes that cannot be added to an upload, None if they can."""
    wanted = tus.DRAFT_TYPE if tus.is_draft() else tus.TUS_TYPE
    if request.mimetype != wanted:
        return problem(415, "unsupported-media", "Not of a type that is taken", f"use `{wanted}`.")
    if found.role == "final":
        return problem(403, "forbidden", "Not allowed", "what was joined of parts cannot be added to.")
    return None


@api.delete("/uploads/<upload>", summary="Give an upload up", responses={204: None})
@needs(Scope.UPLOADS_WRITE)
def cancel_upload(path: UploadPath) -> Response:
    """Delete what has come of an upload; what it has become by then stays."""
    wrong, engine = tus.other_version(), _engine()
    if wrong is not None:
        return wrong
    found = engine.find(path.upload, whose())
    if not engine.intake.drop(found, "cancelled"):
        raise Conflict(f"upload {found.id} is complete: delete its medium.")
    return Response(status=204)


class _Completed(Conflict):
    """More comes for an upload of which all is here."""


def _begin_tus() -> Response:
    told, engine = request.headers.get("Upload-Metadata", ""), _engine()
    metadata, concat = parse_metadata(told), request.headers.get("Upload-Concat", "")
    length = read_length(request.headers.get("Upload-Length"), "Upload-Length")
    is_final, is_partial = concat.startswith("final;"), concat == "partial"
    if concat and not (is_final or is_partial):
        raise InvalidInput("Upload-Concat has to be `partial`, or `final;` and the URLs of parts.", "Upload-Concat")
    if not is_final and (length is None) == (request.headers.get("Upload-Defer-Length") != "1"):
        raise InvalidInput("say either Upload-Length or `Upload-Defer-Length: 1`.", "Upload-Length")
    wanted = Wanted(
        owner=owner_of(metadata.get("username", "")),
        door="tus",
        name=file_name(metadata.get("filename") or metadata.get("name", "")),
        length=None if is_final else length,
        claimed_type=claimed_type(metadata.get("filetype") or metadata.get("type", "")),
        digest=announced_digest(metadata.get("sha256", "")),
        facts={**facts_of(metadata), **({"metadata": told} if told else {})},
        role="final" if is_final else "partial" if is_partial else "whole",
    )
    if is_final:
        return _begun(_join(wanted, concat))
    upload = engine.begin(wanted)
    if request.content_length and request.mimetype == tus.TUS_TYPE:
        try:
            upload = engine.append(upload, 0, _body(), request.content_length, tus.announced_checksum())
        except ChecksumMismatch as error:
            answer = problem(460, "checksum-mismatch", "Checksum mismatch", error.message)
            answer.headers["Location"] = f"{tus.PATH}/{upload.id}"
            return tus.describing(answer, upload)
    return _begun(upload)


def _join(wanted: Wanted, concat: str) -> Upload:
    engine = _engine()
    parts = [url.rstrip("/").rpartition("/")[2] for url in concat.removeprefix("final;").split()]
    if not 0 < len(parts) <= _MOST_PARTS:
        raise InvalidInput(f"an upload is joined of 1 to {_MOST_PARTS} parts.", "Upload-Concat")
    found = [engine.find(part, whose()) for part in parts]
    engine.quotas.check_size(sum(one.received for one in found))
    facts = {**(wanted.facts or {}), "parts": parts}
    made = engine.new(replace(wanted, owner=Owner(found[0].owner, found[0].owner_name), facts=facts))
    return engine.finish(engine.uploads.join(made, parts))


def _begin_draft() -> Response:
    engine, ends = _engine(), tus.completes()
    length = read_length(request.headers.get("Upload-Length"), "Upload-Length")
    size = request.content_length or 0  # who says nothing of it sends nothing (RFC 9112 section 6.3)
    if ends:
        if length not in {None, size}:
            raise InvalidInput("Upload-Length is not the length of what comes, which is all.", "Upload-Length")
        length = size
    metadata = request.headers.get("Content-Disposition", "")
    wanted = Wanted(
        owner=owner_of(),
        door="resumable",
        name=file_name(_disposition_name(metadata)),
        length=length,
        claimed_type=claimed_type(request.content_type or ""),
    )
    upload = engine.begin(wanted)
    if size:
        upload = engine.append(upload, 0, _body(), size)
    return _begun(upload)


def _disposition_name(header: str) -> str:
    """Return the name of a file that Content-Disposition tells (RFC 6266), empty if it tells none."""
    return str(parse_options_header(header)[1].get("filename", ""))


def _begun(upload: Upload) -> Response:
    answer = Response(status=201)
    answer.headers["Location"] = f"{tus.PATH}/{upload.id}"
    return tus.describing(answer, upload)


def _noted(found: Upload) -> Upload:
    """Note what a browser tells of its recording by now; return the upload as it is then."""
    more = later_facts_of(parse_metadata(request.headers.get("Upload-Metadata", "")))
    if not more or "session" not in found.facts:
        return found
    noted = BrowserSessions(context().core.db).note(found.id, more)
    return replace(found, facts=noted) if noted else found


def _append_tus(found: Upload, at: int) -> Upload:
    engine = _engine()
    length = read_length(request.headers.get("Upload-Length"), "Upload-Length")
    if length is not None and found.state == "receiving":
        found = engine.say_length(found, length)
    if found.state == "complete" and at == found.received and not request.content_length:
        return found
    return engine.append(found, at, _body(), request.content_length, tus.announced_checksum())


def _append_draft(found: Upload, at: int) -> Upload:
    engine, size = _engine(), request.content_length or 0
    if at != found.received:
        raise OffsetMismatch(found.received)
    if found.state == "complete":
        raise _Completed(f"upload {found.id} is complete.")
    if tus.completes():
        found = engine.say_length(found, at + size)
    return engine.append(found, at, _body(), size)


def _refused(at: int, error: OffsetMismatch | _Completed | ChecksumMismatch) -> Response:
    if isinstance(error, OffsetMismatch):
        return _mismatch(at, error.offset)
    if isinstance(error, _Completed):
        return problem(400, "upload-complete", "The upload is complete", error.message, type=_COMPLETED)
    return problem(460, "checksum-mismatch", "Checksum mismatch", error.message)


def _mismatch(at: int, offset: int) -> Response:
    told = f"the upload ends at {offset}: go on there, not at {at}."
    answer = problem(409, "offset-mismatch", "It does not end there", told)
    if tus.is_draft():
        more = {"expected-offset": offset, "provided-offset": at}
        answer = problem(409, "offset-mismatch", "It does not end there", told, **{"type": _MISMATCH, **more})
    answer.headers["Upload-Offset"] = str(offset)
    return answer


def _engine() -> UploadEngine:
    return context().uploads


def _body() -> Body:
    return cast("Body", request.stream)

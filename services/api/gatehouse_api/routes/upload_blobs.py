"""The routes of an older uploader: a file in blobs of a megabyte, each in Base64 in JSON, or in a form (S4)."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from gatehouse_api.auth.access import needs
from gatehouse_api.context import context
from gatehouse_api.deprecation import deprecate
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.uploads.blob_bodies import from_base64, read_told
from gatehouse_api.uploads.blobs import MOST_NUMBER, Blob
from gatehouse_api.uploads.people import needed_owner
from gatehouse_api.uploads.whole_files import take_file
from gatehouse_common.accounts import Scope
from gatehouse_common.db import Media
from gatehouse_common.errors import InvalidInput
from gatehouse_common.media.file_kinds import extension_of
from gatehouse_common.timefmt import rfc3339

api = Routes("upload_blobs", __name__, abp_tags=[Tag(name="Compatibility")])

_ONE: Final = "Video blob received successfully!"
_ALL: Final = "Video blobs received successfully and video is being processed!"
_WHOLE: Final = "Video received successfully and video is being processed!"
_SUCCESSOR: Final = "/api/v1/uploads"
_DATA_URL: Final = re.compile(r"data:[^,]{0,200};base64,")
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False, "": False}
_MOST_TEXT: Final = 1000


class UploadQuery(BaseModel):
    """Whose a file is."""

    username: str = Field("", max_length=255, description="in whose name it is uploaded; none: who asks")


@api.post("/upload_blob/", summary="A blob of a file", deprecated=True)
@api.post("/upload_blob", summary="A blob of a file", deprecated=True)
@api.post("/srce/api/upload_blob/", summary="A blob of a file", deprecated=True)
@needs(Scope.UPLOADS_WRITE)
def upload_blob() -> Response:
    """Take a blob; when none is missing the file is whole, and is processed.

    Blobs may come in any order, at once, and more than once; `is_last` says which is the last.
    """
    desk = context().blobs
    with read_told("blobObject") as told:
        name = _text(told, "filename")
        blob = Blob(_number(told.get("blobId")), _bytes(told.get("blobObject")), _truth(told.get("is_last", "")))
        desk.check(blob)  # first: where nobody is known, whoever is named for the first time becomes a user
        media = desk.take(needed_owner(told.get("username")), name, blob)
    return _answer(_ONE) if media is None else _answer(_ALL, media)


@api.post("/upload_blob/complete", summary="A file in blobs is whole", deprecated=True)
@api.post("/srce/api/upload_blob/complete", summary="A file in blobs is whole", deprecated=True)
@needs(Scope.UPLOADS_WRITE)
def complete_blobs() -> Response:
    """Say that all blobs of a file have been sent, if none of them was sent with `is_last`."""
    with read_told("blobObject") as told:
        name, owner = _text(told, "filename"), needed_owner(told.get("username"), add=False)
    return _answer(_ALL, context().blobs.complete(owner, name))


@api.post("/upload/", summary="A file at once", deprecated=True)
@api.post("/srce/api/upload/", summary="A file at once", deprecated=True)
@needs(Scope.UPLOADS_WRITE)
def upload_file(query: UploadQuery) -> Response:
    """Take the file `file` of a form."""
    return _answer(_WHOLE, take_file("file", query.username))


def _answer(said: str, media: Media | None = None) -> Response:
    body: dict[str, Any] = {"msg": said}
    if media is not None:
        body["video_data"] = _view(media)
    return deprecate(jsonify(body), _SUCCESSOR)


def _view(media: Media) -> dict[str, Any]:
    """Return a medium as the older uploader shows it; the last blob again gets the same, however far it is by then."""
    extension = extension_of(media.type)
    return {
        "id": media.number,
        "username": media.owner_name.lower(),
        "created_date": rfc3339(media.created_us, context().core.zone),
        "original_location": f"{media.folder}original.{extension}",
        "compressed_location": f"{media.folder}compressed.mp4",
        "thumbnail_location": f"{media.folder}thumbnail.jpg",
        "file_type": extension,
        "status": "queued",
    }


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > _MOST_TEXT:
        raise InvalidInput(f"{name} has to be a text of 1 to {_MOST_TEXT} characters.", name)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{name} is no Unicode.", name) from error
    return value


def _number(value: object) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"[0-9]{1,8}", text.strip()) or int(text) > MOST_NUMBER:
        raise InvalidInput(f"blobId has to be a whole number from 0 to {MOST_NUMBER}.", "blobId")
    return int(text)


def _truth(value: object) -> bool:
    if isinstance(value, str | int):
        found = _TRUTH.get(str(value).strip().lower())
        if found is not None:
            return found
    raise InvalidInput("is_last has to be True or False.", "is_last")


def _bytes(value: object) -> bytes | memoryview:
    """Return the bytes of a blob: in Base64, as a data URL, or as a file of a form.

    Raises:
        InvalidInput: they are neither.
    """
    if isinstance(value, memoryview):
        return value
    if not isinstance(value, str):
        raise InvalidInput("blobObject is missing: Base64, a data URL, or a file of a form.", "blobObject")
    url = _DATA_URL.match(value)
    try:
        return from_base64(value[url.end() :] if url else value)
    except ValueError as error:
        raise InvalidInput(f"blobObject is no Base64: {error}.", "blobObject") from error

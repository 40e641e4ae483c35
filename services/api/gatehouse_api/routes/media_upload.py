"""``POST /api/v1/media``: a file at once, in a form, as `curl -F file=@film.webm` sends it."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from gatehouse_api.auth.access import needs
from gatehouse_api.idempotency import once
from gatehouse_api.routes.media import api  # of one path all methods have to be declared by one blueprint
from gatehouse_api.uploads.whole_files import take_file
from gatehouse_common.accounts import Scope
from gatehouse_common.timefmt import rfc3339


class UploadedView(BaseModel):
    """A film or a sound that has come, and is going to be processed."""

    number: int = Field(description="of the medium")
    id: str = Field(description="of the medium, UUIDv7")
    name: str = Field(description="what its client calls it")
    state: str = Field(description="queued")
    type: str = Field(description="media type by its first bytes")
    bytes: int = Field(description="size")
    created: str = Field(description="when it was whole here")


@api.post("/media", summary="Upload a file at once", responses={201: UploadedView}, tags=[Tag(name="Uploads")])
@needs(Scope.UPLOADS_WRITE)
@once(streams=True)
def upload_media() -> tuple[Response, int, dict[str, str]]:
    """Take the file `file` of a form (multipart/form-data); what breaks off here is lost: see `/api/v1/uploads`."""
    media = take_file("file")
    view = UploadedView(
        number=media.number,
        id=media.id,
        name=media.name,
        state=media.state,
        type=media.type,
        bytes=media.bytes,
        created=rfc3339(media.created_us),
    )
    return jsonify(view.model_dump()), 201, {"Location": f"/api/v1/media/{media.number}"}

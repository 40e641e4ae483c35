"""The routes of an older uploader by which its files were listed, played and deleted (S4-21)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.deprecation import deprecate
from gatehouse_api.media_files import media_file, shown_file
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.compat_s0_models import NameInPath
from gatehouse_common.accounts import Scope
from gatehouse_common.db import Media, MediaFile, MediaQuery
from gatehouse_common.errors import NotFound
from gatehouse_common.media.file_kinds import extension_of
from gatehouse_common.timefmt import rfc3339

api = Routes("compat_s4", __name__, abp_tags=[Tag(name="Compatibility")])

_SUCCESSOR = "/api/v1/media"
_MOST = 1000


class OwnerPath(BaseModel):
    """A user in the path."""

    username: NameInPath = Field(max_length=255, description="name of the user")


class VideoPath(BaseModel):
    """A medium in the path."""

    video: int = Field(ge=1, le=2**31 - 1, description="number of the medium")


@api.get("/videos/<username>", summary="The videos of a user", deprecated=True)
@api.get("/srce/api/videos/<username>", summary="The videos of a user", deprecated=True)
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def get_user_videos(path: OwnerPath) -> Response:
    """Return the newest thousand media of a user; none of who is not there for whoever asks."""
    user = context().recorder.find(path.username, caller())
    library = context().media.library(caller())
    found = [] if user is None else library.find(MediaQuery(owner=user.number), _MOST)
    files = library.files([one.number for one in found])
    return deprecate(jsonify([_view(one, files.get(one.number, [])) for one in found]), _SUCCESSOR)


@api.get("/video/stream/<int:video>", summary="The bytes of a video", deprecated=True)
@api.get("/srce/api/video/stream/<int:video>", summary="The bytes of a video", deprecated=True)
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def stream_video(path: VideoPath) -> Response:
    """Return what plays best of a medium, with ranges."""
    desk = context().media
    media = desk.get(str(path.video), caller())
    file = shown_file(desk.files(media, caller()))
    if file is None:
        raise NotFound("Video not found")
    return deprecate(media_file(media, file, download=False), _SUCCESSOR)


@api.delete("/video/<int:video>", summary="Delete a video", deprecated=True)
@api.delete("/srce/api/video/<int:video>", summary="Delete a video", deprecated=True)
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE)
def delete_video(path: VideoPath) -> Response:
    """Put a medium into the trash, where it stays for `sessions.trash_hours`."""
    context().media.delete(str(path.video), caller(), sender())
    return deprecate(jsonify({"msg": "Video deleted successfully!"}), _SUCCESSOR)


def _view(media: Media, files: Sequence[MediaFile]) -> dict[str, Any]:
    """Return a medium as the older uploader shows it; a file that is not made has no place yet."""
    places = {file.kind: file.key for file in files}
    return {
        "id": media.number,
        "username": media.owner_name.lower(),
        "created_date": rfc3339(media.created_us, context().core.zone),
        "original_location": places.get("original"),
        "compressed_location": places.get("compressed"),
        "thumbnail_location": places.get("thumbnail"),
        "file_type": extension_of(media.type),
        "status": "merging" if media.state == "processing" and media.stage == "merging" else media.state,
        "error": media.detail,
    }

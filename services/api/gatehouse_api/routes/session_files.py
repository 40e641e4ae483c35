"""``/api/v1/session-files``: files of recorder sessions that were put into the trash come out of it again."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.compat_s0_models import ChunkPath
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.db import SessionChunk
from gatehouse_common.timefmt import rfc3339

api = Routes("session_files", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Recorder sessions")])


class SessionFileView(BaseModel):
    """A file of a recorder session."""

    number: int = Field(description="number of the file", examples=[17])
    session: int = Field(description="number of its session", examples=[4])
    position: int = Field(description="1, 2, 3 in the session", examples=[2])
    user_name: str = Field(description="who recorded", examples=["John Doe"])
    camera: str = Field(description="of which camera", examples=["front-gate"])
    name: str = Field(description="name of the file", examples=["session_20260517_102300_17.mp4"])
    start: str = Field(description="when its first frame was", examples=["2026-05-17T10:23:00.000000+02:00"])
    end: str = Field(description="when its last frame ended", examples=["2026-05-17T10:26:00.000000+02:00"])
    bytes: int = Field(description="size", examples=[81234567])
    detail: str = Field(description="what is missing in it, one sentence; empty: nothing", examples=[""])


@api.post(
    "/session-files/<int:chunk>/restore", responses={200: SessionFileView}, summary="Take a file out of the trash"
)
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE, permission=Permission.PLAYBACK)
def restore(path: ChunkPath) -> Response:
    """Take a file out of the trash; it is in all lists again."""
    return jsonify(_view(context().recorder.restore(path.chunk, caller(), sender())).model_dump())


def _view(one: SessionChunk) -> SessionFileView:
    zone = context().core.zone
    return SessionFileView(
        number=one.number,
        session=one.session,
        position=one.position,
        user_name=one.user_name,
        camera=one.camera,
        name=one.key.rpartition("/")[2],
        start=rfc3339(one.start_us, zone),
        end=rfc3339(one.end_us, zone),
        bytes=one.bytes,
        detail=one.detail,
    )

"""``/api/v1/live/grid``: the live pictures of many cameras over one connection."""

from __future__ import annotations

import socket

from flask import Response, g, request
from flask_openapi3 import Tag
from pydantic import Field

from gatehouse_api.auth.access import needs
from gatehouse_api.context import Context, context
from gatehouse_api.live_grid import BOUNDARY, LiveGrid
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.live import endless
from gatehouse_api.routes.models import Asked
from gatehouse_api.watching import grid_followed
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.errors import InvalidInput, NotFound, Unavailable
from gatehouse_common.runtime.web_server import CONNECTION

api = Routes("live_grid", __name__, abp_tags=[Tag(name="Live")])

MOST_CAMERAS = 64
_UNSENT_BYTES = 128 << 10
"""What the system may keep for a slow viewer: a few pictures, not those of the last minute."""


class GridQuery(Asked):
    """What to show."""

    cameras: str = Field("", max_length=4200, description=f"ids with commas, at most {MOST_CAMERAS}; empty: all")
    width: int = Field(480, ge=64, le=1280, description="pixels that a picture is wide at least, where its camera's is")
    fps: float = Field(5, ge=0.1, le=15, allow_inf_nan=False, description="pictures a second of each camera at most")


@api.get("/api/v1/live/grid", summary="Endless pictures of many cameras (multipart/mixed)")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_grid(query: GridQuery) -> Response:
    """Return a part for each picture, with its camera in `X-Camera` and its time in `X-Picture-Time`.

    The first of each camera is the last that was recorded, also of one that is away; then they come as they are made,
    the newest only. After three seconds without a picture comes an empty part. Cameras that may not be seen any
    more are left out, and without any the answer ends.
    """
    ctx = context()
    cameras = _chosen(ctx, query.cameras)
    if ctx.live.full():
        raise Unavailable("as many live views are open as the server bears")
    g.camera = ""  # not the last that was looked up: what is written down is which were asked for
    _keep_little(request.environ.get(CONNECTION))
    grid = LiveGrid(ctx, cameras, ctx.library, ctx.standing())
    pieces = grid_followed(ctx, cameras, grid.parts(query.width, query.fps), "X-Camera: {camera}\r\n")
    return endless(pieces, f"multipart/mixed; boundary={BOUNDARY}")


def _chosen(ctx: Context, named: str) -> list[str]:
    """Return the ids of the cameras that are asked for, each once.

    Raises:
        InvalidInput: they are more than one answer is for.
        NotFound: one of them is not there, or there is none at all.
    """
    wanted = list(dict.fromkeys(one for one in named.split(",") if one))
    if len(wanted) > MOST_CAMERAS:
        raise InvalidInput(f"{len(wanted)} cameras are more than {MOST_CAMERAS}", "cameras")
    found = [ctx.cameras.get(one).id for one in wanted] or [one.id for one in ctx.cameras.list()][:MOST_CAMERAS]
    if not found:
        raise NotFound("there is no camera")
    return found


def _keep_little(connection: socket.socket | None) -> None:
    """Have the system keep little of what is not sent yet: what waits there is old when it comes."""
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNSENT_BYTES)

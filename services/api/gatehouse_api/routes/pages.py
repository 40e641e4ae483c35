"""The pages of cameras: what they show now, and what is recorded of each."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs, open_to_all
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.routes.compat import root_stream, wants_stream
from gatehouse_api.routes.record_pages import record_page
from gatehouse_common.accounts import Permission, Scope

pages = Blueprint("pages", __name__)

_OF_ONE_CAMERA = frozenset({"camera", "at", "t"})
"""Where the address of ``/`` says one of these it is an old one, of what is at ``/timeline`` by now."""
_GRIDS = ("auto", "1", "4", "9")
"""How many cameras fill the window: as many as there are, or so many."""


@pages.get("/")
@needs(Scope.LIVE_VIEW, Scope.FOOTAGE_READ, Scope.RECORDS_OWN)
def get_root() -> BaseResponse:
    """Return the live page, or the default camera's MJPEG to whoever asks for a picture; see ``compat_root``."""
    ctx = context()
    mode = ctx.core.settings.values.api.compat_root
    answer: BaseResponse
    watches = caller().may(Scope.LIVE_VIEW) or caller().may(Scope.FOOTAGE_READ)
    if caller().may(Scope.RECORDS_OWN) and (mode == "record" or not watches):
        answer = record_page()
    elif mode == "mjpeg" or (mode == "app" and wants_stream()):
        answer = root_stream(ctx)
    elif _OF_ONE_CAMERA & request.args.keys():
        answer = redirect(f"/timeline?{request.query_string.decode('ascii', 'replace')}", 302)
    else:
        answer = _live()
    if mode == "app":
        answer.vary.update(("Accept", "Sec-Fetch-Dest"))
    return answer


@pages.get("/live")
@needs(Scope.LIVE_VIEW, Scope.FOOTAGE_READ)
def get_live() -> Response:
    """Return the live page."""
    return _live()


@pages.get("/live/<camera>")
@needs(Scope.LIVE_VIEW, Scope.FOOTAGE_READ)
def get_camera(camera: str) -> BaseResponse:
    """Lead to the page of one camera."""
    return redirect(f"/timeline?camera={context().cameras.get(camera[:64]).id}", 302)


@pages.get("/timeline")
@needs(Scope.LIVE_VIEW, Scope.FOOTAGE_READ)
def get_timeline() -> Response:
    """Return the page of one camera: live, its past, and its timeline."""
    return _page("app.html", default_camera=context().default_camera() or "")


@pages.get("/api/docs")
@needs(Scope.CAMERAS_READ, Scope.UPLOADS_WRITE)
def get_docs() -> BaseResponse:
    """Lead to the API's reference."""
    return redirect("/api/docs/scalar", 302)


@pages.get("/favicon.ico")
@open_to_all
def get_icon() -> Response:
    """Return the icon."""
    return send_from_directory(pages.root_path + "/../static", "icon.svg", mimetype="image/svg+xml")


def _live() -> Response:
    asked = request.args.get("grid", "")
    shows = caller().may(Scope.LIVE_VIEW)
    ctx = context()
    cameras = ctx.live_order.sort(caller(), ctx.cameras.list(Permission.LIVE)) if shows else []
    return _page("live.html", cameras=cameras, grids=_GRIDS, grid=asked if asked in _GRIDS else _GRIDS[0], shows=shows)


def _page(template: str, **values: object) -> Response:
    ctx = context()
    answer = make_response(render_template(template, zone=str(ctx.core.zone), host=request.host, **values))
    answer.headers["Cache-Control"] = "no-cache"
    shown = ctx.default_camera(Permission.LIVE) if caller().may(Scope.LIVE_VIEW) else None
    if shown:  # for clients of the older recorder that are no browsers: curl, VLC, OpenCV
        answer.headers["Link"] = f'</live/{shown}.mjpg>; rel="alternate"; type="multipart/x-mixed-replace"'
    return answer

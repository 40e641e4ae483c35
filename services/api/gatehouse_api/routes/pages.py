"""The web app's pages."""

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


@pages.get("/")
@needs(Scope.LIVE_VIEW, Scope.FOOTAGE_READ)
def get_root() -> Response:
    """Return the app, or the default camera's MJPEG to whoever asks for a picture; see the setting ``compat_root``."""
    ctx = context()
    mode = ctx.core.settings.values.api.compat_root
    if mode == "record" and caller().may(Scope.RECORDS_OWN):
        return record_page()
    answer = root_stream(ctx) if mode == "mjpeg" or (mode == "app" and wants_stream()) else _app()
    if mode == "app":
        answer.vary.update(("Accept", "Sec-Fetch-Dest"))
    return answer


@pages.get("/live")
@needs(Scope.LIVE_VIEW, Scope.FOOTAGE_READ)
def get_live() -> Response:
    """Return the app."""
    return _app()


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


def _app() -> Response:
    ctx = context()
    default = ctx.default_camera() or ""
    shown = ctx.default_camera(Permission.LIVE) if caller().may(Scope.LIVE_VIEW) else None
    page = render_template("app.html", zone=str(ctx.core.zone), default_camera=default, host=request.host)
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-cache"
    if shown:  # for clients of the older recorder that are no browsers: curl, VLC, OpenCV
        answer.headers["Link"] = f'</live/{shown}.mjpg>; rel="alternate"; type="multipart/x-mixed-replace"'
    return answer

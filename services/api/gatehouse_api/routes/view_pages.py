"""The page of one live picture that needs no scripts, with a button that records what is watched."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import uuid4

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.forms import led_to, page, text, told
from gatehouse_api.routes.viewings import own_viewing, own_viewing_soon
from gatehouse_api.session_views import clock_of
from gatehouse_api.watching import page_id
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import RecorderSession
from gatehouse_common.errors import GatehouseError, NotFound

pages = Blueprint("view_pages", __name__)

_DONE = {
    "recording": "This session is recorded from now on.",
    "stopped": "The recording has stopped: it is in the log.",
}


@pages.get("/view/<camera>")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_view(camera: str) -> BaseResponse:
    """Return the live picture of a camera; its address keeps the viewing, so that a reload goes on with it."""
    return _view(camera, page_id(request.args.get("viewing", "")) or str(uuid4()))


@pages.post("/view/<camera>/record")
@needs(Scope.RECORDS_OWN, permission=Permission.LIVE)
def post_record(camera: str) -> BaseResponse:
    """Record what is watched, or stop that."""
    viewing, on = page_id(text("viewing")), text("deed") == "start"
    context().cameras.get(camera[:64])
    try:
        found = own_viewing_soon(viewing)
        if on and context().viewings.recording(found) is None:
            context().viewings.begin(found, caller(), sender())
        elif not on:
            context().viewings.stop(found, caller(), sender())
    except GatehouseError as error:
        return _view(camera, viewing or str(uuid4()), error)
    return led_to(f"/view/{camera}?" + urlencode({"viewing": viewing, "done": "recording" if on else "stopped"}))


def _view(camera: str, viewing: str, error: GatehouseError | None = None) -> Response:
    ctx = context()
    found = ctx.cameras.get(camera[:64])
    session = _session(viewing)
    seconds = 0 if session is None else max(0, ctx.core.clock.now_us() - session.start_us) // SECOND
    return page(
        "view.html",
        200 if error is None else error.kind.status,
        problem=error and error.message,
        done=told(_DONE),
        camera=found,
        viewing=viewing,
        since=None if session is None else clock_of(seconds),
        may_record=caller().may(Scope.RECORDS_OWN) and caller().sees(found.id, Permission.EXPORT),
    )


def _session(viewing: str) -> RecorderSession | None:
    try:
        return context().viewings.recording(own_viewing(viewing))
    except NotFound:  # its stream has not begun yet
        return None

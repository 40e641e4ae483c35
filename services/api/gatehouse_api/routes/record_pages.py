"""The page on which a user records a camera: started, followed, stopped, and its files played. It needs no scripts."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.forms import led_to, page, text
from gatehouse_api.record_form import Progress, RecordForm, chosen_name, may_choose, new_form, written_form
from gatehouse_api.recorder_desk import sees_session
from gatehouse_api.session_views import FileView, clock_of, file_view
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.db import Camera, RecorderSession, SessionFiles
from gatehouse_common.errors import GatehouseError, InvalidInput

pages = Blueprint("record_pages", __name__)

_FIELDS = frozenset({"name", "camera", "total", "chunk"})


@pages.get("/record")
@needs(Scope.RECORDS_OWN, permission=Permission.LIVE)
def get_record() -> BaseResponse:
    """Return the page: a form, or how far the recording is, and its files."""
    return record_page()


@pages.post("/record")
@needs(Scope.RECORDS_OWN, permission=Permission.LIVE)
def post_record() -> BaseResponse:
    """Start a recording, or stop the one that goes on."""
    form = written_form()
    try:
        if text("deed") == "stop":
            context().recorder.stop(context().recorder.user(form.name, caller()), caller(), sender())
        else:
            _start(form)
    except GatehouseError as error:
        return record_page(form, error)
    return led_to("/record" + ("" if form.name == caller().name else "?" + urlencode({"name": form.name})))


def record_page(form: RecordForm | None = None, error: GatehouseError | None = None) -> Response:
    """Return the page; with what was written, and what is wrong with it, if it could not be done.

    It asks for ``records:own``: whoever gives it at another address has to have asked for that.
    """
    ctx, cameras = context(), context().cameras.list(Permission.LIVE)
    name = chosen_name(request.args.get("name", "")) if form is None else form.name
    asked = request.args.get("camera", "") or ctx.default_camera(Permission.LIVE) or ""
    shown = form or new_form(name, asked)
    session, is_active = _session(name)
    watched = session.camera if session is not None and is_active else shown.camera
    there = {camera.id: camera for camera in cameras}
    now_us = ctx.core.clock.now_us()
    return page(
        "record.html",
        200 if error is None else error.kind.status,
        problem=error and error.message,
        field=_field(error),
        form=shown,
        may_choose=may_choose(),
        cameras=cameras,
        watched=there.get(watched) if caller().may(Scope.LIVE_VIEW) else None,
        session=session,
        is_active=is_active,
        progress=session and Progress.of(session, now_us),
        files=[] if session is None else _files(session, there, now_us),
        clock_of=clock_of,
    )


def _start(form: RecordForm) -> None:
    desk = context().recorder
    if not form.name:
        raise InvalidInput("write who records.", "name")
    total, chunk = form.lengths()
    if not form.camera:
        raise InvalidInput("choose a camera.", "camera")
    camera = context().cameras.get(form.camera, Permission.LIVE)
    desk.begin(form.name, camera, total, chunk, caller(), sender())


def _session(name: str) -> tuple[RecorderSession | None, bool]:
    """Return the session of a user that goes on, else the last one; and whether it goes on."""
    ctx = context()
    user = ctx.recorder.find(name, caller()) if name else None
    if user is None:
        return None, False
    active = ctx.recorder.recording(user)
    found = active or SessionFiles(ctx.core.db).newest_session(user.number)
    mine = found is not None and sees_session(caller(), found)
    return (found, active is not None) if mine else (None, False)


def _files(session: RecorderSession, there: dict[str, Camera], now_us: int) -> list[FileView]:
    names = {camera.id: camera.name for camera in there.values()}
    return [file_view(one, names, now_us) for one in SessionFiles(context().core.db).of_session(session.number)]


def _field(error: GatehouseError | None) -> str:
    """Return beside which field an error is told."""
    return error.field if isinstance(error, InvalidInput) and error.field in _FIELDS else ""

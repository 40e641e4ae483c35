"""The log of viewings: who watched what and when, what was recorded of it; watched, described, deleted. No scripts."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.context import context
from gatehouse_api.days import parse_days
from gatehouse_api.forms import led_to, page, text, told
from gatehouse_api.session_views import camera_names
from gatehouse_api.viewing_views import (
    delete_viewing,
    find_viewing,
    log_query,
    log_views,
    refuse_others,
    sees_all,
    visible_viewings,
)
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.db import Viewing, Viewings
from gatehouse_common.errors import GatehouseError, InvalidInput

pages = Blueprint("log_pages", __name__)

_PAGE = 24
_FAR = 1_000_000
_DAYS = ("date_range_start", "date_range_stop")
_FILTERS = (*_DAYS, "user", "camera")
_DONE = {"deleted": "The log entry and its recording have been deleted.", "saved": "Your words have been saved."}


@pages.get("/logs")
@needs(Scope.LIVE_VIEW, Scope.RECORDS_ALL)
def get_logs() -> BaseResponse:
    """Return the viewings that there are for whoever asks, a page at a time, the newest first."""
    asked = {name: request.args.get(name, "")[:255] for name in _FILTERS}
    offset = min(max(request.args.get("offset", 0, type=int), 0), _FAR)
    found: list[Viewing] = []
    error: InvalidInput | None = None
    try:
        start_us, end_us = parse_days(asked[_DAYS[0]], asked[_DAYS[1]], context().core.zone, _DAYS)
        query = log_query(asked["user"], asked["camera"], start_us, end_us)
        if query is not None:
            found = visible_viewings().find(query, _PAGE + 1, offset)
    except InvalidInput as refused:
        error = refused
    names = camera_names()
    kept = {name: value for name, value in asked.items() if value}
    return page(
        "logs.html",
        200 if error is None else 400,
        problem=error and error.message,
        field=error and error.field,
        done=told(_DONE),
        viewings=log_views(found[:_PAGE], names),
        asked=asked,
        is_filtered=bool(kept),
        sees_all=sees_all(),
        cameras=names,
        earlier=urlencode({**kept, "offset": offset + _PAGE}) if len(found) > _PAGE else None,
        later=urlencode({**kept, "offset": max(0, offset - _PAGE)}) if offset else None,
    )


@pages.get("/logs/<int:number>")
@needs(Scope.LIVE_VIEW, Scope.RECORDS_ALL)
def get_log(number: int) -> BaseResponse:
    """Return a viewing, and what was recorded of it to be watched."""
    return _log(number)


@pages.post("/logs/<int:number>")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE)
def post_log(number: int) -> BaseResponse:
    """Keep what people say of a viewing: a title, a note, tags."""
    found = find_viewing(number)
    try:
        refuse_others(found)
        Viewings(context().core.db).describe(found.number, text("title"), text("note"), text("tags"))
    except GatehouseError as error:
        return _log(number, error)
    return led_to(f"/logs/{found.number}?done=saved")


@pages.get("/logs/<int:number>/delete")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE, permission=Permission.PLAYBACK)
def delete_log_confirm(number: int) -> BaseResponse:
    """Ask whether a viewing and its recording are to be deleted; nothing is changed by that."""
    return _confirm(number)


@pages.post("/logs/<int:number>/delete")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE, permission=Permission.PLAYBACK)
def delete_log(number: int) -> BaseResponse:
    """Delete the recording of a viewing, then its row, and lead back to the log; what is on hold stays."""
    try:
        delete_viewing(find_viewing(number))
    except GatehouseError as error:
        return _confirm(number, error)
    return led_to("/logs?done=deleted")


def _log(number: int, error: GatehouseError | None = None) -> Response:
    (shown,) = log_views([find_viewing(number)], camera_names())
    status = 200 if error is None else error.kind.status
    return page("log.html", status, log=shown, done=told(_DONE), problem=error and error.message)


def _confirm(number: int, error: GatehouseError | None = None) -> Response:
    (shown,) = log_views([find_viewing(number)], camera_names())
    status = 200 if error is None else error.kind.status
    hours = context().settings.values.sessions.trash_hours
    return page("log_delete.html", status, log=shown, trash_hours=hours, problem=error and error.message)

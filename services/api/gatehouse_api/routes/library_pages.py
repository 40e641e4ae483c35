"""The page of all files that users recorded: found, played, downloaded, deleted. It needs no scripts."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.days import parse_days
from gatehouse_api.forms import led_to, page, told
from gatehouse_api.library_media import LibraryMedia
from gatehouse_api.session_views import (
    IN_BROWSER,
    camera_names,
    clock_of,
    file_view,
    own_only,
    query_of,
    size_of,
    visible_files,
)
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import BROWSER, FileTotals, SessionChunk
from gatehouse_common.errors import GatehouseError, InvalidInput

pages = Blueprint("library_pages", __name__)

_PAGE = 24
_FAR = 1_000_000
_DONE = {
    "deleted": "The file has been deleted.",
    "trashed": "The file is in the trash.",
    "restored": "The file is back in the library.",
    "uploaded": "The file has come; it is processed now.",
    "media_trashed": "The upload is in the trash.",
    "media_restored": "The upload is back in the library.",
    "renamed": "It has its new name.",
    "asked": "It is being made; it comes into the list of its files.",
    "retried": "It is tried again.",
    "held": "It is on hold: nobody and nothing deletes it.",
    "released": "It is not on hold any more.",
}
_FILTERS = ("user", "kind", "name", "camera", "from", "to")
_NOTHING = FileTotals(0, 0, 0)


@pages.get("/dashboard")
@pages.get("/library")
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL, permission=Permission.PLAYBACK)
def get_library() -> BaseResponse:
    """Return the files that there are for whoever asks, a page at a time."""
    ctx, now_us = context(), context().core.clock.now_us()
    trashed = "trash" in request.args
    asked = {name: request.args.get(name, "")[:255] for name in _FILTERS}
    offset = min(max(request.args.get("offset", 0, type=int), 0), _FAR)
    found: list[SessionChunk] = []
    totals, error = _NOTHING, None
    shown = LibraryMedia.of(asked)
    try:
        start_us, end_us = parse_days(asked["from"], asked["to"], ctx.core.zone, ("from", "to"))
        shown.look(asked, start_us, end_us, trashed=trashed)
        query = query_of(asked["user"], asked["camera"], start_us, end_us, trashed=trashed)
        if query is not None and shown.with_sessions:
            found = visible_files().find(query, now_us, _PAGE + 1, offset)
            totals = visible_files().totals(query, now_us)
    except InvalidInput as refused:
        error = refused
    names = camera_names()
    kept: dict[str, str | int] = {name: value for name, value in asked.items() if value}
    if trashed:
        kept["trash"] = "1"
    return page(
        "library.html",
        200 if error is None else 400,
        problem=error and error.message,
        field=error and error.field,
        done=told(_DONE),
        files=[file_view(one, names, now_us) for one in found[:_PAGE]],
        asked=asked,
        is_filtered=any(asked.values()),
        trashed=trashed,
        trash_hours=_trash_hours(),
        **shown.values(kept),
        undo=request.args.get("file", 0, type=int) if request.args.get("done") == "trashed" else 0,
        undo_media=request.args.get("medium", 0, type=int) if request.args.get("done") == "media_trashed" else 0,
        own_only=own_only(),
        cameras={**names, BROWSER: IN_BROWSER},
        count=totals.count,
        length=clock_of(round(totals.duration_us / SECOND)),
        size=size_of(totals.bytes),
        may_record=caller().may(Scope.RECORDS_OWN),
        earlier=urlencode({**kept, "offset": offset + _PAGE}) if len(found) > _PAGE else None,
        later=urlencode({**kept, "offset": max(0, offset - _PAGE)}) if offset else None,
    )


@pages.get("/dashboard/<int:chunk>/delete")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE, permission=Permission.PLAYBACK)
def get_deletion(chunk: int) -> BaseResponse:
    """Ask whether a file is to be deleted; nothing is changed by that."""
    return _confirm(chunk)


@pages.post("/dashboard/<int:chunk>/delete")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE, permission=Permission.PLAYBACK)
def post_deletion(chunk: int) -> BaseResponse:
    """Delete a file, and lead back to the others; what is on hold stays, and the page says why."""
    found = _found(chunk)
    try:
        context().recorder.delete(found.number, caller(), sender())
    except GatehouseError as error:
        return _confirm(chunk, error)
    return led_to(f"/dashboard?done=trashed&file={found.number}" if _trash_hours() else "/dashboard?done=deleted")


@pages.post("/dashboard/<int:chunk>/restore")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE, permission=Permission.PLAYBACK)
def post_restoration(chunk: int) -> BaseResponse:
    """Take a file out of the trash."""
    context().recorder.restore(chunk, caller(), sender())
    return led_to("/dashboard?done=restored")


def _trash_hours() -> float:
    return context().settings.values.sessions.trash_hours


def _found(chunk: int) -> SessionChunk:
    return context().recorder.chunk(chunk, caller())


def _confirm(chunk: int, error: GatehouseError | None = None) -> Response:
    shown = file_view(_found(chunk), camera_names(), context().core.clock.now_us())
    status = 200 if error is None else error.kind.status
    return page("library_delete.html", status, problem=error and error.message, file=shown, trash_hours=_trash_hours())

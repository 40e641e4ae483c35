"""What the library does with media where there are no scripts: they come, get names, are deleted, taken back, made."""

from __future__ import annotations

from flask import Blueprint, Response

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.forms import led_to, page, text
from gatehouse_api.media_views import media_rows
from gatehouse_api.routes.media_models import AudioRequest, TranscodeRequest
from gatehouse_api.routes.retention import place, release
from gatehouse_api.uploads.whole_files import take_file
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.db.media_records import AUDIO, VIDEO
from gatehouse_common.errors import GatehouseError, InvalidInput
from gatehouse_common.retention import make_hold

pages = Blueprint("media_pages", __name__)

FORMS = {
    "mp3": ("MP3, good", AUDIO, AudioRequest(codec="mp3", quality=2)),
    "mp3-64k": ("MP3, 64 kbit/s", AUDIO, AudioRequest(codec="mp3", bitrate="64k")),
    "aac": ("AAC, 48 kbit/s", AUDIO, AudioRequest(codec="aac", bitrate="48k")),
    "copy": ("sound as it is", AUDIO, AudioRequest(codec="copy")),
    "flac": ("FLAC, lossless", AUDIO, AudioRequest(codec="flac")),
    "mp4": ("MP4", VIDEO, TranscodeRequest(format="mp4")),
    "webm": ("WebM", VIDEO, TranscodeRequest(format="webm")),
    "gif": ("GIF, its first 10 s", VIDEO, TranscodeRequest(format="gif", seconds=10)),
}
"""What the page offers to make: by name, what people call it, the job, and what it is told."""


@pages.post("/library/upload")
@needs(Scope.UPLOADS_WRITE)
def post_upload() -> Response:
    """Take a file of a form, and lead back to the library."""
    try:
        media = take_file("file")
    except GatehouseError as error:
        return page("media_problem.html", error.kind.status, problem=error.message)
    return led_to(f"/library?done=uploaded#media-{media.number}")


@pages.get("/library/media/<int:number>/delete")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE)
def get_deletion(number: int) -> Response:
    """Ask whether a medium is to be deleted; nothing is changed by that."""
    return _confirm(number)


@pages.post("/library/media/<int:number>/delete")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE)
def post_deletion(number: int) -> Response:
    """Put a medium into the trash, and lead back to the others, where that can be undone."""
    try:
        context().media.delete(str(number), caller(), sender())
    except GatehouseError as error:
        return _confirm(number, error)
    return led_to(f"/library?done=media_trashed&medium={number}")


@pages.post("/library/media/<int:number>/restore")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE)
def post_restoration(number: int) -> Response:
    """Take a medium out of the trash."""
    context().media.restore(str(number), caller(), sender())
    return led_to("/library?done=media_restored")


@pages.post("/library/media/<int:number>/name")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE)
def post_name(number: int) -> Response:
    """Give a medium another name."""
    context().media.rename(str(number), text("name"), caller(), sender(), None)
    return led_to(f"/library?done=renamed#media-{number}")


@pages.post("/library/media/<int:number>/hold")
@needs(Scope.HOLDS_WRITE, permission=Permission.PLAYBACK)
def post_hold(number: int) -> Response:
    """Place a medium on hold: nobody and nothing deletes it."""
    core, media = context().core, context().media.library(caller()).id_of(number)
    place(make_hold(core.db, core.zone, core.clock.now_us(), media=media, reason=text("reason")))
    return led_to(_back("held", number))


@pages.post("/library/media/<int:number>/release")
@needs(Scope.HOLDS_WRITE, permission=Permission.PLAYBACK)
def post_release(number: int) -> Response:
    """Release what holds a medium."""
    media = context().media.library(caller()).id_of(number)
    for hold in context().holds.list(context().core.clock.now_us()):
        if hold.media == media:
            release(hold.id)
    return led_to(_back("released", number))


def _back(done: str, number: int) -> str:
    """Return where a form of a row leads back to: the library, or its trash."""
    trash = "trash=1&" if text("trash") else ""
    return f"/library?{trash}done={done}#media-{number}"


@pages.post("/library/media/<int:number>/make")
@needs(Scope.RECORDS_OWN)
def post_job(number: int) -> Response:
    """Have something made of a medium, or try again what failed."""
    wanted = text("what")
    if wanted == "retry":
        context().media.retry(str(number), caller())
        return led_to(f"/library?done=retried#media-{number}")
    form = FORMS.get(wanted)
    context().media.get(str(number), caller())
    if form is None:
        raise InvalidInput(f"what is made is one of {', '.join(FORMS)}", "what")
    _, kind, body = form
    context().media.ask(str(number), kind, body.model_dump(exclude_none=True), caller())
    return led_to(f"/library?done=asked#media-{number}")


def _confirm(number: int, error: GatehouseError | None = None) -> Response:
    (shown,) = media_rows([context().media.get(str(number), caller())])
    return page(
        "media_delete.html",
        200 if error is None else error.kind.status,
        problem=error and error.message,
        medium=shown,
        trash_hours=context().settings.values.sessions.trash_hours,
    )

"""``/api/v1/media``: what people uploaded or recorded in a browser, what was made of it, and what is to be (S4-20)."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.cursors import read_cursor, write_cursor
from gatehouse_api.idempotency import once
from gatehouse_api.media_files import media_file
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.preconditions import conditional, seen_tags
from gatehouse_api.ranges import open_range
from gatehouse_api.routes.job_models import JobView, job_asked
from gatehouse_api.routes.media_models import (
    AudioRequest,
    DeletionQuery,
    FileQuery,
    HlsPath,
    MediaChange,
    MediaList,
    MediaListQuery,
    MediaPath,
    MediaView,
    TranscodeRequest,
    WholeMediaView,
    media_view,
    whole_view,
)
from gatehouse_common.accounts import Scope
from gatehouse_common.db import Media, MediaQuery
from gatehouse_common.db.media_records import AUDIO, VIDEO
from gatehouse_common.errors import InvalidInput

api = Routes("media", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Media")])

_KINDS = frozenset({"upload", "recording", "export"})
_STATES = frozenset({"queued", "processing", "ready", "failed"})
_NOBODY = -1
"""The number of a user who is not there for who asks."""


@api.get("/media", responses={200: MediaList}, summary="Media, the newest first")
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def get_media_list(query: MediaListQuery) -> Response:
    """Return media: one's own, or everybody's for who may see others'."""
    desk = context().media
    start_us, end_us = open_range(query.from_, query.to, query.tz)
    wanted = MediaQuery(
        _owner(query.owner),
        _some(query.kind, _KINDS, "kind"),
        _some(query.state, _STATES, "state"),
        start_us,
        end_us,
        query.text,
        query.trashed,
    )
    _, before = read_cursor(query.cursor)
    library = desk.library(caller())
    found = library.find(wanted, query.limit + 1, before)
    page = found[: query.limit]
    files = library.files([one.number for one in page])
    last = page[-1] if len(found) > query.limit else None
    body = MediaList(
        items=[media_view(one, files.get(one.number, [])) for one in page],
        next_cursor=None if last is None else write_cursor(0, (last.created_us, last.id)),
        total=library.totals(wanted).count if query.count else None,
    )
    return _fresh(body)


@api.get("/media/<media>", responses={200: WholeMediaView}, summary="A medium, its files and its newest jobs")
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def get_media(path: MediaPath) -> Response:
    """Return a medium. The `ETag` is of what people change of it; how far its processing is may change without it."""
    desk = context().media
    found = desk.get(path.media, caller())
    jobs = desk.newest_jobs([found.number]).get(found.number, [])
    answer = _fresh(whole_view(found, desk.files(found, caller()), list(jobs)))
    answer.set_etag(found.tag)
    return answer


@api.patch("/media/<media>", responses={200: MediaView}, summary="Rename a medium")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE)
@conditional
def change_media(path: MediaPath, body: MediaChange) -> Response:
    """Give a medium another name; with `If-Match` only if nobody changed it since, else 412."""
    found = context().media.rename(path.media, body.name, caller(), sender(), seen_tags())
    return _tagged(found)


@api.delete("/media/<media>", responses={204: None}, summary="Delete a medium")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE)
@conditional
def delete_media(path: MediaPath, query: DeletionQuery) -> tuple[str, int]:
    """Put a medium into the trash, where it stays for `sessions.trash_hours`, and call off its jobs.

    With `purge=true` an admin has it deleted with the janitor's next look.
    """
    context().media.delete(path.media, caller(), sender(), purge=query.purge, seen=seen_tags())
    return "", 204


@api.post("/media/<media>/restore", responses={200: MediaView}, summary="Take a medium out of the trash")
@needs(Scope.RECORDS_OWN, Scope.FOOTAGE_DELETE)
def restore_media(path: MediaPath) -> Response:
    """Take a medium out of the trash; what was not done with it by then is begun anew."""
    return _tagged(context().media.restore(path.media, caller(), sender()))


@api.get("/media/<media>/download", summary="A file of a medium")
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def download_media(path: MediaPath, query: FileQuery) -> Response:
    """Return the original, or another file of the medium, with ranges."""
    return _given(path.media, query.kind, query.variant, download=query.download)


@api.get("/media/<media>/thumbnail", summary="A picture of a medium")
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def get_media_thumbnail(path: MediaPath) -> Response:
    """Return a picture of it, one that shows something."""
    return _given(path.media, "thumbnail", None, download=False)


@api.get("/media/<media>/sprite", summary="Pictures of all of a medium, in one")
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def get_media_sprite(path: MediaPath) -> Response:
    """Return pictures of equal distances on one sheet; its `facts` say how they lie on it."""
    return _given(path.media, "sprite", None, download=False)


@api.get("/media/<media>/hls/<name>", summary="A medium as HLS: its playlist, or what that names")
@needs(Scope.RECORDS_OWN, Scope.RECORDS_ALL)
def get_media_hls(path: HlsPath) -> Response:
    """Return a file of the HLS that was made of a medium by `transcode`."""
    return _given(path.media, "hls", path.name, download=False)


@api.post("/media/<media>/audio", responses={202: JobView}, summary="Have a file of a medium's sound made")
@needs(Scope.RECORDS_OWN)
@once()
def make_audio(path: MediaPath, body: AudioRequest) -> tuple[Response, int, dict[str, str]]:
    """Ask for sound: copied, or encoded where that does not fit its container; MP3, AAC or FLAC."""
    return job_asked(context().media.ask(path.media, AUDIO, body.model_dump(exclude_none=True), caller()))


@api.post("/media/<media>/transcode", responses={202: JobView}, summary="Have another form of a film made")
@needs(Scope.RECORDS_OWN)
@once()
def make_video(path: MediaPath, body: TranscodeRequest) -> tuple[Response, int, dict[str, str]]:
    """Ask for MP4, WebM, HLS or a moving picture."""
    return job_asked(context().media.ask(path.media, VIDEO, body.model_dump(exclude_none=True), caller()))


@api.post("/media/<media>/retry", responses={202: JobView}, summary="Try again what failed")
@needs(Scope.RECORDS_OWN)
@once()
def retry_media(path: MediaPath) -> tuple[Response, int, dict[str, str]]:
    """Begin anew what is made of a medium of which that failed."""
    return job_asked(context().media.retry(path.media, caller()))


def _given(which: str, kind: str, variant: str | None, *, download: bool) -> Response:
    desk = context().media
    found = desk.get(which, caller())
    return media_file(found, desk.file(found, kind, variant, caller()), download=download)


def _tagged(media: Media) -> Response:
    answer = _fresh(media_view(media, context().media.files(media, caller())))
    answer.set_etag(media.tag)
    return answer


def _fresh(body: BaseModel) -> Response:
    answer = jsonify(body.model_dump())
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _owner(name: str | None) -> int | None:
    """Return the number of a user, None if none is named; of one who is not there for who asks, that of nobody."""
    if not name:
        return None
    found = context().recorder.find(name, caller())
    return _NOBODY if found is None else found.number


def _some(text: str | None, known: frozenset[str], name: str) -> frozenset[str]:
    found = frozenset(filter(None, (text or "").split(",")))
    if not found <= known:
        raise InvalidInput(f"{name} is some of {', '.join(sorted(known))}, with commas between", name)
    return found

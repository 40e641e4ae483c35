"""What pages show of media."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gatehouse_common.accounts import Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Job, Media, MediaFile, MediaQuery
from gatehouse_common.db.media_records import WHOLE
from gatehouse_common.timefmt import rfc3339, to_datetime

from .auth.caller import caller
from .context import context
from .media_files import file_name, shown_file
from .routes.media_models import file_url
from .session_views import NO_USER, asked_user, clock_of, size_of

KINDS = {"upload": "Uploads", "recording": "Recorded in a browser", "session": "Recorded of cameras"}
"""What the library can be asked for, and what people call it; the last are files of sessions, and no media."""
_KIND_WORDS = {"upload": "Upload", "recording": "Recording", "export": "Export"}
_STAGES = {
    "merging": "put together",
    "probing": "looked at",
    "cutting": "cut into files",
    "remuxing": "made seekable",
    "picturing": "pictured",
    "compressing": "made smaller",
    "reading": "read out of the recordings",
}
_WORDS = {
    "queued": "Waits",
    "processing": "Being processed",
    "ready": "Ready",
    "failed": "Failed",
    "trashed": "In the trash",
}
_MADE = {"playable": "to be played", "compressed": "smaller", "audio": "sound", "video": "film", "hls": "HLS"}
_JOB_WORDS = {
    "queued": "waits",
    "running": "is made",
    "done": "is there",
    "failed": "failed",
    "cancelled": "was called off",
}
_WITH_DOWNLOAD = ("original", "playable", "compressed", "audio", "video")


@dataclass(frozen=True, slots=True)
class Download:
    """A file of a medium that people may have: what it is, how large, and where."""

    what: str
    size: str
    link: str
    name: str


@dataclass(frozen=True, slots=True)
class MediaRowView:
    """A medium as the library shows it.

    Attributes:
        number: its number.
        name: what it is called.
        user: whose it is.
        kind: what people call its kind.
        began: when it was recorded, else when it came, in the site's zone.
        began_at: the same for machines.
        length: ``m:ss``; empty: not known.
        size: with its unit.
        state: ``queued``, ``processing``, ``ready``, ``failed``, ``trashed``.
        word: the same in words.
        stage: what is done to it, in words; empty: nothing.
        progress: how much of that is done, percent; None: nothing is done.
        detail: why it failed.
        picture: address of a picture; empty: there is none.
        sprite: address of a sheet of pictures; empty: there is none.
        sheet: how they lie on it, JSON.
        link: address of what plays best; empty: there is nothing.
        is_sound: whether there is no picture in it.
        downloads: what people may have of it.
        can_become: whether something else can be made of it.
        jobs: what else is made of it now, in words.
        changeable: whether whoever asks may rename and delete it.
    """

    number: int
    name: str
    user: str
    kind: str
    began: str
    began_at: str
    length: str
    size: str
    state: str
    word: str
    stage: str
    progress: int | None
    detail: str
    picture: str
    sprite: str
    sheet: str
    link: str
    is_sound: bool
    downloads: list[Download]
    can_become: bool
    jobs: list[str]
    changeable: bool


def media_query(
    user: str, kind: str, text: str, start_us: int | None, end_us: int | None, *, trashed: bool
) -> MediaQuery | None:
    """Return the query of what was asked for; None: nothing can match.

    Args:
        user: a name; empty: all there are for who asks.
        kind: of ``KINDS``; empty: all.
        text: part of the name.
        start_us: from when on.
        end_us: until when.
        trashed: those in the trash.
    """
    number = asked_user(user)
    if number == NO_USER:
        return None
    kinds = frozenset({kind}) if kind else frozenset[str]()
    return MediaQuery(number, kinds, frozenset(), start_us, end_us, text.strip(), trashed)


def media_rows(media: list[Media]) -> list[MediaRowView]:
    """Return what is shown of media."""
    numbers = [one.number for one in media]
    files, jobs = context().media.library(caller()).files(numbers), context().media.newest_jobs(numbers)
    return [_row(one, files.get(one.number, []), jobs.get(one.number, [])) for one in media]


def _row(media: Media, files: list[MediaFile], jobs: list[Job]) -> MediaRowView:
    zone, asks = context().core.zone, caller()
    at = media.created_us if media.start_us is None else media.start_us
    kinds = {file.kind: file for file in files}
    plays, trashed = shown_file(files), media.state == "trashed"
    sheet = kinds.get("sprite")
    is_media = media.type.startswith(("video/", "audio/"))  # an export of several cameras is a ZIP
    return MediaRowView(
        number=media.number,
        name=media.name,
        user=media.owner_name,
        kind=_KIND_WORDS.get(media.kind, media.kind),
        began=to_datetime(at, zone).strftime("%Y-%m-%d %H:%M:%S"),
        began_at=rfc3339(at, zone),
        length="" if media.lasted_us is None else clock_of(round(media.lasted_us / SECOND)),
        size=size_of(media.bytes),
        state=media.state,
        word=_WORDS.get(media.state, media.state),
        stage=_STAGES.get(media.stage, media.stage),
        progress=_progress(media, jobs),
        detail=media.detail,
        picture=f"/api/v1/media/{media.number}/thumbnail" if "thumbnail" in kinds and not trashed else "",
        sprite=f"/api/v1/media/{media.number}/sprite" if sheet and not trashed else "",
        sheet=json.dumps(dict(sheet.facts)) if sheet else "",
        link="" if plays is None or trashed or not is_media else file_url(media, plays) + "&download=false",
        is_sound=bool(media.audio_codec) and not media.video_codec,
        downloads=[] if trashed else [_download(media, file) for file in files if file.kind in _WITH_DOWNLOAD],
        can_become=is_media,
        jobs=[_job_words(job) for job in jobs if job.kind not in WHOLE][:3],
        changeable=media.owner == asks.number or context().doorkeeper.is_open or asks.may(Scope.FOOTAGE_DELETE),
    )


def _progress(media: Media, jobs: list[Job]) -> int | None:
    if media.state not in {"queued", "processing"}:
        return None
    running = next((job for job in jobs if job.kind in WHOLE and job.state in {"queued", "running"}), None)
    return round(100 * running.done / running.total) if running and running.total else 0


def _download(media: Media, file: MediaFile) -> Download:
    what = "as it came" if file.kind == "original" else _MADE.get(file.kind, file.kind)
    what += f", {file.variant}" if file.variant else ""
    return Download(what, size_of(file.bytes), file_url(media, file), file_name(media, file))


def _job_words(job: Job) -> str:
    what = job.parameters.get("codec") or job.parameters.get("format") or ""
    share = f", {round(100 * job.done / job.total)} %" if job.state == "running" and job.total else ""
    detail = f": {job.detail}" if job.state == "failed" and job.detail else ""
    return f"{'sound' if job.kind == 'media-audio' else 'film'} ({what}) {_JOB_WORDS[job.state]}{share}{detail}"

"""What routes of media take and show."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gatehouse_api.media_files import shown_file
from gatehouse_api.routes.job_models import JobView, job_view
from gatehouse_api.routes.models import Asked
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Job, Media, MediaFile
from gatehouse_common.timefmt import rfc3339


class MediaPath(BaseModel):
    """A medium in the path."""

    media: str = Field(max_length=64, description="number of the medium, or its id")


class HlsPath(MediaPath):
    """A file of a medium's HLS in the path."""

    name: str = Field(max_length=64, description="the playlist, `hls`, or what it names")


class MediaListQuery(Asked):
    """Which media."""

    owner: str | None = Field(None, max_length=255, description="name of the user whose they are; none: all there are")
    kind: str | None = Field(None, max_length=60, description="some of upload, recording, export, with commas between")
    state: str | None = Field(None, max_length=60, description="some of queued, processing, ready, failed")
    text: str = Field("", max_length=255, description="that have this in their names")
    from_: str | None = Field(None, alias="from", max_length=64, description="that came at or after this time")
    to: str | None = Field(None, max_length=64, description="that came before this time")
    tz: str | None = Field(None, max_length=64, description="zone of times without an offset")
    trashed: bool = Field(False, description="those in the trash, and no others")
    count: bool = Field(False, description="say how many there are in all")
    limit: int = Field(50, ge=1, le=500, description="so many at most")
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")


class FileQuery(Asked):
    """Which file of a medium."""

    kind: str = Field("original", max_length=20, description="original, playable, compressed, audio, video, hls, ...")
    variant: str | None = Field(None, max_length=64, description="which of that kind; none: the newest")
    download: bool = Field(True, description="whether a browser saves it")


class DeletionQuery(Asked):
    """How a medium is deleted."""

    purge: bool = Field(False, description="past the trash; for admins")


class MediaChange(BaseModel):
    """What is to be changed of a medium."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=255, description="what it is called")


class AudioRequest(BaseModel):
    """A file of sound that is to be made."""

    model_config = ConfigDict(extra="forbid")

    codec: Literal["copy", "aac", "mp3", "flac"] = Field("copy", description="copy: as it is, where it fits")
    quality: int | None = Field(None, ge=0, le=9, description="of mp3: 0 is the best, 9 the smallest")
    bitrate: str | None = Field(None, pattern=r"^[1-9][0-9]{1,2}k$", description="of mp3 and aac: `64k`")

    @model_validator(mode="after")
    def _fits(self) -> AudioRequest:
        if self.quality is not None and (self.codec != "mp3" or self.bitrate is not None):
            raise ValueError("quality is of mp3 alone, and in place of a bitrate")
        if self.bitrate is not None:
            most = {"mp3": range(32, 321), "aac": range(16, 513)}.get(self.codec)
            if most is None or int(self.bitrate[:-1]) not in most:
                raise ValueError("a bitrate is of mp3, 32k to 320k, or of aac, 16k to 512k")
        return self


class TranscodeRequest(BaseModel):
    """Another form of a film that is to be made."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["mp4", "webm", "hls", "gif"] = Field(description="what is made")
    height: int | None = Field(None, ge=16, le=4320, description="pixels at most; none: as it is")
    start_seconds: float | None = Field(None, ge=0, le=1e6, description="where it begins; not of hls")
    seconds: float | None = Field(None, gt=0, le=1e6, description="how long it is, of gif 60 at most; not of hls")

    @model_validator(mode="after")
    def _fits(self) -> TranscodeRequest:
        if self.format == "hls" and (self.start_seconds is not None or self.seconds is not None):
            raise ValueError("hls is made of the whole film")
        if self.format == "gif" and (self.seconds or 0) > 60:
            raise ValueError("a gif lasts 60 seconds at most")
        return self


class MediaFileView(BaseModel):
    """A file of a medium."""

    kind: str = Field(description="original, playable, compressed, thumbnail, sprite, audio, video, hls, preview")
    variant: str = Field(description="which of its kind; empty: the only one")
    type: str = Field(description="media type")
    bytes: int
    made: str = Field(description="RFC 3339")
    facts: dict[str, Any] = Field(description="lasted_us, width, height, codec, as far as they are its own")
    url: str = Field(description="where its bytes are")


class MediaView(BaseModel):
    """A film or a sound that somebody brought, and what was made of it."""

    number: int
    id: str = Field(description="UUIDv7")
    owner: str = Field(description="name of the user whose it is")
    kind: str = Field(description="upload, recording or export")
    name: str
    state: str = Field(description="queued, processing, ready or failed")
    stage: str = Field(description="what is done to it now, or where it failed; empty: nothing")
    detail: str = Field(description="why it failed, in a sentence; empty: nothing is wrong")
    type: str = Field(description="media type by its first bytes")
    bytes: int = Field(description="size of the original")
    sha256: str | None = Field(description="of the original; null: not known yet")
    duration_seconds: float | None = Field(description="null: not known yet")
    width: int
    height: int
    fps: float
    video_codec: str
    audio_codec: str
    session: int | None = Field(description="number of the recorder session, null: of none")
    started: str | None = Field(description="when it was recorded, as its client says")
    created: str = Field(description="when it was whole here")
    ready: str | None = Field(description="when all was made of it that belongs to it")
    trashed: str | None = Field(description="when it was put into the trash")
    plays: str | None = Field(description="where what plays best is; null: there is nothing yet")
    files: list[MediaFileView]


class WholeMediaView(MediaView):
    """A medium with its newest jobs."""

    jobs: list[JobView]


class MediaList(BaseModel):
    """Media, the newest first."""

    items: list[MediaView]
    next_cursor: str | None
    total: int | None = Field(None, description="how many there are in all, if that was asked for")


def media_view(media: Media, files: list[MediaFile]) -> MediaView:
    """Return a medium as answers show it."""
    return MediaView(**_shown(media, files))


def whole_view(media: Media, files: list[MediaFile], jobs: list[Job]) -> WholeMediaView:
    """Return a medium with its jobs."""
    return WholeMediaView(**_shown(media, files), jobs=[job_view(job) for job in jobs])


def file_url(media: Media, file: MediaFile) -> str:
    """Return where the bytes of a file are."""
    variant = f"&variant={file.variant}" if file.variant else ""
    return f"/api/v1/media/{media.number}/download?kind={file.kind}{variant}"


def _shown(media: Media, files: list[MediaFile]) -> dict[str, Any]:
    plays = shown_file(files)
    return {
        "number": media.number,
        "id": media.id,
        "owner": media.owner_name,
        "kind": media.kind,
        "name": media.name,
        "state": media.state,
        "stage": media.stage,
        "detail": media.detail,
        "type": media.type,
        "bytes": media.bytes,
        "sha256": media.digest or None,
        "duration_seconds": None if media.lasted_us is None else media.lasted_us / SECOND,
        "width": media.width,
        "height": media.height,
        "fps": media.fps,
        "video_codec": media.video_codec,
        "audio_codec": media.audio_codec,
        "session": media.session,
        "started": None if media.start_us is None else rfc3339(media.start_us),
        "created": rfc3339(media.created_us),
        "ready": None if media.ready_us is None else rfc3339(media.ready_us),
        "trashed": None if media.trashed_us is None else rfc3339(media.trashed_us),
        "plays": None if plays is None else file_url(media, plays) + "&download=false",
        "files": [_file_view(media, file) for file in files],
    }


def _file_view(media: Media, file: MediaFile) -> MediaFileView:
    return MediaFileView(
        kind=file.kind,
        variant=file.variant,
        type=file.type,
        bytes=file.bytes,
        made=rfc3339(file.made_us),
        facts=dict(file.facts),
        url=file_url(media, file),
    )

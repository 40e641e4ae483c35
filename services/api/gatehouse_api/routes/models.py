"""Requests and answers of the API, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field


class Asked(BaseModel):
    """A query. flask-openapi3 asks for its JSON Schema at each request, which takes a millisecond to make."""

    _schema: ClassVar[dict[str, Any] | None] = None

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the schema; the plain one is made once."""
        if args or kwargs:
            return super().model_json_schema(*args, **kwargs)
        if cls._schema is None:
            cls._schema = super().model_json_schema()
        return cls._schema


_OWN_SETTINGS = (
    "the camera's own: `plates` with `enabled`, `threshold`, `region`, `masks` and `zones` (polygons of corners as "
    "fractions of the picture), `keep`, `all` or `events`, and `priority`: where a disk fills up, lower numbers stop "
    "first (0); what is not there is as the site's settings say"
)


class CameraPath(BaseModel):
    """A camera in the path."""

    camera: str = Field(max_length=64, description="id of the camera")


class NewCamera(BaseModel):
    """A camera to add."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"id": "gate", "url": "rtsp://cam/1"}})

    id: str = Field(max_length=64, description="slug: a-z, 0-9, '-' and '_'")
    url: str = Field(max_length=2000, description="rtsp, rtsps, http, https, v4l2, file or synthetic")
    name: str = Field("", max_length=200, description="for people")
    enabled: bool = Field(True, description="whether it records")
    settings: dict[str, Any] = Field(default_factory=dict, description=_OWN_SETTINGS)


class CameraChange(BaseModel):
    """What to change of a camera."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(None, max_length=2000)
    name: str | None = Field(None, max_length=200)
    enabled: bool | None = None
    settings: dict[str, Any] | None = Field(
        None, description=_OWN_SETTINGS + "; merged into those that it has, null takes one out"
    )


class CameraView(BaseModel):
    """A camera and its state; the password in its URL is masked."""

    id: str
    name: str
    url: str
    enabled: bool
    created: str = Field(description="RFC 3339")
    state: str = Field(description="starting, recording, reconnecting, ended or failed")
    cause: str | None = Field(description="why it does not record, when it does not")
    since: str | None = Field(description="since when it is in this state, RFC 3339")
    detail: str = Field(description="the reason in a sentence")
    width: int
    height: int
    fps: float = Field(description="measured")
    asked_fps: float | None = Field(description="asked of it, or stated by it; null: neither")
    dropped: float = Field(description="share of these that did not come within half a minute, 0 to 1")
    dropped_frames: int = Field(description="of these, since it is recorded")
    advice: str | None = Field(description="what to do about it, in a sentence, where more than 0.05 are dropped")
    codec: str = Field(description="RFC 6381")
    playable: bool = Field(description="whether every browser plays its footage; `codec=h264` gives one that does")
    unplayable_reason: str | None = Field(description="why not, in a sentence")
    fallback: str | None = Field(description="device used in place of the configured one")
    backend: str
    settings: dict[str, Any] = Field(description=_OWN_SETTINGS)
    links: dict[str, str] = Field(description="where its live view, picture and footage are")


class CameraForCaller(CameraView):
    """A camera as it is there for whoever asks."""

    may: list[str] = Field(description="what was granted with it: live, playback, export, control")


class CameraList(BaseModel):
    """All cameras."""

    items: list[CameraForCaller]
    next_cursor: str | None = None


class FootageQuery(Asked):
    """A range of footage."""

    camera: str = Field("", max_length=64, description="id of the camera; empty: the default camera")
    from_: str = Field(alias="from", max_length=64, description="RFC 3339, YYYYMMDD_HHMMSS or seconds since 1970")
    to: str = Field(max_length=64, description="as `from`; after it")
    cut: Literal["exact", "smart"] = Field("exact", description="`smart` re-encodes the lead-in: no hidden frame")
    gaps: Literal["keep", "skip", "split"] = Field("keep", description="`split` answers a tar of one MP4 per span")
    format: Literal["mp4", "webm", "mkv"] = Field(
        "mp4", description="`webm`: VP9 and Opus, encoded anew; `mkv`: copied, beginning with a smart cut"
    )
    codec: Literal["source", "h264"] = Field(
        "source", description="`h264`: encoded anew for players that do not know the camera's codec; with `mp4` only"
    )
    tz: str | None = Field(None, max_length=64, description="zone of times without an offset")
    download: bool = Field(True, description="whether a browser saves the file or shows it")


class ExportQuery(Asked):
    """A range of footage of a camera."""

    from_: str = Field(alias="from", max_length=64, description="RFC 3339, YYYYMMDD_HHMMSS or seconds since 1970")
    to: str = Field(max_length=64, description="as `from`; after it")
    tz: str | None = Field(None, max_length=64, description="zone of times without an offset")


class TimelineQuery(Asked):
    """A range of the ledger."""

    cameras: str = Field("", max_length=4000, description="ids with commas; empty: all")
    from_: str = Field(alias="from", max_length=64)
    to: str = Field(max_length=64)
    tz: str | None = Field(None, max_length=64)
    resolution: float = Field(
        0.0,
        ge=0,
        le=31_000_000,
        description="seconds that are told together: what lies closer is joined, gaps of one cause are told as "
        "one with their `count`; 0: everything as it is",
    )


class GapView(BaseModel):
    """A gap, or several of one cause that are told together."""

    from_: str = Field(serialization_alias="from", description="RFC 3339")
    to: str = Field(description="RFC 3339")
    cause: str
    detail: str
    open: bool = Field(False, description="whether it goes on")
    count: int = Field(1, description="how many gaps there are between `from` and `to`")
    missing_seconds: float = Field(description="how long they are together")


class CameraTimeline(BaseModel):
    """The ledger of one camera."""

    camera: str
    recorded: list[tuple[str, str]] = Field(
        description="[from, to) in RFC 3339, joined where less than 50 ms or `resolution` apart"
    )
    gaps: list[GapView]
    truncated: bool = Field(False, description="whether there are more than these, older ones")


class Timeline(BaseModel):
    """The ledger of some cameras over a range."""

    from_: str = Field(serialization_alias="from")
    to: str
    now: str = Field(description="the server's time")
    zone: str
    items: list[CameraTimeline]


class DaysQuery(Asked):
    """A month of a camera."""

    camera: str = Field(max_length=64)
    month: str = Field(pattern=r"^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])$", description="YYYY-MM in the site's zone")


class Day(BaseModel):
    """What a local day holds."""

    date: str
    length_seconds: float = Field(description="23, 24 or 25 hours")
    recorded_seconds: float


class Days(BaseModel):
    """The days of a month."""

    camera: str
    zone: str
    items: list[Day]


class RangeQuery(Asked):
    """A range to play."""

    from_: str = Field(alias="from", max_length=64)
    to: str = Field(max_length=64)
    tz: str | None = Field(None, max_length=64)


class PictureQuery(Asked):
    """A picture to show."""

    at: str | None = Field(None, max_length=64, description="RFC 3339; none: the newest")
    width: int = Field(640, ge=16, le=3840, description="pixels at most")
    exact: bool = Field(False, description="the exact frame, instead of the keyframe before it")
    tz: str | None = Field(None, max_length=64)


class ChunkPath(BaseModel):
    """A chunk in the path."""

    chunk: str = Field(max_length=64, pattern=r"^[0-9a-f-]{36}$", description="id of the chunk")


class LiveView(BaseModel):
    """How to play a camera's live view."""

    camera: str
    codec: str = Field(description="RFC 6381, of the video")
    playable: bool = Field(description="whether every browser plays `stream`; `mjpeg` they all do")
    mime: str = Field(description="for MediaSource.addSourceBuffer")
    stream: str = Field(description="endless fragmented MP4")
    mjpeg: str = Field(description="for players without the codec")


class CheckView(BaseModel):
    """One thing that the process depends on."""

    name: str
    ok: bool
    detail: str = Field(description="what is wrong, in a sentence")


class Health(BaseModel):
    """How the process is, and how open."""

    ok: bool
    version: str
    now: str = Field(description="the server's time, RFC 3339")
    zone: str
    access: str = Field(description="who may ask, in a sentence")
    loopback_only: bool
    checks: list[CheckView]

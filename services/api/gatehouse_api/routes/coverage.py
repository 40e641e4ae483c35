"""``/api/v1/coverage``: how much of each camera is recorded, and why the rest is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.models import Asked, CameraPath
from gatehouse_api.times import parse_range, request_zone
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, CoverageReader
from gatehouse_common.db.coverage import Coverage, Stretch
from gatehouse_common.errors import InvalidInput, TooLarge
from gatehouse_common.intervals import Interval
from gatehouse_common.timefmt import midnight, parse, rfc3339, zone

api = Routes("coverage", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Timeline")])

_DAY_US = 24 * 3600 * SECOND
_MOST = 5000
"""Spans of one camera in one answer: the newest."""
_LONGEST_US = 400 * _DAY_US
"""Of what a camera has lived through: every chunk of it is looked at."""


class CoverageQuery(Asked):
    """A range of the ledger, or a day of it."""

    from_: str | None = Field(
        None, alias="from", max_length=64, description="as in `/timeline`; none: 24 h before `to`"
    )
    to: str | None = Field(None, max_length=64, description="as in `/timeline`; none: now")
    date: str | None = Field(
        None,
        pattern=r"^(19[7-9][0-9]|2[0-9]{3})-[0-9]{2}-[0-9]{2}$",
        description="in place of `from` and `to`: that day of the camera's zone, 23, 24 or 25 hours long",
    )
    tz: str | None = Field(None, max_length=64, description="zone of times without an offset, and of `date`")


class SpanView(BaseModel):
    """A span of the ledger."""

    from_: str = Field(serialization_alias="from", description="RFC 3339")
    to: str = Field(description="RFC 3339")
    cause: str | None = Field(description="why nothing is recorded; null: it is")
    explained: bool = Field(description="whether the cause was told; else it follows from what is known around it")
    open: bool = Field(description="whether it goes on")


class CameraCoverage(BaseModel):
    """How much of a camera is recorded."""

    camera: str
    from_: str = Field(
        serialization_alias="from", description="RFC 3339; later than asked for if the camera was added later"
    )
    to: str = Field(description="RFC 3339; earlier than asked for where nothing has happened or is known yet")
    zone: str = Field(description="the camera's")
    length_seconds: float = Field(description="of the range; recorded and gaps together are as much")
    recorded_seconds: float
    gap_seconds: dict[str, float] = Field(description="by cause")
    expected_seconds: float = Field(description="without `disabled`, `purged` and `deleted`, which nobody misses")
    unexplained_seconds: float = Field(description="of gaps whose cause nobody told")
    percentage: float | None = Field(description="recorded of what is expected; null: nothing is")


class CameraCoverageSpans(CameraCoverage):
    """How much of a camera is recorded, and when."""

    spans: list[SpanView] = Field(description="one after the other, without overlap or hole")
    truncated: bool = Field(description="whether there are more than these, older ones")


class CoverageList(BaseModel):
    """How much of all cameras is recorded."""

    items: list[CameraCoverage]


@api.get("/coverage", responses={200: CoverageList}, summary="How much of each camera is recorded")
@needs(Scope.CAMERAS_READ, permission=Permission.PLAYBACK)
def list_coverage(query: CoverageQuery) -> Response:
    """Return the sums of the ledger of all cameras, by id."""
    items = [CameraCoverage(**_sums(c, *_look_up(c, query))) for c in context().cameras.list()]
    return _answer(CoverageList(items=items))


@api.get(
    "/cameras/<camera>/coverage",
    responses={200: CameraCoverageSpans},
    summary="Every second of a camera: recorded, or a gap with its cause",
)
@needs(Scope.CAMERAS_READ, permission=Permission.PLAYBACK)
def get_coverage(path: CameraPath, query: CoverageQuery) -> Response:
    """Return the ledger of a camera over a range or a day."""
    camera = context().cameras.get(path.camera)
    found, local = _look_up(camera, query)
    spans = [_span(one) for one in found.stretches[-_MOST:]]
    truncated = len(found.stretches) > _MOST
    return _answer(CameraCoverageSpans(**_sums(camera, found, local), spans=spans, truncated=truncated))


def _look_up(camera: Camera, query: CoverageQuery) -> tuple[Coverage, ZoneInfo]:
    ctx = context()
    now = ctx.core.clock.now_us()
    local = zone(camera.timezone) if camera.timezone else ctx.core.zone
    wanted = _range(query, now, zone(query.tz) if query.tz else local)
    # To who may look back only for a while, it is as if the camera had been added then.
    since = caller().earliest_us(camera.id, now)
    camera = replace(camera, created_us=max(camera.created_us, since or 0))
    if min(wanted.end, now) - max(wanted.start, camera.created_us) > _LONGEST_US:
        raise TooLarge("one range of the ledger is at most 400 days: ask in parts.")
    return CoverageReader(ctx.core.db).coverage(ctx.recording.seen(camera), wanted, now), local


def _range(query: CoverageQuery, now_us: int, local: ZoneInfo) -> Interval:
    if query.date is None:
        tz = request_zone(query.tz)
        end = query.to or rfc3339(now_us)
        return parse_range(query.from_ or rfc3339(parse(end, tz, "to", fold=1) - _DAY_US), end, tz)
    if query.from_ or query.to:
        raise InvalidInput("'date' is a whole day: leave out 'from' and 'to'.", "date")
    try:
        day = date.fromisoformat(query.date)
        return Interval(midnight(day, local), midnight(day + timedelta(days=1), local))
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"date {query.date!r} is no day of the calendar", "date") from error


def _sums(camera: Camera, found: Coverage, local: ZoneInfo) -> dict[str, object]:
    return {
        "camera": camera.id,
        "from_": rfc3339(found.span.start),
        "to": rfc3339(found.span.end),
        "zone": str(local),
        "length_seconds": found.span.duration / SECOND,
        "recorded_seconds": found.recorded_us / SECOND,
        "gap_seconds": {cause: us / SECOND for cause, us in found.gaps_us.items()},
        "expected_seconds": found.expected_us / SECOND,
        "unexplained_seconds": found.unexplained_us / SECOND,
        "percentage": None if found.percentage is None else round(found.percentage, 4),
    }


def _span(one: Stretch) -> SpanView:
    return SpanView(
        from_=rfc3339(one.start_us), to=rfc3339(one.end_us), cause=one.cause, explained=one.explained, open=one.open
    )


def _answer(body: BaseModel) -> Response:
    answer = jsonify(body.model_dump(by_alias=True))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer

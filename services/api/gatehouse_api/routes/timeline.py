"""``/api/v1/timeline`` and ``/api/v1/days``: what is recorded, what is not, and why."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.context import context
from gatehouse_api.routes.models import (
    CameraTimeline,
    Day,
    Days,
    DaysQuery,
    GapView,
    Timeline,
    TimelineQuery,
)
from gatehouse_api.times import parse_range, request_zone
from gatehouse_common.accounts import Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, TimelineReader
from gatehouse_common.db import Timeline as Ledger
from gatehouse_common.intervals import Interval, merge
from gatehouse_common.observability.camera_secrets import register_camera_url
from gatehouse_common.observability.secrets import mask
from gatehouse_common.timefmt import from_datetime, rfc3339

api = APIBlueprint("timeline", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Timeline")])

_SEAM_US = 50_000
_MOST = 5000
"""Spans, and gaps, of one camera in one answer: the newest."""
_LAG_US = 3 * SECOND
"""The index may be so far behind an open chunk before that counts as a gap."""


@api.get("/timeline", responses={200: Timeline}, summary="The ledger: recorded spans, and gaps with their causes")
@needs(Scope.CAMERAS_READ)
def get_timeline(query: TimelineQuery) -> Response:
    """Return recorded spans and gaps of cameras over a range."""
    ctx = context()
    wanted = parse_range(query.from_, query.to, request_zone(query.tz))
    if query.cameras:
        cameras = [ctx.cameras.get(c) for c in dict.fromkeys(query.cameras.split(",")) if c]
    else:
        cameras = ctx.cameras.list()
    now = ctx.core.clock.now_us()
    ledgers = TimelineReader(ctx.core.db).timeline([c.id for c in cameras], wanted.start, wanted.end)
    items = [_ledger(ctx.recording.seen(camera), ledgers[camera.id], wanted, now) for camera in cameras]
    body = Timeline(
        from_=rfc3339(wanted.start), to=rfc3339(wanted.end), now=rfc3339(now), zone=str(ctx.core.zone), items=items
    )
    answer = jsonify(body.model_dump(by_alias=True))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@api.get("/days", responses={200: Days}, summary="Seconds recorded on each day of a month")
@needs(Scope.CAMERAS_READ)
def get_days(query: DaysQuery) -> Response:
    """Return how much is recorded on each local day; days of 23 and 25 hours are what they are."""
    ctx = context()
    ctx.cameras.get(query.camera)
    zone = ctx.core.zone
    first = date.fromisoformat(query.month + "-01")
    starts = [first]
    while starts[-1].month == first.month:
        starts.append(starts[-1] + timedelta(days=1))
    edges = [from_datetime(datetime(d.year, d.month, d.day, tzinfo=zone)) for d in starts]
    found = TimelineReader(ctx.core.db).days(query.camera, edges[0], edges[-1], zone)
    recorded = {day.date: day.recorded_us / SECOND for day in found}
    items = [
        Day(date=day.isoformat(), length_seconds=(end - start) / SECOND, recorded_seconds=recorded.get(day, 0.0))
        for day, start, end in zip(starts, edges, edges[1:], strict=False)
    ]
    return jsonify(Days(camera=query.camera, zone=str(zone), items=items).model_dump())


def _ledger(camera: Camera, ledger: Ledger, wanted: Interval, now: int) -> CameraTimeline:
    recorded = merge(ledger.recorded, slack=_SEAM_US)
    gaps = [
        GapView(from_=rfc3339(g.start_us), to=rfc3339(g.end_us), cause=g.cause, detail=g.detail) for g in ledger.gaps
    ]
    going_on = _open_gap(camera, wanted, now)
    if going_on is not None:
        gaps.append(going_on)
    return CameraTimeline(
        camera=camera.id,
        recorded=[(rfc3339(s.start), rfc3339(s.end)) for s in recorded[-_MOST:]],
        gaps=gaps[-_MOST:],
        truncated=len(recorded) > _MOST or len(gaps) > _MOST,
    )


def _open_gap(camera: Camera, wanted: Interval, now: int) -> GapView | None:
    """Return the gap that goes on now: the ledger gets it when the camera is back."""
    if camera.enabled and camera.state == "recording":
        return None
    begun = context().footage.last_end_us(camera.id, now) or camera.created_us
    span = Interval(begun, max(begun, now)).intersect(wanted)
    if span is None or span.duration < _LAG_US:
        return None
    cause = (camera.state_cause or "camera_offline") if camera.enabled else "disabled"
    register_camera_url(camera.url)
    detail = mask(camera.state_detail)
    return GapView(from_=rfc3339(span.start), to=rfc3339(span.end), cause=cause, detail=detail, open=True)

"""``/api/v1/timeline`` and ``/api/v1/days``: what is recorded, what is not, and why."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Response, jsonify
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.ledger_resolution import GapGroup, group_gaps, unexplained
from gatehouse_api.openapi.routes import Routes
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
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Camera, TimelineReader
from gatehouse_common.db import Timeline as Ledger
from gatehouse_common.intervals import Interval, merge
from gatehouse_common.observability.camera_secrets import register_camera_url
from gatehouse_common.observability.secrets import mask
from gatehouse_common.timefmt import midnight, rfc3339

api = Routes("timeline", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Timeline")])

_SEAM_US = 50_000
_MOST = 5000
"""Spans, and gaps, of one camera in one answer: the newest."""
_LAG_US = 3 * SECOND
"""The index may be so far behind an open chunk before that counts as a gap."""


@api.get("/timeline", responses={200: Timeline}, summary="The ledger: recorded spans, and gaps with their causes")
@needs(Scope.CAMERAS_READ, permission=Permission.PLAYBACK)
def get_timeline(query: TimelineQuery) -> Response:
    """Return recorded spans and gaps of cameras over a range, with ``resolution`` as coarse as they are looked at."""
    ctx = context()
    wanted = parse_range(query.from_, query.to, request_zone(query.tz))
    if query.cameras:
        cameras = [ctx.cameras.get(c) for c in dict.fromkeys(query.cameras.split(",")) if c]
    else:
        cameras = ctx.cameras.list()
    now = ctx.core.clock.now_us()
    items = _ledgers(cameras, wanted, now, round(query.resolution * SECOND))
    body = Timeline(
        from_=rfc3339(wanted.start), to=rfc3339(wanted.end), now=rfc3339(now), zone=str(ctx.core.zone), items=items
    )
    answer = jsonify(body.model_dump(by_alias=True))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@api.get("/days", responses={200: Days}, summary="Seconds recorded on each day of a month")
@needs(Scope.CAMERAS_READ, permission=Permission.PLAYBACK)
def get_days(query: DaysQuery) -> Response:
    """Return how much is recorded on each local day; days of 23 and 25 hours are what they are."""
    ctx = context()
    ctx.cameras.get(query.camera)
    zone = ctx.core.zone
    first = date.fromisoformat(query.month + "-01")
    starts = [first]
    while starts[-1].month == first.month:
        starts.append(starts[-1] + timedelta(days=1))
    edges = [midnight(day, zone) for day in starts]
    since = caller().earliest_us(query.camera, ctx.core.clock.now_us()) or edges[0]
    start, end = min(max(edges[0], since), edges[-1]), edges[-1]
    found = TimelineReader(ctx.core.db).days(query.camera, start, end, zone) if start < end else []
    recorded = {day.date: day.recorded_us / SECOND for day in found}
    items = [
        Day(date=day.isoformat(), length_seconds=(end - start) / SECOND, recorded_seconds=recorded.get(day, 0.0))
        for day, start, end in zip(starts, edges, edges[1:], strict=False)
    ]
    return jsonify(Days(camera=query.camera, zone=str(zone), items=items).model_dump())


def _ledgers(cameras: list[Camera], wanted: Interval, now: int, resolution_us: int) -> list[CameraTimeline]:
    """Return the ledgers of cameras; of those that who asks may look back at only for a while, from then on."""
    ctx, reader = context(), TimelineReader(context().core.db)
    limits = {camera.id: caller().earliest_us(camera.id, now) for camera in cameras}
    whole = [camera for camera, since in limits.items() if since is None or since <= wanted.start]
    ledgers = reader.timeline(whole, wanted.start, wanted.end)
    items = []
    for camera in cameras:
        span = Interval(min(max(wanted.start, limits[camera.id] or wanted.start), wanted.end), wanted.end)
        if camera.id in ledgers:
            found = ledgers[camera.id]
        elif span.duration > 0:
            found = reader.timeline([camera.id], span.start, span.end)[camera.id]
        else:
            found = Ledger([], [])
        items.append(_ledger(ctx.recording.seen(camera), found, span, now, resolution_us))
    return items


def _ledger(camera: Camera, ledger: Ledger, wanted: Interval, now: int, resolution_us: int) -> CameraTimeline:
    recorded = merge(ledger.recorded, slack=max(_SEAM_US, resolution_us))
    holes = unexplained(camera.id, ledger.recorded, ledger.gaps, _SEAM_US) if resolution_us > _SEAM_US else []
    gaps = [_gap(group) for group in group_gaps([*ledger.gaps, *holes], resolution_us)]
    going_on = _open_gap(camera, wanted, now)
    if going_on is not None:
        gaps.append(going_on)
    return CameraTimeline(
        camera=camera.id,
        recorded=[(rfc3339(s.start), rfc3339(s.end)) for s in recorded[-_MOST:]],
        gaps=gaps[-_MOST:],
        truncated=len(recorded) > _MOST or len(gaps) > _MOST,
    )


def _gap(group: GapGroup) -> GapView:
    return GapView(
        from_=rfc3339(group.start_us),
        to=rfc3339(group.end_us),
        cause=group.cause,
        detail=group.detail,
        count=group.count,
        missing_seconds=group.missing_us / SECOND,
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
    return GapView(
        from_=rfc3339(span.start),
        to=rfc3339(span.end),
        cause=cause,
        detail=detail,
        open=True,
        missing_seconds=span.duration / SECOND,
    )

"""``/api/v1/plates``: searching plates, what is known of one, its pictures, and what people say of it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.detection_state import why_nothing
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.plate_search import plate_text, search
from gatehouse_api.preconditions import conditional, seen_tags
from gatehouse_api.ranges import camera_set, open_range
from gatehouse_api.routes.plate_models import (
    Confidences,
    ConfidencesQuery,
    PictureAsked,
    PlateChange,
    PlateDetail,
    PlateList,
    PlatePath,
    PlatesQuery,
    PlateTimes,
    PlateTimesQuery,
    PlateTimeView,
)
from gatehouse_api.stored_pictures import picture
from gatehouse_api.times import parse_range, request_zone
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import PlateEvent, PlateQuery, PlateTime, plate_times
from gatehouse_common.errors import GatehouseError, InvalidInput
from gatehouse_common.messages import PlateIndexed
from gatehouse_common.settings.cameras import camera_settings, plate_threshold
from gatehouse_common.timefmt import rfc3339

log = structlog.get_logger(__name__)

api = Routes("plates", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Plates")])

_JPEG: dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None] = {200: {"content": {"image/jpeg": {}}}}
_LOCAL = "local"
"""Who says something where nobody is known."""
_RECENT_US = 24 * HOUR
_HISTORY = 21
_MOST_SLOTS = 2000
"""Of a timeline: more than there are pixels helps nobody."""


@api.get("/plates", responses={200: PlateList}, summary="Search plates")
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_plates(query: PlatesQuery) -> Response:
    """Return visits of plates, the newest first; with ``q`` those that are exactly so before those that are like it."""
    ctx = context()
    start, end = open_range(query.from_, query.to, query.tz)
    wanted = PlateQuery(
        cameras=camera_set(query.cameras),
        start_us=start,
        end_us=end,
        min_confidence=query.min_confidence,
        rejected=query.include_rejected,
        limit=query.limit,
    )
    page = search(ctx.plates, wanted, query.match, query.q, query.cursor)
    views = ctx.plate_views.views([one.event for one in page.found], [one.match for one in page.found])
    nothing = None
    if not views and not query.cursor:
        sought = bool(query.q.strip()) or query.min_confidence > 0
        nothing = why_nothing(ctx, wanted.cameras, start, end, sought=sought)
    body = PlateList(items=views, next_cursor=page.next_cursor, nothing=nothing)
    return _private(jsonify(body.model_dump(by_alias=True)))


@api.get("/plates/confidences", responses={200: Confidences}, summary="How sure reads were, and what was not enough")
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_confidences(query: ConfidencesQuery) -> Response:
    """Return a histogram of the confidence of all reads, those below the threshold too.

    Without a range those of the last day.
    """
    ctx = context()
    now = ctx.core.clock.now_us()
    start, end = open_range(query.from_, query.to, query.tz)
    end = now if end is None else end
    start = end - _RECENT_US if start is None else start
    if start >= end:
        raise InvalidInput("'to' must be after 'from'.", "to")
    cameras = camera_set(query.cameras)
    site = ctx.core.settings.values
    body = Confidences(
        from_=rfc3339(start),
        to=rfc3339(end),
        edges=[k / query.bins for k in range(query.bins + 1)],
        counts=ctx.plates.confidences(cameras, start, end, query.bins),
        below_threshold=ctx.plates.doubted(cameras, start, end),
        thresholds={
            camera.id: plate_threshold(site, camera_settings(camera.settings))
            for camera in ctx.cameras.list()
            if cameras is None or camera.id in cameras
        },
    )
    return _private(jsonify(body.model_dump(by_alias=True)))


@api.get("/plates/times", responses={200: PlateTimes}, summary="When plates were seen, for a timeline")
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_times(query: PlateTimesQuery) -> Response:
    """Return when visits at a camera began; many that are close together as one, with how many they are."""
    ctx = context()
    camera = ctx.cameras.get(query.camera)
    wanted = parse_range(query.from_, query.to, request_zone(query.tz))
    slot_us = max(round(query.resolution * SECOND), -(-wanted.duration // _MOST_SLOTS), 1)
    found = plate_times(ctx.core.db, camera.id, wanted.start, wanted.end, slot_us, ctx.visible())
    body = PlateTimes(
        camera=camera.id,
        from_=rfc3339(wanted.start),
        to=rfc3339(wanted.end),
        resolution=slot_us / SECOND,
        items=[_time(one) for one in found],
    )
    return _private(jsonify(body.model_dump(by_alias=True)))


@api.get("/plates/<plate>", responses={200: PlateDetail}, summary="All that is known of a visit")
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_plate(path: PlatePath) -> Response:
    """Return a plate event with its reads and votes, clips, and other visits of the same plate."""
    return _detail(context().plates.event(path.plate))


@api.patch("/plates/<plate>", responses={200: PlateDetail}, summary="Correct a plate, or say that it is none")
@needs(Scope.PLATES_WRITE, permission=Permission.PLAYBACK)
@conditional
def change_plate(path: PlatePath, body: PlateChange) -> Response:
    """Correct the text (null: as it was voted), or reject the event. What was voted is kept.

    With ``If-Match`` only if nobody changed it since; else 412.
    """
    ctx = context()
    if not body.model_fields_set & {"text", "rejected"}:
        raise InvalidInput("say what to change: text, rejected, or both", "body")
    event, seen = ctx.plates.event(path.plate), seen_tags()
    now = ctx.core.clock.now_us()
    text = None if body.text is None else plate_text(body.text)
    if "text" in body.model_fields_set:
        event = ctx.corrections.correct(path.plate, text, caller().name or _LOCAL, now, seen=seen)
        seen = None  # it is as it was seen; by now it is corrected
    if body.rejected is not None:
        event = ctx.corrections.reject(path.plate, body.rejected, caller().name or _LOCAL, now, seen=seen)
    try:
        ctx.listed.look_at_corrected(event.id)
    except GatehouseError as error:  # it is corrected all the same, and whoever listens has to hear that
        log.warning("a corrected plate is looked for on lists later", event_id=event.id, reason=error.message)
    ctx.core.bus.publish(PlateIndexed(camera=event.camera, time_us=now, event=event.id, change="corrected"))
    return _detail(event)


@api.get("/plates/<plate>/crop.jpg", responses=_JPEG, summary="The plate, as it was read")
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_crop(path: PlatePath, query: PictureAsked) -> Response:
    """Return the picture of the plate alone."""
    event = context().plates.event(path.plate)
    return picture(event, event.crop_key, query.read, query.width)


@api.get("/plates/<plate>/frame.jpg", responses=_JPEG, summary="The very frame that the plate was read on")
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_frame(path: PlatePath, query: PictureAsked) -> Response:
    """Return the whole frame of the best read."""
    event = context().plates.event(path.plate)
    return picture(event, event.frame_key, query.read, query.width)


def _time(one: PlateTime) -> PlateTimeView:
    return PlateTimeView(
        from_=rfc3339(one.first_us),
        to=rfc3339(one.last_us),
        count=one.count,
        id=one.event,
        text=one.text,
        confidence=one.confidence,
        corrected=one.corrected,
    )


def _detail(event: PlateEvent) -> Response:
    ctx = context()
    others = ctx.plates.visits_of(event.text, _HISTORY)
    answer = jsonify(ctx.plate_views.detail(event, others).model_dump(by_alias=True))
    answer.set_etag(event.tag)
    return _private(answer)


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer

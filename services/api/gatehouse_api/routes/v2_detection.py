"""``/v2/detection`` and ``/v2/results``: plates, as the older plate recorder gave them."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify

from gatehouse_api.auth.access import needs
from gatehouse_api.context import Context, context
from gatehouse_api.deprecation import deprecate
from gatehouse_api.newest_picture import newest_jpeg
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.problems import detailed
from gatehouse_api.routes.v2_models import CameraQuery, PictureForm, ResultsQuery
from gatehouse_api.routes.v2_video import TAG
from gatehouse_api.v2_objects import answered, detection, enhanced
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.db import PlateEvent, PlateQuery
from gatehouse_common.ids import new_id
from gatehouse_common.media.foreign_pictures import as_jpeg
from gatehouse_common.settings.cameras import camera_settings, plate_region

api = Routes("v2_detection", __name__, url_prefix="/v2", abp_tags=[TAG])

_SUCCESSOR = "/api/v1/plates"
_LATEST = 10


@api.get("/detection/latest", summary="The newest detections", deprecated=True)
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_latest() -> Response:
    """Return the newest plate events."""
    ctx = context()
    events = ctx.plates.search(PlateQuery(limit=_LATEST))
    return deprecate(jsonify({"detections": _detections(ctx, events)}), _SUCCESSOR)


@api.post("/detection/detect-from-camera", summary="Look at a camera's present frame", deprecated=True)
@needs(Scope.PLATES_READ, permission=Permission.LIVE)
def detect_from_camera(query: CameraQuery) -> Response:
    """Return the surest plate in the newest frame of a camera; 404 if there is none, 503 if no detector answers.

    Nothing is kept: what cameras see is looked at, voted on and kept without being asked for.
    """
    ctx = context()
    camera = ctx.chosen_camera(query.camera)
    taken = newest_jpeg(ctx, camera.id)
    region = plate_region(ctx.core.settings.values, camera_settings(camera.settings))
    return _look(ctx, taken.jpeg, taken.at_us, "No license plate detected in current frame", camera.id, region)


@api.post("/detection/detect-from-image", summary="Look at a picture", deprecated=True)
@needs(Scope.PLATES_READ)
def detect_from_image(form: PictureForm) -> Response:
    """Return the surest plate in an uploaded JPEG or PNG (form field ``file``); 404 if there is none.

    400 if it is no picture, 413 if it is too large, 503 if no detector answers. Nothing is kept.
    """
    ctx = context()
    jpeg = as_jpeg(form.file.stream.read())
    region = ctx.core.settings.values.detection.region
    return _look(ctx, jpeg, ctx.core.clock.now_us(), "No license plate detected in image", None, region)


@api.get("/results/detections", summary="Detections", deprecated=True)
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_detections(query: ResultsQuery) -> Response:
    """Return a page of plate events, the newest first."""
    ctx = context()
    events, body = _results(ctx, query)
    return deprecate(jsonify({**body, "detections": _detections(ctx, events)}), _SUCCESSOR)


@api.get("/results/enhanced-results", summary="What became of detections by vote", deprecated=True)
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_enhanced_results(query: ResultsQuery) -> Response:
    """Return a page of plate events by what their reads were voted to say, or a person corrected."""
    events, body = _results(context(), query)
    return deprecate(jsonify({**body, "enhanced_results": [enhanced(event) for event in events]}), _SUCCESSOR)


def _look(ctx: Context, jpeg: bytes, at_us: int, nothing: str, camera: str | None, region: str) -> Response:
    readings = ctx.detectors.ask(jpeg, camera, region)
    if not readings:
        return deprecate(detailed(404, nothing), _SUCCESSOR)
    body = answered(new_id(), readings[0], at_us)
    body["detections"] = [answered(new_id(), other, at_us) for other in readings]
    return deprecate(jsonify(body), _SUCCESSOR)


def _results(ctx: Context, query: ResultsQuery) -> tuple[list[PlateEvent], dict[str, Any]]:
    wanted = PlateQuery(min_confidence=query.min_confidence, limit=query.limit, offset=query.skip)
    body = {"total": ctx.plates.count(wanted), "limit": query.limit, "skip": query.skip}
    return ctx.plates.search(wanted), body


def _detections(ctx: Context, events: list[PlateEvent]) -> list[dict[str, Any]]:
    clips = ctx.clips.of_events([event.id for event in events]) if events else {}
    return [detection(event, clips.get(event.id, [])) for event in events]

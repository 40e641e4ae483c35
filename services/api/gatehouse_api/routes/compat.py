"""The routes of an older recorder (``/``, ``/camera_info``, ``/recordings``, ``/footage``), over the same library."""

from __future__ import annotations

import json
from typing import Any, Literal

from flask import Response, jsonify, redirect, request
from flask_openapi3 import Tag
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import Context, context
from gatehouse_api.deprecation import deprecate
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.problems import plain
from gatehouse_api.routes import footage
from gatehouse_api.routes.live import mjpeg
from gatehouse_api.times import parse_range, request_zone
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.errors import Forbidden, GatehouseError, InvalidInput, Kind
from gatehouse_common.media.conversion import find_target
from gatehouse_common.storage import keys
from gatehouse_common.timefmt import compact

api = Routes("compat", __name__, abp_tags=[Tag(name="Compat", description="Kept for older clients")])

_USAGE = "Usage: /footage?from=YYYYMMDD_HHMMSS&to=YYYYMMDD_HHMMSS[&camera=ID][&tz=ZONE][&format=mp4|webm|mkv]"
_MOST_RECORDINGS = 5000
_MOST_ENTRIES = 20_000
"""As many as the indexer writes."""


def wants_stream() -> bool:
    """Return whether ``/`` is asked for by an image element or an MJPEG player, and not by a person."""
    accept = request.headers.get("Accept", "")
    if request.headers.get("Sec-Fetch-Dest") == "image" or "multipart/x-mixed-replace" in accept:
        return True
    return "image/" in accept and "text/html" not in accept


def root_stream(ctx: Context) -> Response:
    """Return the MJPEG of the default camera, as ``/`` of the older recorder did."""
    asks = caller()
    if not asks.may(Scope.LIVE_VIEW):
        raise Forbidden(f"this needs {Scope.LIVE_VIEW}, which {asks.name!r} may not.")
    camera = ctx.default_camera(Permission.LIVE)
    if camera is None:
        return plain(404, "No camera is configured")
    answer = deprecate(mjpeg(ctx, camera), f"/live/{camera}.mjpg")
    # Pages that show it as `<img src="http://host/">` are on another port of the same machine.
    answer.headers["Cross-Origin-Resource-Policy"] = "same-site"
    return answer


@api.get("/camera_info", summary="The default camera", deprecated=True)
@needs(Scope.CAMERAS_READ)
def get_camera_info() -> Response:
    """Return what the default camera is, by its last report; no device is opened for it."""
    ctx = context()
    cameras = ctx.cameras.list()
    current = ctx.default_camera()
    found = next((c for c in cameras if c.id == current), None)
    body: dict[str, Any] = {
        "available_cameras": [c.id for c in cameras],
        "current_camera": current,
        "resolution": {"width": found.width if found else 0, "height": found.height if found else 0},
        "fps": found.fps if found else 0.0,
        "backend": found.backend if found else "",
        "fallback": found.fallback if found else None,
    }
    return deprecate(jsonify(body), "/api/v1/cameras")


@api.get("/recordings", summary="Stored chunks, newest first", deprecated=True)
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_recordings() -> BaseResponse:
    """Return the stored chunks that have a file."""
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return redirect("/library", 302)
    ctx = context()
    zone = ctx.core.zone
    items = [
        {
            "file": chunk.key.removeprefix(keys.RECORDINGS),
            "start_time": compact(chunk.start_us, zone),
            "end_time": compact(chunk.end_us, zone),
            "size": chunk.bytes,
            "duration": (chunk.end_us - chunk.start_us) / SECOND,
        }
        for chunk in ctx.footage.newest(None, _MOST_RECORDINGS)
        if _exists(ctx, chunk.key)
    ]
    return deprecate(jsonify(items), "/api/v1/timeline")


@api.get("/recordings/recording_index.json", summary="The index as a file", deprecated=True)
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_recording_index() -> Response:
    """Return ``recording_index.json`` as the indexer last wrote it."""
    ctx = context()
    try:
        data = ctx.core.store.read(keys.RECORDING_INDEX)
    except GatehouseError as error:
        return plain(error.kind.status, "There is no recording index yet")
    if ctx.visible() is not None:
        data = _part_of_index(ctx, data)
    return deprecate(Response(data, content_type="application/json"), "/api/v1/timeline")


@api.get("/footage", summary="A range of footage", deprecated=True)
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_footage() -> Response:
    """Return the footage of a range of the default camera; errors are plain text."""
    start, end = request.args.get("from"), request.args.get("to")
    if not start or not end:
        return plain(400, _USAGE)
    ctx = context()
    try:
        zone = request_zone(request.args.get("tz"))
        wanted = parse_range(start[:64], end[:64], zone)
    except InvalidInput as error:
        text = "Invalid time range" if "must be after" in error.message else "Invalid timestamp format"
        return plain(400, f"{text}: {error.message}" if error.field == "tz" else text)
    camera = (request.args.get("camera") or ctx.default_camera() or "")[:64]
    if camera not in {c.id for c in ctx.cameras.list()}:
        return plain(404, "No such camera")
    cut: Literal["exact", "smart"] = "smart" if request.args.get("cut") == "smart" else "exact"
    try:
        target = find_target(request.args.get("format", "mp4"), request.args.get("codec", "source"))
        answer = footage.answer(camera, wanted, cut, "keep", target)
    except GatehouseError as error:
        text = f"No footage available: {error.message}" if error.kind is Kind.NOT_FOUND else error.message
        return plain(error.kind.status, text)
    return deprecate(answer, "/api/v1/footage")


def _part_of_index(ctx: Context, data: bytes) -> bytes:
    """Return the entries of the file whose chunks are there for who asks."""
    there = {chunk.key.removeprefix(keys.RECORDINGS) for chunk in ctx.footage.newest(None, _MOST_ENTRIES)}
    entries = {name: entry for name, entry in json.loads(data).items() if name in there}
    return json.dumps(entries, indent=1).encode() + b"\n"


def _exists(ctx: Context, key: str) -> bool:
    path = ctx.core.store.local_path(key)
    return path is None or path.exists()

"""``/api/v1/cameras``: the configured cameras and what they are doing."""

from __future__ import annotations

from collections.abc import Collection

from flask import Response, jsonify
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.camera_advice import advice_of
from gatehouse_api.context import context
from gatehouse_api.idempotency import once
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.preconditions import conditional, seen_tags
from gatehouse_api.routes.models import CameraChange, CameraForCaller, CameraList, CameraPath, CameraView, NewCamera
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.camera_url import parse_url
from gatehouse_common.db import Camera
from gatehouse_common.errors import ChangedSince, Forbidden
from gatehouse_common.ids import parse_slug
from gatehouse_common.media.playability import why_unplayable
from gatehouse_common.messages import CameraChanged
from gatehouse_common.observability.camera_secrets import register_camera_url, show_camera_url
from gatehouse_common.observability.secrets import mask
from gatehouse_common.settings.cameras import changed_settings
from gatehouse_common.timefmt import rfc3339

_TRIES = 5

api = Routes("cameras", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Cameras")])


@api.get("/cameras", responses={200: CameraList}, summary="All cameras and their states")
@needs(Scope.CAMERAS_READ)
def list_cameras() -> Response:
    """Return all cameras, by id."""
    ctx = context()
    items = [_granted(ctx.recording.seen(c)) for c in ctx.cameras.list()]
    return jsonify(CameraList(items=items).model_dump())


@api.get("/cameras/<camera>", responses={200: CameraForCaller}, summary="A camera and its state")
@needs(Scope.CAMERAS_READ)
def get_camera(path: CameraPath) -> Response:
    """Return one camera. The `ETag` is of its settings, for `If-Match` of a change; its state may change without it."""
    ctx = context()
    return _answer(ctx.cameras.get(path.camera))


@api.post("/cameras", responses={201: CameraForCaller}, summary="Add a camera; it records at once")
@needs(Scope.CAMERAS_WRITE)
@once()
def add_camera(body: NewCamera) -> tuple[Response, int, dict[str, str]]:
    """Add a camera.

    Only who sees all of them may: the new one would not be there for others, and which names are taken is not for them
    to know.
    """
    if caller().cameras() is not None:
        raise Forbidden("whoever sees only some of the cameras cannot add one.")
    ctx = context()
    camera_id, url = parse_slug(body.id), parse_url(body.url)
    register_camera_url(url.text)
    now = ctx.core.clock.now_us()
    own = changed_settings({}, body.settings)
    camera = Camera(camera_id, url.text, body.name, body.enabled, now, state_since_us=now, settings=own)
    ctx.camera_records.add(camera)
    _tell(camera_id, "added")
    return _answer(ctx.cameras.get(camera_id)), 201, {"Location": f"/api/v1/cameras/{camera_id}"}


@api.patch("/cameras/<camera>", responses={200: CameraForCaller}, summary="Change a camera")
@needs(Scope.CAMERAS_WRITE, permission=Permission.CONTROL)
@conditional
def change_camera(path: CameraPath, body: CameraChange) -> Response:
    """Change what is given; with `If-Match` only if nobody changed it since, else 412."""
    ctx, seen = context(), seen_tags()
    ctx.cameras.get(path.camera)
    url = None
    if body.url is not None:
        url = parse_url(body.url).text
        register_camera_url(url)
    if body.settings is None:
        ctx.camera_records.change(path.camera, url=url, name=body.name, enabled=body.enabled, seen=seen)
    else:
        _merge(path.camera, body, url, seen)
    _tell(path.camera, "updated")
    return _answer(ctx.cameras.get(path.camera))


@api.delete("/cameras/<camera>", responses={204: None}, summary="Forget a camera; its footage stays")
@needs(Scope.CAMERAS_WRITE, permission=Permission.CONTROL)
@conditional
def remove_camera(path: CameraPath) -> tuple[str, int]:
    """Forget a camera; with `If-Match` only if nobody changed it since, else 412."""
    ctx = context()
    ctx.cameras.get(path.camera)
    ctx.camera_records.remove(path.camera, seen=seen_tags())
    _tell(path.camera, "removed")
    return "", 204


def _granted(camera: Camera) -> CameraForCaller:
    """Return a camera with what was granted with it to whoever asks."""
    may = [one.value for one in Permission if caller().sees(camera.id, one)]
    return CameraForCaller(**view(camera).model_dump(), may=may)


def view(camera: Camera) -> CameraView:
    """Return a camera as answers show it."""
    base = f"/api/v1/cameras/{camera.id}"
    return CameraView(
        id=camera.id,
        name=camera.name or camera.id,
        url=show_camera_url(camera.url),
        enabled=camera.enabled,
        created=rfc3339(camera.created_us),
        state=camera.state if camera.enabled else "disabled",
        cause=camera.state_cause,
        since=rfc3339(camera.state_since_us) if camera.state_since_us else None,
        detail=mask(camera.state_detail),
        width=camera.width,
        height=camera.height,
        fps=camera.fps,
        asked_fps=camera.asked_fps or None,
        dropped=camera.dropped,
        dropped_frames=camera.dropped_frames,
        advice=advice_of(camera),
        codec=camera.codec,
        playable=not why_unplayable(camera.codec),
        unplayable_reason=why_unplayable(camera.codec) or None,
        fallback=camera.fallback,
        backend=camera.backend,
        settings=camera.settings,
        links={
            "live": f"{base}/live",
            "mjpeg": f"/live/{camera.id}.mjpg",
            "snapshot": f"{base}/snapshot.jpg",
            "hls": f"/api/v1/hls/{camera.id}/live.m3u8",
        },
    )


def _answer(camera: Camera) -> Response:
    answer = jsonify(_granted(context().recording.seen(camera)).model_dump())
    answer.set_etag(camera.tag)
    return answer


def _merge(camera: str, body: CameraChange, url: str | None, seen: Collection[str] | None) -> None:
    """Change a camera whose settings are merged into those that it has: none that another adds meanwhile is lost.

    Raises:
        ChangedSince: it is not what whoever asks has seen, or others change it again and again.
    """
    ctx = context()
    for tries_left in reversed(range(_TRIES)):
        before = ctx.camera_records.get(camera)
        own = changed_settings(before.settings, body.settings or {})
        try:
            ctx.camera_records.change(
                camera,
                url=url,
                name=body.name,
                enabled=body.enabled,
                settings=own,
                seen={before.tag} if seen is None else {before.tag} & set(seen),
            )
        except ChangedSince:
            if seen is not None or not tries_left:
                raise
        else:
            return


def _tell(camera: str, action: str) -> None:
    core = context().core
    now = core.clock.now_us()
    message = CameraChanged.model_validate({"camera": camera, "time_us": now, "action": action})
    core.bus.publish(message)

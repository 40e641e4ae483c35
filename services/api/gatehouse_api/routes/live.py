"""Live pictures: fragmented MP4 for Media Source Extensions, MJPEG for everything else, snapshots, thumbnails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from flask import Response, jsonify
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.auth.standing import Standing
from gatehouse_api.context import Context, context
from gatehouse_api.live import Hub, Live
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.models import CameraPath, LiveView, PictureQuery
from gatehouse_api.times import request_zone
from gatehouse_api.visible_library import VisibleLibrary
from gatehouse_api.watching import followed
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.errors import NotFound, Unavailable
from gatehouse_common.media.live_stream import build_video_init, open_gop
from gatehouse_common.media.pictures import Picture, exact_picture, keyframe_picture
from gatehouse_common.media.playability import why_unplayable
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.timefmt import parse, rfc3339

api = Routes("live", __name__, abp_tags=[Tag(name="Live")])

BOUNDARY = b"frame"
_WAIT_S = 1.0
_FIRST_S = 2.0
_PATIENCE_S = 20.0
_AGAIN_S = 3.0
_SOONER = 0.85


@api.get("/api/v1/cameras/<camera>/live", responses={200: LiveView}, summary="How to play a camera's live view")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_live(path: CameraPath) -> Response:
    """Return the codec and the addresses of a camera's live view."""
    ctx = context()
    camera = ctx.cameras.get(path.camera)
    codec = ctx.library.newest(camera.id).video.format.codec_string
    view = LiveView(
        camera=camera.id,
        codec=codec,
        playable=not why_unplayable(codec),
        mime=f'video/mp4; codecs="{codec}"',
        stream=f"/api/v1/live/{camera.id}.mp4",
        mjpeg=f"/live/{camera.id}.mjpg",
    )
    return jsonify(view.model_dump())


@api.get("/api/v1/live/<camera>.mp4", summary="Endless fragmented MP4, video only")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_live_media(path: CameraPath) -> Response:
    """Return the live view: what is recorded since the last keyframe at once, then each frame as it comes."""
    ctx = context()
    ctx.cameras.get(path.camera)
    if ctx.live.full():
        raise Unavailable("as many live views are open as the server bears")
    ctx.library.newest(path.camera)
    return endless(followed(ctx, path.camera, _media(ctx, path.camera, ctx.library, ctx.standing())), "video/mp4")


@api.get("/live/<camera>.mjpg", summary="Endless MJPEG (multipart/x-mixed-replace)")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_mjpeg(path: CameraPath) -> Response:
    """Return the live view as JPEGs; every viewer gets every picture."""
    ctx = context()
    ctx.cameras.get(path.camera)
    return mjpeg(ctx, path.camera)


@api.get("/api/v1/cameras/<camera>/stream.mjpg", summary="Endless MJPEG (multipart/x-mixed-replace)")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_stream(path: CameraPath) -> Response:
    """The same as ``/live/{camera}.mjpg``."""
    context().cameras.get(path.camera)
    return mjpeg(context(), path.camera)


@api.get("/api/v1/cameras/<camera>/snapshot.jpg", summary="The newest frame")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_snapshot(path: CameraPath, query: PictureQuery) -> Response:
    """Return the newest recorded frame."""
    context().cameras.get(path.camera)
    return _newest(path.camera, query.width)


@api.get("/api/v1/cameras/<camera>/thumbnail.jpg", summary="A frame of the past")
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_thumbnail(path: CameraPath, query: PictureQuery) -> Response:
    """Return the keyframe on screen at ``at``, or the exact frame."""
    ctx = context()
    ctx.cameras.get(path.camera)
    if query.at is None:
        return _newest(path.camera, query.width)
    at_us = parse(query.at, request_zone(query.tz), "at")
    since = caller().earliest_us(path.camera, ctx.core.clock.now_us())
    found = ctx.library.find(path.camera, at_us, at_us + 1)
    covering = [m for m in found.media if m.start_us <= at_us < m.end_us]
    if not covering or (since is not None and at_us < since):
        raise NotFound(f"nothing is recorded at {rfc3339(at_us)}")
    make = exact_picture if query.exact else keyframe_picture
    return _jpeg(make(covering[-1], at_us, ctx.core.media, query.width), sealed=found.sealed)


def _newest(camera: str, width: int) -> Response:
    ctx = context()
    chunk = ctx.library.newest(camera)
    return _jpeg(exact_picture(chunk, chunk.end_us, ctx.core.media, width), sealed=False)


def mjpeg(ctx: Context, camera: str, draw: Callable[[bytes], bytes] | None = None) -> Response:
    """Return a camera's endless MJPEG answer; ``draw`` is what to draw into each picture, if anything."""
    if ctx.live.full():
        raise Unavailable("as many live views are open as the server bears")
    return endless(
        followed(ctx, camera, _previews(ctx, camera, ctx.library, ctx.standing(), draw)),
        f"multipart/x-mixed-replace; boundary={BOUNDARY.decode()}",
    )


def endless(pieces: Iterator[bytes], content_type: str) -> Response:
    """Return an answer that goes on until its client leaves; nothing between keeps it back."""
    answer = Response(pieces, content_type=content_type, direct_passthrough=True)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def _jpeg(picture: Picture, *, sealed: bool) -> Response:
    answer = Response(picture.jpeg, content_type="image/jpeg")
    answer.headers["X-Picture-Time"] = rfc3339(picture.at_us)
    answer.headers["Cache-Control"] = "private, max-age=86400" if sealed else "no-store"
    return answer


def _media(ctx: Context, camera: str, library: VisibleLibrary, standing: Standing) -> Iterator[bytes]:
    with ctx.live.watch(camera, "media") as hub:
        number = hub.newest
        chunk = _reaching(library, camera, hub.next_after(number, _FIRST_S))
        run = chunk.run_id
        yield build_video_init(chunk.video.format)
        fragment, going_on = open_gop(chunk, ctx.core.media)
        yield fragment
        quiet_since = time.monotonic()
        behind = False
        while _goes_on(ctx, camera, standing) and time.monotonic() - quiet_since < _PATIENCE_S:
            hub.ask()
            out: list[bytes] = []
            for one in hub.next_after(number, _WAIT_S):
                quiet_since = time.monotonic()
                if one.run != run:
                    return  # another run has another init segment: the player asks again
                # A hole in the numbers: this viewer was too slow, and goes on with the next keyframe.
                behind = (behind or one.number > number + 1) and not one.sync
                number = one.number
                if one.start_dts >= going_on and not behind:
                    out.append(one.data)
            if out:
                yield b"".join(out)


def _reaching(library: VisibleLibrary, camera: str, fragments: list[Live]) -> ChunkMedia:
    """Return the newest chunk once its file holds all that came before the first of ``fragments``.

    They may begin in the middle of a part, which reaches the file when it is full: half a second at most.
    """
    deadline = time.monotonic() + _FIRST_S
    while True:
        chunk = library.newest(camera)
        there = not fragments or int(chunk.parts.end[-1]) >= fragments[0].start_dts or chunk.run_id != fragments[0].run
        if there or time.monotonic() > deadline:
            return chunk
        time.sleep(0.02)


def _previews(
    ctx: Context,
    camera: str,
    library: VisibleLibrary,
    standing: Standing,
    draw: Callable[[bytes], bytes] | None,
) -> Iterator[bytes]:
    with ctx.live.watch(camera, "preview") as hub:
        last = _first_picture(ctx, camera, library)
        if last is not None:
            yield _part(draw(last) if draw else last)
        number, shown_us = hub.newest, 0
        quiet_since = time.monotonic()
        while _goes_on(ctx, camera, standing):
            for one in _wait(hub, number):
                number, last = one.number, one.data
                if one.at_us - shown_us < _pause_us(ctx):
                    continue
                shown_us = one.at_us
                yield _part(draw(last) if draw else last)
                quiet_since = time.monotonic()
            quiet_s = time.monotonic() - quiet_since
            if last is None and quiet_s > _PATIENCE_S:
                return
            if last is not None and quiet_s > _AGAIN_S:
                # That a viewer has left shows only when something is sent: else it would keep its place for ever.
                yield _part(draw(last) if draw else last)
                quiet_since = time.monotonic()


def _goes_on(ctx: Context, camera: str, standing: Standing) -> bool:
    """Return whether a live view is still to be sent: the server goes on, and who watches may still do so."""
    return not ctx.stop.is_set() and standing.may(Scope.LIVE_VIEW, camera, Permission.LIVE)


def _wait(hub: Hub, number: int) -> list[Live]:
    hub.ask()
    return hub.next_after(number, _WAIT_S)


def _pause_us(ctx: Context) -> int:
    """Return by how much pictures follow one another at least; a little under the interval, as arrival times vary."""
    return round(_SOONER * SECOND / ctx.settings.known.live.fps)


def _first_picture(ctx: Context, camera: str, library: VisibleLibrary) -> bytes | None:
    """Return something to look at before the first preview is made."""
    try:
        chunk = library.newest(camera)
        return keyframe_picture(chunk, chunk.end_us, ctx.core.media, 1280).jpeg
    except NotFound:
        return None


def _part(jpeg: bytes) -> bytes:
    head = (
        b"--" + BOUNDARY + b"\r\nContent-Type: image/jpeg\r\nContent-Length: " + str(len(jpeg)).encode() + b"\r\n\r\n"
    )
    return head + jpeg + b"\r\n"

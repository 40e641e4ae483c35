"""``/api/v1/clips``: clips around plate events, and their files."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.clip_media import clip_media
from gatehouse_api.context import context
from gatehouse_api.cursors import read_cursor, write_cursor
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.plate_views import clip_view
from gatehouse_api.ranges import camera_set, open_range
from gatehouse_api.routes.plate_models import ClipList, ClipPath, ClipsQuery, ClipView
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.db import ClipQuery

api = Routes("clips", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Clips")])


@api.get("/clips", responses={200: ClipList}, summary="Clips, the newest first")
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_clips(query: ClipsQuery) -> Response:
    """Return clips around plate events."""
    ctx = context()
    if query.event:
        clips = ctx.clips.of_event(query.event)
        found = [clip_view(c) for c in clips if query.state is None or c.state == query.state]
        return jsonify(ClipList(items=found).model_dump(by_alias=True))
    start, end = open_range(query.from_, query.to, query.tz)
    _, before = read_cursor(query.cursor)
    wanted = ClipQuery(
        cameras=camera_set(query.cameras),
        start_us=start,
        end_us=end,
        states=None if query.state is None else frozenset({query.state}),
        before=before,
        limit=query.limit + 1,
    )
    clips = ctx.clips.list(wanted)
    page = clips[: query.limit]
    after = write_cursor(0, (page[-1].start_us, page[-1].id)) if len(clips) > query.limit else None
    body = ClipList(items=[clip_view(clip) for clip in page], next_cursor=after)
    answer = jsonify(body.model_dump(by_alias=True))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@api.get("/clips/<clip>", responses={200: ClipView}, summary="A clip")
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_clip(path: ClipPath) -> Response:
    """Return what is known of a clip."""
    return jsonify(clip_view(context().clips.get(path.clip)).model_dump(by_alias=True))


@api.get("/clips/<clip>/media", summary="A clip's file", responses={200: {"content": {"video/mp4": {}}}})
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_clip_media(path: ClipPath) -> Response:
    """Return the file, with ranges; of a clip that is not made yet, what of its footage is there.

    410 once the file has been deleted.
    """
    return clip_media(context().clips.get(path.clip))

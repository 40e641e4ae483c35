"""``/v2/video``: the clips, as the older plate recorder gave them."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.clip_media import clip_media
from gatehouse_api.context import context
from gatehouse_api.deprecation import deprecate
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.v2_models import CleanupQuery, DetectionPath, SegmentPath, SegmentsQuery
from gatehouse_api.v2_objects import segment
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import Clip, ClipQuery
from gatehouse_common.errors import NotFound
from gatehouse_common.ids import is_id

TAG = Tag(name="Compat", description="Kept for older clients")
api = Routes("v2_video", __name__, url_prefix="/v2/video", abp_tags=[TAG])

_SUCCESSOR = "/api/v1/clips"
_KEPT = frozenset({"stored", "archived", "purged"})
_MB = 1024 * 1024


@api.get("/segments", summary="Video segments, the newest first", deprecated=True)
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_segments(query: SegmentsQuery) -> Response:
    """Return a page of the clips that were stored."""
    clips = context().clips.list(ClipQuery(limit=query.limit, offset=query.offset))
    return deprecate(jsonify({"count": len(clips), "segments": [segment(clip) for clip in clips]}), _SUCCESSOR)


@api.get("/segments/<segment>", summary="A video segment", deprecated=True)
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_segment(path: SegmentPath) -> Response:
    """Return one clip."""
    clip = _clip(path.segment)
    return deprecate(jsonify(segment(clip)), f"{_SUCCESSOR}/{clip.id}")


@api.get("/segments/<segment>/download", summary="A segment's file", deprecated=True)
@needs(Scope.FOOTAGE_READ, permission=Permission.EXPORT)
def get_download(path: SegmentPath) -> Response:
    """Return a clip's file, with ranges; 410 once it has been deleted."""
    clip = _clip(path.segment)
    return deprecate(clip_media(clip), f"{_SUCCESSOR}/{clip.id}/media")


@api.get("/by-detection/<detection>", summary="The segments with a detection", deprecated=True)
@needs(Scope.PLATES_READ, permission=Permission.PLAYBACK)
def get_by_detection(path: DetectionPath) -> Response:
    """Return every clip that a plate event is in; none for an event that is in none."""
    found = context().clips.of_event(path.detection) if is_id(path.detection) else []
    videos = [segment(clip) for clip in found if clip.state in _KEPT]
    return deprecate(jsonify({"count": len(videos), "videos": videos}), _SUCCESSOR)


@api.post("/cleanup", summary="Archive old segments", deprecated=True)
@needs(Scope.FOOTAGE_DELETE, permission=Permission.CONTROL)
def clean_up(query: CleanupQuery) -> Response:
    """Mark clips that ended longer ago than ``retention_days`` as archived; their rows stay."""
    ctx = context()
    before = ctx.core.clock.now_us() - query.retention_days * 24 * HOUR
    count = ctx.clips.archive_before(before, ctx.core.clock.now_us())
    body = {"status": "success", "message": f"Archived {count} old videos", "archived_count": count}
    return deprecate(jsonify(body), _SUCCESSOR)


@api.get("/stats", summary="How many segments there are, and how large", deprecated=True)
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_stats() -> Response:
    """Return totals of all clips that were stored, and how many began on each local day."""
    ctx = context()
    stats = ctx.clips.stats(ctx.core.zone)
    count, seconds = stats.count, stats.duration_us / SECOND
    body = {
        "total_count": count,
        "total_size_mb": round(stats.bytes / _MB, 2),
        "total_duration_minutes": round(seconds / 60, 2),
        "average_duration_seconds": round(seconds / count, 2) if count else 0,
        "average_size_mb": round(stats.bytes / count / _MB, 2) if count else 0,
        "videos_by_date": {day.isoformat(): n for day, n in sorted(stats.by_day.items(), reverse=True)},
    }
    return deprecate(jsonify(body), _SUCCESSOR)


def _clip(clip_id: str) -> Clip:
    told = f"Video segment with ID {clip_id[:64]} not found"
    if not is_id(clip_id):
        raise NotFound(told)
    try:
        found = context().clips.get(clip_id)
    except NotFound:
        raise NotFound(told) from None
    if found.state not in _KEPT:  # of the older recorder's segments each had a file, or had had one
        raise NotFound(told)
    return found

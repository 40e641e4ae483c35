"""The pages of plates and clips."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.forms import page
from gatehouse_api.plate_views import clip_view
from gatehouse_api.routes.storage import PlanQuery, plan
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import ClipQuery
from gatehouse_common.timefmt import to_datetime

pages = Blueprint("plate_pages", __name__)

_PAGE = 24
_FAR = 1_000_000
_MB = 1e6


@pages.get("/plates")
@needs(Scope.PLATES_READ)
def get_plates() -> Response:
    """Return the page on which plates are searched."""
    return page("plates.html")


@pages.get("/video-browser")
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_video_browser() -> Response:
    """Return the clips, a page of them at a time, and what they take; works without scripts."""
    ctx = context()
    zone = ctx.core.zone
    offset = request.args.get("offset", 0, type=int)
    offset = min(max(offset, 0), _FAR)
    clips = ctx.clips.list(ClipQuery(limit=_PAGE + 1, offset=offset))
    of_clips = {event for clip in clips[:_PAGE] for event in clip.events}
    events = ctx.plates.events(of_clips) if caller().may(Scope.PLATES_READ) else {}
    names = {camera.id: camera.name for camera in ctx.cameras.list()}
    shown = [
        {
            **clip_view(clip).model_dump(),
            "began": to_datetime(clip.start_us, zone).strftime("%Y-%m-%d %H:%M:%S"),
            "camera_name": names.get(clip.camera) or clip.camera,
            "seconds": f"{(clip.end_us - clip.start_us) / SECOND:.1f}",
            "megabytes": f"{clip.bytes / _MB:.1f}",
            "playable": clip.state in {"stored", "archived"},
            "plates": [(event, events[event].text) for event in clip.events if event in events],
        }
        for clip in clips[:_PAGE]
    ]
    return page(
        "video_browser.html",
        clips=shown,
        stats=ctx.clips.stats(zone),
        earlier=offset + _PAGE if len(clips) > _PAGE else None,
        later=max(0, offset - _PAGE) if offset else None,
        plan=plan(PlanQuery()),
        asked=PlanQuery(),
    )


@pages.get("/detection-test")
@needs(Scope.PLATES_READ, permission=Permission.LIVE)
def get_detection_test() -> Response:
    """Return the page on which a picture can be looked at for plates."""
    return page("detection_test.html", cameras=context().cameras.list())

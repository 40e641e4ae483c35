"""The page of statistics."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gatehouse_api import stats
from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.forms import page
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import HOUR
from gatehouse_common.retention import look_ahead
from gatehouse_common.sizefmt import shown_size

pages = Blueprint("stats_pages", __name__)

RANGES = (1, 7, 30)
_MOST_CAMERAS = 50


@pages.get("/stats")
@needs(Scope.CAMERAS_READ, permission=Permission.PLAYBACK)
def get_stats() -> Response:
    """Return how much of each camera and day is recorded, what is missing, what came, and how long there is room."""
    ctx, asked = context(), request.args.get("days", "")
    core, count = ctx.core, int(asked) if asked in {str(n) for n in RANGES} else 7
    now_us, zone = core.clock.now_us(), core.zone
    there = ctx.cameras.list()
    cameras = [ctx.recording.seen(camera) for camera in there[:_MOST_CAMERAS]]
    days = stats.last_days(count, now_us, zone)
    found = stats.coverages(core.db, cameras, days, caller(), now_us)
    visible = ctx.visible()
    stored = stats.bytes_per_day(core.db, visible, days)
    plates: dict[str, object] = {}
    if caller().may(Scope.PLATES_READ):
        plates = {
            "hours": stats.plates_by_hour(core.db, visible, days, zone),
            "most": stats.top_plates(core.db, visible, days, zone),
        }
    people = None
    if caller().may(Scope.RECORDS_OWN) or caller().may(Scope.RECORDS_ALL):
        people = stats.people(core.db, visible, ctx.media.owner(caller()), days)
    outlook = None
    if caller().may(Scope.HOLDS_WRITE):
        outlook = look_ahead(core.settings.values, core.db, core.store.capacity(), now_us, zone, 0, visible)
    rows = stats.camera_rows(cameras, found, days)
    return page(
        "stats.html",
        days=count,
        ranges=RANGES,
        dates=[day.isoformat() for day in days.dates],
        rows=rows,
        rates=stats.rates(cameras),
        left_out=len(there) - len(cameras),
        length=stats.in_words(round(sum(row.hours for row in rows) * HOUR)) if rows else "–",
        gaps=stats.longest_gaps(cameras, found, zone),
        stored=stored,
        stored_sum=shown_size(sum(bar.value for bar in stored)),
        plates=plates,
        people=people,
        outlook=outlook,
        free="" if outlook is None or outlook.room.free is None else shown_size(outlook.room.free),
    )

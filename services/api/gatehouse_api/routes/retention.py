"""``/api/v1/retention/plan`` and ``/api/v1/holds``: what is deleted next, and what never is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from flask import Response, jsonify
from flask_openapi3 import Tag
from werkzeug.http import http_date

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.idempotency import once
from gatehouse_api.media_desk import read_which
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.preconditions import conditional, seen_tags
from gatehouse_api.routes.retention_models import (
    HoldList,
    HoldPath,
    HoldsQuery,
    HoldView,
    NewHold,
    RetentionPlan,
    RetentionQuery,
    plan_view,
)
from gatehouse_api.times import request_zone
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Hold
from gatehouse_common.db.upkeep_models import FOREVER_US
from gatehouse_common.retention import copy_holds, look_ahead, make_hold, medium_to_hold
from gatehouse_common.timefmt import rfc3339

api = Routes("retention", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Retention")])


@api.get("/retention/plan", responses={200: RetentionPlan}, summary="What is deleted next, when, and how much that is")
@needs(Scope.HOLDS_WRITE, permission=Permission.PLAYBACK)
def get_plan(query: RetentionQuery) -> Response:
    """Return what retention will do as things stand, and for how long the room is enough. Nothing is deleted.

    Whoever sees only some cameras is told of these, and not how much room there is: that would tell of the others.
    """
    core, visible = context().core, context().visible()
    outlook = look_ahead(
        core.settings.values, core.db, core.store.capacity(), core.clock.now_us(), core.zone, query.limit, visible
    )
    answer = jsonify(plan_view(outlook).model_dump())
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@api.get("/holds", responses={200: HoldList}, summary="What nothing deletes")
@needs(Scope.HOLDS_WRITE, permission=Permission.PLAYBACK)
def get_holds(query: HoldsQuery) -> Response:
    """Return the holds that hold something, the newest first."""
    core = context().core
    holds, now_us = context().holds, core.clock.now_us()
    found = [_view(hold, now_us) for hold in holds.list(now_us, ended=query.ended)]
    answer = jsonify(HoldList(items=found, held_bytes=holds.held_bytes(now_us)).model_dump(by_alias=True))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@api.post("/holds", responses={201: HoldView}, summary="Keep footage, a clip or a medium from being deleted")
@needs(Scope.HOLDS_WRITE, permission=Permission.PLAYBACK)
@once()
def place_hold(body: NewHold) -> tuple[Response, int, dict[str, str]]:
    """Place a hold. From the answer on, nothing of it is decided to be deleted: not by age, by quota, or for room.

    `decided` is how many objects had been decided on before and are given back; what was being deleted at that moment
    is not among them, and may be gone.
    """
    core = context().core
    now_us = core.clock.now_us()
    named = None if body.media is None else read_which(body.media)
    hold = make_hold(
        core.db,
        request_zone(body.tz),
        now_us,
        camera=body.camera,
        clip=body.clip,
        media=medium_to_hold(context().media.library(caller()), named, body.session),
        start=body.from_,
        end=body.to,
        reason=body.reason,
        case_name=body.case,
        until=body.until,
        visible=context().visible(),
    )
    hold, decided = place(hold)
    return (
        _answer(hold, now_us, decided),
        201,
        {"Location": f"/api/v1/holds/{hold.id}", "Date": http_date(now_us // SECOND)},
    )


@api.get("/holds/<hold>", responses={200: HoldView}, summary="A hold")
@needs(Scope.HOLDS_WRITE, permission=Permission.PLAYBACK)
def get_hold(path: HoldPath) -> Response:
    """Return a hold, also one that was released."""
    return _answer(context().holds.get(path.hold), context().core.clock.now_us())


@api.delete("/holds/<hold>", responses={200: HoldView}, summary="Release a hold; it stays on record")
@needs(Scope.HOLDS_WRITE, permission=Permission.PLAYBACK)
@conditional
def release_hold(path: HoldPath) -> Response:
    """Release a hold: what it held goes as anything of its age does. Who placed and released it stays on record.

    With `If-Match` only if nobody has since; else 412.
    """
    return _answer(release(path.hold, seen_tags()), context().core.clock.now_us())


def place(hold: Hold) -> tuple[Hold, int]:
    """Place a hold in the name of whoever asks, and copy it beside the footage.

    Returns:
        The hold, and how many objects had been decided on before and are given back.

    Raises:
        NotFound: there is no such clip, or no such medium.
        Conflict: it has no file any more.
    """
    core, hold = context().core, replace(hold, created_by=caller().name)
    decided = context().holds.place(hold)
    copy_holds(core.db, core.store, core.clock.now_us())
    return hold, decided


def release(hold: str, seen: Collection[str] | None = None) -> Hold:
    """Release a hold in the name of whoever asks; with ``seen`` only if its tag is one of these.

    Raises:
        NotFound: there is none for who asks.
        ChangedSince: it has another tag by now.
    """
    core = context().core
    now_us = core.clock.now_us()
    released = context().holds.release(hold, now_us, caller().name, seen=seen)
    copy_holds(core.db, core.store, now_us)
    return released


def _answer(hold: Hold, now_us: int, decided: int = 0) -> Response:
    answer = jsonify(_view(hold, now_us, decided).model_dump(by_alias=True))
    answer.set_etag(hold.tag)
    return answer


def _view(hold: Hold, now_us: int, decided: int = 0) -> HoldView:
    return HoldView(
        id=hold.id,
        camera=hold.camera,
        clip=hold.clip,
        media=hold.media,
        from_=rfc3339(hold.start_us),
        to=None if hold.end_us >= FOREVER_US else rfc3339(hold.end_us),
        reason=hold.reason,
        case=hold.case_name,
        until=None if hold.until_us is None else rfc3339(hold.until_us),
        active=hold.is_active(now_us),
        created=rfc3339(hold.created_us),
        created_by=hold.created_by,
        released=None if hold.released_us is None else rfc3339(hold.released_us),
        released_by=hold.released_by,
        decided=decided,
    )

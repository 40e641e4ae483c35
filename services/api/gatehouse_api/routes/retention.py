"""``/api/v1/retention/plan`` and ``/api/v1/holds``: what is deleted next, and what never is."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import APIBlueprint, Tag
from werkzeug.http import http_date

from gatehouse_api.context import context
from gatehouse_api.ranges import open_range
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
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Hold, HoldRepository
from gatehouse_common.db.upkeep_models import FOREVER_US
from gatehouse_common.errors import InvalidInput
from gatehouse_common.ids import new_id, parse_slug
from gatehouse_common.retention import look_ahead
from gatehouse_common.timefmt import parse, rfc3339

api = APIBlueprint("retention", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Retention")])


@api.get("/retention/plan", responses={200: RetentionPlan}, summary="What is deleted next, when, and how much that is")
def get_plan(query: RetentionQuery) -> Response:
    """Return what retention will do as things stand, and for how long the room is enough. Nothing is deleted."""
    core = context().core
    outlook = look_ahead(
        core.settings.values, core.db, core.store.capacity(), core.clock.now_us(), core.zone, query.limit
    )
    answer = jsonify(plan_view(outlook).model_dump())
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@api.get("/holds", responses={200: HoldList}, summary="What nothing deletes")
def get_holds(query: HoldsQuery) -> Response:
    """Return the holds that hold something, the newest first."""
    core = context().core
    holds, now_us = HoldRepository(core.db), core.clock.now_us()
    found = [_view(hold, now_us) for hold in holds.list(now_us, ended=query.ended)]
    answer = jsonify(HoldList(items=found, held_bytes=holds.held_bytes(now_us)).model_dump(by_alias=True))
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@api.post("/holds", responses={201: HoldView}, summary="Keep footage, or a clip, from being deleted")
def place_hold(body: NewHold) -> tuple[Response, int, dict[str, str]]:
    """Place a hold. From the answer on, nothing of it is deleted: not by age, not by quota, not for room."""
    core = context().core
    now_us = core.clock.now_us()
    hold = _hold(body, now_us)
    HoldRepository(core.db).place(hold)
    shown = jsonify(_view(hold, now_us).model_dump(by_alias=True))
    return shown, 201, {"Location": f"/api/v1/holds/{hold.id}", "Date": http_date(now_us // SECOND)}


@api.get("/holds/<hold>", responses={200: HoldView}, summary="A hold")
def get_hold(path: HoldPath) -> Response:
    """Return a hold, also one that was released."""
    core = context().core
    return jsonify(_view(HoldRepository(core.db).get(path.hold), core.clock.now_us()).model_dump(by_alias=True))


@api.delete("/holds/<hold>", responses={200: HoldView}, summary="Release a hold; it stays on record")
def release_hold(path: HoldPath) -> Response:
    """Release a hold: what it held goes as anything of its age does. Who placed and released it stays on record."""
    core = context().core
    now_us = core.clock.now_us()
    return jsonify(_view(HoldRepository(core.db).release(path.hold, now_us, ""), now_us).model_dump(by_alias=True))


def _hold(body: NewHold, now_us: int) -> Hold:
    """Return the hold that is asked for.

    Raises:
        InvalidInput: it is of nothing, of two things, or over already.
        NotFound: there is no such clip.
    """
    if body.clip is not None and (body.camera is not None or body.from_ is not None or body.to is not None):
        raise InvalidInput("a hold is of a clip, or of a range of footage, not of both", "clip")
    until_us = parse(body.until, context().core.zone, "until") if body.until else None
    if until_us is not None and until_us <= now_us:
        raise InvalidInput(f"'until' ({rfc3339(until_us)}) is over already", "until")
    if body.clip is not None:
        clip = context().clips.get(body.clip)
        camera, start_us, end_us = None, clip.start_us, max(clip.end_us, clip.start_us + 1)
    else:
        if body.from_ is None:
            raise InvalidInput("say from when on footage is held, or which clip is", "from")
        camera = parse_slug(body.camera, "camera") if body.camera else None
        begin, end = open_range(body.from_, body.to, body.tz)
        start_us, end_us = begin or 0, FOREVER_US if end is None else end
    return Hold(new_id(), camera, body.clip, start_us, end_us, body.reason, body.case, until_us, now_us)


def _view(hold: Hold, now_us: int) -> HoldView:
    return HoldView(
        id=hold.id,
        camera=hold.camera,
        clip=hold.clip,
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
    )

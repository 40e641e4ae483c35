"""``/api/v1/viewings``: what somebody watches now, and whether it is recorded."""

from __future__ import annotations

import time

from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel, Field

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.watching import page_id
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.db import Viewing, Viewings
from gatehouse_common.timefmt import rfc3339

api = Routes("viewings", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Live")])

_SOON_S = 5.0


class ViewingPath(BaseModel):
    """A viewing in the path."""

    viewing: str = Field(max_length=64, description="its id, or the UUID that its page gave itself (`?viewing=`)")


class RecordOrder(BaseModel):
    """Whether a viewing is to be recorded."""

    on: bool = Field(description="whether it is to be recorded from now on", examples=[True])


class ViewingView(BaseModel):
    """A viewing of a live picture."""

    id: str = Field(description="its id", examples=["01975e0c-7b60-7c3e-9c5e-2f6d4e9b1a10"])
    number: int = Field(description="its number in the log", examples=[17])
    camera: str = Field(description="of which camera", examples=["front-gate"])
    user_name: str = Field(description="who watches; empty: nobody has to be known", examples=["Ann"])
    start: str = Field(description="when it began", examples=["2026-05-17T10:23:00.000000+02:00"])
    seen: str = Field(description="when something was taken last", examples=["2026-05-17T10:26:00.000000+02:00"])
    end: str | None = Field(description="when it ended, null: it goes on", examples=[None])
    bytes: int = Field(description="that were sent", examples=[81234567])
    recording: bool = Field(description="whether it is recorded now", examples=[True])
    recording_since: str | None = Field(description="since when", examples=["2026-05-17T10:24:00.000000+02:00"])


@api.get("/viewings/<viewing>", responses={200: ViewingView}, summary="What oneself watches")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_viewing(path: ViewingPath) -> Response:
    """Return one's own viewing of a live picture; it is there a moment after its stream began."""
    return jsonify(_view(own_viewing(path.viewing)).model_dump())


@api.post("/viewings/<viewing>/record", responses={200: ViewingView}, summary="Record what oneself watches")
@needs(Scope.RECORDS_OWN, permission=Permission.LIVE)
def record_viewing(path: ViewingPath, body: RecordOrder) -> Response:
    """Record one's own viewing from now on, or stop that; it ends by itself ten seconds after the viewer has left."""
    found = own_viewing_soon(path.viewing)
    if not body.on:
        context().viewings.stop(found, caller(), sender())
    elif context().viewings.recording(found) is None:
        context().viewings.begin(found, caller(), sender())
    return jsonify(_view(own_viewing(path.viewing)).model_dump())


def own_viewing(name: str) -> Viewing:
    """Return a viewing of whoever asks, by its id or that of its page.

    Raises:
        NotFound: there is none, or it is another's.
    """
    ctx = context()
    mine = None if ctx.doorkeeper.is_open else caller().number
    return Viewings(ctx.core.db, ctx.visible()).named(name, mine)


def own_viewing_soon(name: str) -> Viewing:
    """Return what ``own_viewing`` does; where its stream has begun and is being written down, wait for that.

    Raises:
        NotFound: there is none, or it is another's.
    """
    desk = context().viewings
    until = time.monotonic() + _SOON_S
    while desk.is_unwritten(page_id(name)) and time.monotonic() < until:
        time.sleep(0.05)
    return own_viewing(name)


def _view(one: Viewing) -> ViewingView:
    zone = context().core.zone
    session = context().viewings.recording(one)
    return ViewingView(
        id=one.id,
        number=one.number,
        camera=one.camera,
        user_name=one.user_name,
        start=rfc3339(one.start_us, zone),
        seen=rfc3339(one.seen_us, zone),
        end=None if one.ended_us is None else rfc3339(one.ended_us, zone),
        bytes=one.bytes,
        recording=session is not None,
        recording_since=None if session is None else rfc3339(session.start_us, zone),
    )

"""``/api/v1/live/order``: how whoever asks has put the cameras of the live page."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import Tag
from pydantic import BaseModel, ConfigDict, Field

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.openapi.routes import Routes
from gatehouse_common.accounts import Permission, Scope

api = Routes("live_order", __name__, abp_tags=[Tag(name="Live")])

_MOST = 1000


class CameraOrder(BaseModel):
    """Cameras in an order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"cameras": ["gate", "door"]}})

    cameras: list[str] = Field(max_length=_MOST, description="ids, the first one first")


@api.get("/api/v1/live/order", responses={200: CameraOrder}, summary="One's own order of the cameras")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_order() -> Response:
    """Return the cameras that one may watch, as one has put them: the same on every device."""
    return _order()


@api.put("/api/v1/live/order", responses={200: CameraOrder}, summary="Put the cameras into an order of one's own")
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def put_order(body: CameraOrder) -> Response:
    """Keep an order, for who asks alone; return all cameras in it.

    Cameras that it does not name are at its end, by id; what it names that there is not is left out. An empty list
    goes back to the order of the ids.
    """
    ctx = context()
    there = {camera.id for camera in ctx.cameras.list()}
    ctx.live_order.keep(caller(), [camera for camera in dict.fromkeys(body.cameras) if camera in there])
    return _order()


def _order() -> Response:
    ctx = context()
    found = ctx.live_order.sort(caller(), ctx.cameras.list())
    answer = jsonify(CameraOrder(cameras=[camera.id for camera in found]).model_dump())
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer

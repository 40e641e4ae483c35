"""``/v2/stream``: the live picture with the plates in it, as the older plate recorder gave it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from flask import Response
from pydantic import BaseModel

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import Context, context
from gatehouse_api.deprecation import deprecate
from gatehouse_api.newest_picture import asked_marks, marks_of, newest_jpeg, newest_reads
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.overlays import Mark, draw_marks
from gatehouse_api.routes.live import mjpeg
from gatehouse_api.routes.v2_models import CameraQuery
from gatehouse_api.routes.v2_video import TAG
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import PlateReader
from gatehouse_common.errors import GatehouseError
from gatehouse_common.settings.cameras import camera_settings, plate_region

log = structlog.get_logger(__name__)

api = Routes("v2_stream", __name__, url_prefix="/v2/stream", abp_tags=[TAG])

_JPEG: dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None] = {200: {"content": {"image/jpeg": {}}}}
_AGAIN_US = SECOND // 2


@api.get("/video-feed", summary="Endless MJPEG with the plates drawn into it", deprecated=True)
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_video_feed(query: CameraQuery) -> Response:
    """Return the live view of a camera; around each plate that was read lately there is a box, and its text."""
    ctx = context()
    camera = ctx.chosen_camera(query.camera)
    # What plates say is drawn only for who may read them.
    draw = _LatestMarks(ctx, camera.id, ctx.plates).draw if caller().may(Scope.PLATES_READ) else None
    return deprecate(mjpeg(ctx, camera.id, draw), f"/live/{camera.id}.mjpg")


@api.get("/snapshot", summary="The newest frame", deprecated=True, responses=_JPEG)
@needs(Scope.LIVE_VIEW, permission=Permission.LIVE)
def get_snapshot(query: CameraQuery) -> Response:
    """Return the newest recorded frame of a camera."""
    ctx = context()
    camera = ctx.chosen_camera(query.camera)
    taken = newest_jpeg(ctx, camera.id)
    return _picture(taken.jpeg, taken.at_us, f"/api/v1/cameras/{camera.id}/snapshot.jpg")


@api.get("/annotated-snapshot", summary="The newest frame with its plates", deprecated=True, responses=_JPEG)
@needs(Scope.PLATES_READ, permission=Permission.LIVE)
def get_annotated_snapshot(query: CameraQuery) -> Response:
    """Return the newest frame, looked at for plates now: each is drawn, and ``X-Detections-Count`` says how many.

    ``X-Timestamp`` is when the frame was on the screen, seconds since 1970. Where no detector answers, what is drawn
    are the reads of the last seconds.
    """
    ctx = context()
    camera = ctx.chosen_camera(query.camera)
    taken = newest_jpeg(ctx, camera.id)
    region = plate_region(ctx.core.settings.values, camera_settings(camera.settings))
    marks, width = asked_marks(ctx, taken.jpeg, camera.id, region), taken.width
    if marks is None:
        reads = newest_reads(ctx.plates, camera.id, taken.at_us)
        marks, width = marks_of(reads), reads[0].picture_width if reads else 0
    answer = _picture(draw_marks(taken.jpeg, marks, width), taken.at_us, f"/api/v1/cameras/{camera.id}/snapshot.jpg")
    answer.headers["X-Detections-Count"] = str(len(marks))
    return answer


class _LatestMarks:
    """Draws the newest reads of a camera into its pictures; asks the index twice a second, however many there are."""

    def __init__(self, ctx: Context, camera: str, plates: PlateReader) -> None:
        self._ctx, self._camera, self._plates = ctx, camera, plates
        self._marks: list[Mark] = []
        self._width = 0
        self._asked_us: int | None = None

    def draw(self, jpeg: bytes) -> bytes:
        now = self._ctx.core.clock.monotonic_us()
        if self._asked_us is None or now - self._asked_us > _AGAIN_US:
            self._asked_us = now
            try:
                reads = newest_reads(self._plates, self._camera, self._ctx.core.clock.now_us())
            except GatehouseError as error:  # the picture is worth more than its boxes: the last ones will do
                log.debug("what was read is not known", camera=self._camera, reason=error.message)
            else:
                self._marks, self._width = marks_of(reads), reads[0].picture_width if reads else 0
        return draw_marks(jpeg, self._marks, self._width)


def _picture(jpeg: bytes, at_us: int, successor: str) -> Response:
    answer = Response(jpeg, content_type="image/jpeg")
    answer.headers["X-Timestamp"] = f"{at_us / SECOND:.6f}"
    answer.headers["Cache-Control"] = "no-store"
    return deprecate(answer, successor)

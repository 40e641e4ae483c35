"""``/api/v1/footage``: a range of a camera as one exact file."""

from __future__ import annotations

import json
from typing import Literal

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from gatehouse_api.context import context
from gatehouse_api.delivery import deliver
from gatehouse_api.problems import RangeNotRecorded
from gatehouse_api.routes.models import FootageQuery
from gatehouse_api.times import check_length, clamp_to_now, parse_range, request_zone
from gatehouse_common.errors import NotFound
from gatehouse_common.intervals import Interval
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.slicing import Slice, slice_footage, smart_slice, split_footage
from gatehouse_common.timefmt import rfc3339

api = APIBlueprint("footage", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Footage")])


@api.get("/footage", summary="A range of footage as one exact MP4", responses={200: {"content": {"video/mp4": {}}}})
def get_footage(query: FootageQuery) -> Response:
    """Return the footage of ``[from, to)``: first frame, last frame and length exact.

    ``X-Footage-Start`` and ``X-Footage-End`` tell what the file covers, ``X-Footage-Gaps`` what is missing in the
    range as ``[[from, to], ...]``. ``to`` in the future means up to now; such answers are not cached.
    """
    ctx = context()
    camera = query.camera or ctx.default_camera()
    if camera is None:
        raise NotFound("no camera is configured")
    ctx.cameras.get(camera)
    wanted = parse_range(query.from_, query.to, request_zone(query.tz))
    return answer(camera, wanted, query.cut, query.gaps, download=query.download)


def answer(
    camera: str,
    wanted: Interval,
    cut: Literal["exact", "smart"] = "exact",
    gaps: Literal["keep", "skip", "split"] = "keep",
    *,
    download: bool = True,
) -> Response:
    """Return the answer for a range of a camera.

    Raises:
        NotFound: nothing of it is recorded; the sentence names the nearest footage.
        TooLarge: the range is longer than one answer may be.
    """
    ctx = context()
    check_length(wanted)
    try:
        clamped, moved = clamp_to_now(wanted)
        found = ctx.library.find(camera, clamped.start, clamped.end)
        piece = _slice(camera, found.media, clamped, cut, gaps)
    except NotFound as error:
        raise not_recorded(camera, wanted, error) from error
    extension = "tar" if gaps == "split" else "mp4"
    stamp = rfc3339(piece.start_us).replace(":", "").replace("-", "")
    name = f"{camera}_{stamp}.{extension}" if download else None
    response = deliver(piece.file, ctx.reader, sealed=found.sealed and not moved, name=name)
    response.headers["X-Footage-Start"] = rfc3339(piece.start_us)
    response.headers["X-Footage-End"] = rfc3339(piece.end_us)
    response.headers["X-Footage-Frames"] = str(piece.frames)
    response.headers["X-Footage-Gaps"] = json.dumps([[rfc3339(g.start), rfc3339(g.end)] for g in piece.gaps])
    if piece.codec_changes:
        response.headers["X-Footage-Codec-Changes"] = json.dumps(
            [[rfc3339(c.at_us), c.codec] for c in piece.codec_changes]
        )
    return response


def _slice(camera: str, media: tuple[ChunkMedia, ...], wanted: Interval, cut: str, gaps: str) -> Slice:
    if gaps == "split":
        reader = context().core.media if cut == "smart" else None
        return split_footage(media, wanted.start, wanted.end, camera, reader)
    kind: Literal["keep", "skip"] = "skip" if gaps == "skip" else "keep"
    if cut == "smart":
        return smart_slice(media, wanted.start, wanted.end, context().core.media, gaps=kind)
    return slice_footage(media, wanted.start, wanted.end, gaps=kind)


def not_recorded(camera: str, wanted: Interval, error: NotFound) -> RangeNotRecorded:
    """Return the error for a range of which nothing is recorded."""
    before, after = context().footage.nearest(camera, wanted.start)
    return RangeNotRecorded(error.message, before if before is not None and before <= wanted.start else None, after)

"""``/api/v1/footage``: a range of a camera as one exact file."""

from __future__ import annotations

import json
from typing import Literal

from flask import Response
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.delivery import convert, deliver
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.problems import RangeNotRecorded
from gatehouse_api.routes.models import FootageQuery
from gatehouse_api.times import check_conversion, check_length, clamp, parse_range, request_zone
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.errors import Forbidden, InvalidInput, NotFound
from gatehouse_common.intervals import Interval
from gatehouse_common.media.conversion import Target, check_copied, find_target
from gatehouse_common.media.samples import ChunkMedia
from gatehouse_common.media.slicing import Slice, slice_footage, smart_slice, split_footage
from gatehouse_common.timefmt import rfc3339

api = Routes("footage", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Footage")])


_CONTENT: dict[str, dict[str, str]] = {kind: {} for kind in ("video/mp4", "video/webm", "video/x-matroska")}


@api.get("/footage", summary="A range of footage as one exact file", responses={200: {"content": _CONTENT}})
@needs(Scope.FOOTAGE_READ, permission=Permission.PLAYBACK)
def get_footage(query: FootageQuery) -> Response:
    """Return the footage of ``[from, to)``: first frame, last frame and length exact.

    ``X-Footage-Start`` and ``X-Footage-End`` tell what the file covers, ``X-Footage-Gaps`` what is missing in the
    range as ``[[from, to], ...]``. ``to`` in the future means up to now; such answers are not cached.

    MP4 is what was recorded, with a length, a tag and ranges. Other formats, and ``codec=h264``, are made while they
    are sent: without a length, so many at once (503), and not of any length (413). In ``webm`` and ``h264`` there is
    no picture from outside of the range. ``mkv`` begins with the first picture too; at its end, with a camera that
    sends B-frames, up to a few stand that others need to be decoded: they are after ``X-Footage-End``.
    """
    ctx = context()
    camera = query.camera or ctx.default_camera()
    if camera is None:
        raise NotFound("no camera is configured")
    ctx.cameras.get(camera)
    wanted = parse_range(query.from_, query.to, request_zone(query.tz))
    target = find_target(query.format, query.codec)
    return answer(camera, wanted, query.cut, query.gaps, target, download=query.download)


def answer(
    camera: str,
    wanted: Interval,
    cut: Literal["exact", "smart"] = "exact",
    gaps: Literal["keep", "skip", "split"] = "keep",
    target: Target | None = None,
    *,
    download: bool = True,
) -> Response:
    """Return the answer for a range of a camera; ``target`` is what to make of it, if anything.

    Raises:
        Forbidden: to take it away, or to have it converted, needs a permission that was not granted with the camera.
        InvalidInput: gaps cannot be split in that format.
        Unavailable: as many files of other formats are being made as may.
        NotFound: nothing of it is recorded; the sentence names the nearest footage.
        TooLarge: the range is longer than one answer may be.
    """
    ctx = context()
    if (download or target is not None) and not caller().sees(camera, Permission.EXPORT):
        raise Forbidden("this camera was granted without export: its footage can be played (download=false), as MP4.")
    check_length(wanted)
    if target is not None:
        check_conversion(wanted)
        if gaps == "split":
            raise InvalidInput("gaps=split makes MP4 only: use gaps=keep or gaps=skip", "gaps")
        # Matroska can hide nothing; and what is decoded anyway needs no cut that encodes.
        cut = "smart" if target.copies else "exact"
    try:
        clamped, moved = clamp(camera, wanted)
        found = ctx.library.find(camera, clamped.start, clamped.end)
        piece = _slice(camera, found.media, clamped, cut, gaps)
    except NotFound as error:
        raise not_recorded(camera, wanted, error) from error
    if target is not None:
        check_copied(target, piece)
    extension = "tar" if gaps == "split" else target.extension if target else "mp4"
    stamp = rfc3339(piece.start_us).replace(":", "").replace("-", "")
    name = f"{camera}_{stamp}.{extension}" if download else None
    if target is None:
        response = deliver(piece.file, ctx.reader, sealed=found.sealed and not moved, name=name)
    else:
        response = convert(piece.file, ctx, target, name)
    _describe(response, piece)
    return response


def find(camera: str, wanted: Interval) -> None:
    """Return if something of a range is recorded, and there for whoever asks.

    Raises:
        NotFound: nothing is; the sentence names the nearest footage.
    """
    try:
        clamped, _ = clamp(camera, wanted)
        if not context().library.find(camera, clamped.start, clamped.end).media:
            raise NotFound("nothing of this range is recorded")
    except NotFound as error:
        raise not_recorded(camera, wanted, error) from error


def _describe(response: Response, piece: Slice) -> None:
    """Say in the headers what the file holds."""
    response.headers["X-Footage-Start"] = rfc3339(piece.start_us)
    response.headers["X-Footage-End"] = rfc3339(piece.end_us)
    response.headers["X-Footage-Frames"] = str(piece.frames)
    response.headers["X-Footage-Gaps"] = json.dumps([[rfc3339(g.start), rfc3339(g.end)] for g in piece.gaps])
    if piece.codec_changes:
        response.headers["X-Footage-Codec-Changes"] = json.dumps(
            [[rfc3339(c.at_us), c.codec] for c in piece.codec_changes]
        )


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
    ctx = context()
    since = caller().earliest_us(camera, ctx.core.clock.now_us())
    at = wanted.start if since is None else max(wanted.start, since)
    before, after = ctx.footage.nearest(camera, at)
    if before is not None and before > at > wanted.start:  # what there is for who asks begins in the middle of footage
        return RangeNotRecorded(error.message, None, at)
    earlier = before is not None and before <= wanted.start and (since is None or before > since)
    return RangeNotRecorded(error.message, before if earlier else None, after)

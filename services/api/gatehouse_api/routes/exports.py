"""``/api/v1/cameras/{camera}/export``: footage that others can verify."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.context import context
from gatehouse_api.delivery import deliver_once
from gatehouse_api.routes.footage import not_recorded
from gatehouse_api.routes.models import CameraPath, ExportQuery
from gatehouse_api.times import clamp, parse_range, request_zone
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import HOUR
from gatehouse_common.errors import NotFound, TooLarge
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.timefmt import rfc3339

api = APIBlueprint("exports", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Footage")])

_MOST_US = HOUR
"""The footage is read once before the first byte is sent: an hour of 4 Mbit/s takes some seconds."""
_CONTENT: dict[str, dict[str, str]] = {"application/zip": {}}


@api.get(
    "/cameras/<string:camera>/export",
    summary="A range of footage as a signed file that others can verify",
    responses={200: {"content": _CONTENT}},
)
@needs(Scope.FOOTAGE_EXPORT, permission=Permission.EXPORT)
def get_export(path: CameraPath, query: ExportQuery) -> Response:
    """Return a zip with the footage of ``[from, to)``, a manifest, and its Ed25519 signature.

    `gatehouse verify FILE.zip` verifies it, and the README in it says how openssl alone does. Each is made anew, with
    the time that it was made at, so there are no ranges of it and no tag. At most an hour; `gatehouse export` makes
    longer ones.
    """
    # The library that signs takes a twentieth of a second to load, which a start should not wait for.
    from gatehouse_common.integrity.export import describe_export  # noqa: PLC0415
    from gatehouse_common.integrity.signing import signing_key  # noqa: PLC0415

    ctx = context()
    wanted = parse_range(query.from_, query.to, request_zone(query.tz))
    if wanted.duration > _MOST_US:
        raise TooLarge("an export over HTTP holds at most 1 h: ask in parts, or use `gatehouse export`")
    ctx.cameras.get(path.camera)
    try:
        clamped, _ = clamp(path.camera, wanted)
        wanted = Interval(clamped.start, wanted.end)
        cut = slice_footage(ctx.library.find(path.camera, clamped.start, clamped.end).media, clamped.start, clamped.end)
    except NotFound as error:
        raise not_recorded(path.camera, wanted, error) from error
    stamp = rfc3339(cut.start_us).replace(":", "").replace("-", "")
    return deliver_once(
        lambda: describe_export(ctx.core, path.camera, wanted, cut, signing_key(ctx.core.settings)),
        ctx.reader,
        f"{path.camera}_{stamp}.zip",
        "application/zip",
    )

"""``/api/v1/cameras/{camera}/export`` and ``/api/v1/exports``: footage that others can verify, now or as a job."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller
from gatehouse_api.context import context
from gatehouse_api.delivery import deliver_once
from gatehouse_api.idempotency import once
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.export_models import ExportJobView, ExportRequest
from gatehouse_api.routes.footage import not_recorded
from gatehouse_api.routes.job_models import job_asked
from gatehouse_api.routes.models import CameraPath, ExportQuery
from gatehouse_api.times import clamp, parse_range, request_zone
from gatehouse_common.accounts import Permission, Scope
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import MediaExports
from gatehouse_common.errors import NotFound, TooLarge
from gatehouse_common.intervals import Interval
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.runtime import Core, tell_job
from gatehouse_common.storage import keys
from gatehouse_common.timefmt import compact, rfc3339

api = Routes("exports", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Footage")])

_MOST_US = HOUR
"""The footage is read once before the first byte is sent: an hour of 4 Mbit/s takes some seconds."""
_MOST_LATER_US = 24 * HOUR
"""What a job makes is written once; of each camera so much."""
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


@api.post("/exports", summary="Make a file of a range of one camera or several", responses={202: ExportJobView})
@needs(Scope.FOOTAGE_EXPORT, permission=Permission.EXPORT)
@once()
def ask_for_export(body: ExportRequest) -> tuple[Response, int, dict[str, str]]:
    """Ask for a file of footage: it is made in the background, and kept in the library of whoever asks.

    One camera is an MP4, cut to the frame; what is longer than one file may be, or of several cameras, is a ZIP of
    films with `contents.json`, which tells what is in it and what is missing. The answer's `media` is the number that
    the file has under `/api/v1/media`.
    """
    ctx, asks = context(), caller()
    wanted = parse_range(body.from_, body.to, request_zone(body.tz))
    if wanted.duration > _MOST_LATER_US:
        raise TooLarge("an export holds at most 24 h of each camera: ask in parts")
    now_us = ctx.core.clock.now_us()
    parts, missing, size = list[dict[str, object]](), dict[str, NotFound](), 0
    for camera in dict.fromkeys(body.cameras):
        ctx.cameras.get(camera)
        try:
            clamped, _ = clamp(camera, wanted)
            held = ctx.footage.find_chunks(camera, clamped.start, clamped.end)
            if not held and not any(one.start_us < clamped.end for one in ctx.footage.open_chunks(camera)):
                raise NotFound(f"nothing of camera {camera!r} is recorded then")
            size += sum(chunk.bytes for chunk in held)
        except NotFound as error:
            missing[camera] = not_recorded(camera, wanted, error)
            continue
        parts += _films(camera, clamped, round(ctx.core.settings.values.api.max_range_seconds * SECOND))
    if not parts:
        raise next(iter(missing.values()))
    ctx.uploads.quotas.check_room(asks.number, size)
    zipped = len(parts) + len(missing) > 1 or body.signed
    key = _signing_key(ctx.core) if body.signed else ""
    stamp = compact(wanted.start, ctx.core.zone)
    name = f"{body.cameras[0] if len(body.cameras) == 1 else 'cameras'}_{stamp}.{'zip' if zipped else 'mp4'}"
    _, job = MediaExports(ctx.core.db).ask(
        asks.number,
        asks.name,
        name,
        "application/zip" if zipped else "video/mp4",
        {"parts": parts, "gaps": body.gaps, "signed": body.signed, "missing": [*missing], "key": key},
        wanted.start,
        now_us,
        lambda number: keys.media_folder(asks.number, asks.name, number),
    )
    tell_job(ctx.core, job)
    return job_asked(job)


def _signing_key(core: Core) -> str:
    """Return the fingerprint of the key that exports are signed with; the first time it is made."""
    # The library that signs takes a twentieth of a second to load, which a start should not wait for.
    from gatehouse_common.integrity.signing import signing_key  # noqa: PLC0415

    return signing_key(core.settings).public.fingerprint


def _films(camera: str, span: Interval, most_us: int) -> list[dict[str, object]]:
    """Return a range of a camera as films, none longer than one file may be."""
    starts = range(span.start, span.end, most_us)
    return [{"camera": camera, "start_us": at, "end_us": min(at + most_us, span.end)} for at in starts]

"""The page of what an admin may change while Gatehouse runs; it needs no scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.auth.deeds import deed_of
from gatehouse_api.context import context
from gatehouse_api.forms import led_to, page, text, zones
from gatehouse_common.accounts import Scope
from gatehouse_common.clock import HOUR
from gatehouse_common.db import OF_NO_CAMERA, MediaTrash, SessionTrash
from gatehouse_common.errors import GatehouseError, InvalidInput
from gatehouse_common.settings.changeable import DEFAULT, PAGE, value_of
from gatehouse_common.storage import keys

pages = Blueprint("settings_pages", __name__)


_PATH = "sessions.path"


@dataclass(frozen=True, slots=True)
class _Field:
    """A setting on the page: its dotted name, what it is called, its unit if it is a number, and what it does."""

    name: str
    label: str
    unit: str
    about: str
    kind: Literal["number", "switch", "text", "zone"] = "number"
    longest: int = 60


_GROUPS = (
    (
        "Site",
        (
            _Field("site_name", "Name", "", "Above every page, so that one site is told from another.", "text"),
            _Field("timezone", "Time zone", "", "Of times and days on all pages, and in names of new files.", "zone"),
        ),
    ),
    (
        "Live picture",
        (
            _Field(
                "live.fps", "Pictures", "a second", "Of MJPEG live views, 0.2 to 15. Others show all that there are."
            ),
            _Field(
                "live.record_sessions",
                "Record all sessions",
                "",
                "Each viewing by who may record becomes a file.",
                "switch",
            ),
        ),
    ),
    (
        "Recordings by name",
        (
            _Field("sessions.total_seconds", "Total", "seconds", "Unless somebody writes another, 60 to 86400."),
            _Field("sessions.chunk_seconds", "Each file", "seconds", "Unless somebody writes another, 30 to 3600."),
            _Field(
                "sessions.trash_hours", "Trash", "hours", "So long deleted files can be taken back; 0: they cannot."
            ),
            _Field(
                _PATH,
                "Path below sessions/",
                "",
                "Of new files, also of viewings; others stay where they are. {date}, {time}, {camera} and {user} may "
                "be in it. {id} must be in its last part: the number in the log, or the recording’s own name.",
                "text",
                120,
            ),
        ),
    ),
    (
        "People",
        (_Field("auth.sign_up", "Sign-up", "", "People may ask to be let in; an admin lets them in.", "switch"),),
    ),
)
_FIELDS = {field.name: field for _, fields in _GROUPS for field in fields}


@pages.get("/settings")
@needs(Scope.SETTINGS_ADMIN)
def get_settings() -> BaseResponse:
    """Return the settings with their present values, and where each comes from."""
    return _settings()


@pages.get("/settings/saved")
@needs(Scope.SETTINGS_ADMIN)
def get_saved() -> BaseResponse:
    """Return the same, and say that what was changed is kept."""
    return _settings(done="The settings have been saved, and are in force.")


@pages.post("/settings")
@needs(Scope.SETTINGS_ADMIN)
def settings_save() -> BaseResponse:
    """Keep what was changed, or go back to the defaults; what is wrong is told beside its field."""
    ctx = context()
    written = {name: _written(one) for name, one in _FIELDS.items() if _is_sent(one)}
    is_reset = text("deed") == "reset"
    try:
        after = ctx.settings.at_start if is_reset else ctx.settings.check(written)
        if after.sessions.path != ctx.settings.values.sessions.path:
            _refuse_links(after.sessions.path)
        gone = _would_go(after.sessions.trash_hours)
        if gone and not text("sure"):
            return _settings({} if is_reset else written, gone=gone)
        changed = ctx.settings.reset() if is_reset else ctx.settings.save(written)
    except GatehouseError as error:
        return _settings(written, error)
    if changed:
        detail = {name: [old, new] for name, (old, new) in changed.items()}
        deed = deed_of(caller(), sender(), "settings.changed", "settings", detail)
        ctx.audit.write(deed, ctx.core.clock.now_us())
    return led_to("/settings/saved")


def _would_go(trash_hours: float) -> int:
    """Return how many files of the trash, recorded or uploaded, would be deleted at once for being kept less long."""
    core = context().core
    if trash_hours >= context().settings.values.sessions.trash_hours:
        return 0
    now_us = core.clock.now_us()
    before_us = now_us - round(trash_hours * HOUR)
    return SessionTrash(core.db).count(before_us, now_us) + MediaTrash(core.db).count(before_us, now_us)


def _refuse_links(path: str) -> None:
    """Refuse a place for files that leads elsewhere; the store refuses it again at each file.

    Raises:
        InvalidInput: a folder on the way is a symbolic link.
    """
    ctx = context()
    try:
        for camera in [camera.id for camera in ctx.cameras.list()] or [OF_NO_CAMERA]:
            ctx.core.store.local_path(_example(path, camera))
    except InvalidInput as error:
        raise InvalidInput(f"a folder on its way leads elsewhere: {error.message}", _PATH) from error


def _example(path: str, camera: str) -> str:
    """Return the key that the file of a viewing of a camera would have that began now, by whoever asks."""
    ctx, asks = context(), caller()
    now_us = ctx.core.clock.now_us()
    return keys.session(
        now_us, 1, ctx.core.zone, name="1", path=path, camera=camera, user=asks.number, user_name=asks.name
    )


def _written(one: _Field) -> str:
    return text(one.name).strip() if one.kind != "switch" else "on" if text(one.name) else "off"


def _is_sent(one: _Field) -> bool:
    """Whether a form says anything of a field: a switch that is off, or cannot be moved, is not sent by browsers."""
    return one.kind in {"switch", "number"} or one.name in request.form


def _settings(
    written: dict[str, str] | None = None, error: GatehouseError | None = None, done: str = "", gone: int = 0
) -> Response:
    ctx = context()
    field = error.field if isinstance(error, InvalidInput) and error.field in _FIELDS else ""
    cameras = ctx.cameras.list()
    groups = [(title, [_shown(one, written or {}) for one in fields]) for title, fields in _GROUPS]
    return page(
        "settings.html",
        (409 if gone else 200) if error is None else error.kind.status,
        gone=gone,
        is_reset=text("deed") == "reset",
        groups=groups,
        problem=error and error.message,
        field=field,
        done=done,
        example=_example(ctx.settings.values.sessions.path, cameras[0].id if cameras else OF_NO_CAMERA),
        store=ctx.core.settings.storage_root or "the bucket of the store",
        zones=zones(),
    )


def _shown(one: _Field, written: dict[str, str]) -> dict[str, Any]:
    """Return what is shown of a setting: its value, and who has a say in it."""
    settings = context().settings.settings
    value, source = value_of(settings, one.name), settings.sources[one.name]
    is_free = source in {DEFAULT, PAGE}
    kept = written.get(one.name) if is_free else None
    return {
        "name": one.name,
        "label": one.label,
        "unit": one.unit,
        "about": one.about,
        "kind": one.kind,
        "longest": one.longest,
        "is_on": value if kept is None else kept == "on",
        "value": f"{value:g}" if kept is None and one.kind == "number" else str(value) if kept is None else kept,
        "is_free": is_free,
        "source": {DEFAULT: "default", PAGE: "set here"}.get(source, f"set by {source}"),
    }

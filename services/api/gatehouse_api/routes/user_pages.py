"""The pages of users, and of what was done."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flask import Blueprint, Response, request
from pydantic import ValidationError
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.forms import check_twice, dated, led_to, page, text, told
from gatehouse_api.routes import audit, users
from gatehouse_api.routes.account_models import AuditQuery
from gatehouse_common.accounts import Grant, Permission, Role, Scope
from gatehouse_common.db import Entry
from gatehouse_common.errors import GatehouseError, InvalidInput
from gatehouse_common.timefmt import to_datetime

pages = Blueprint("user_pages", __name__)

_DONE = {
    "added": "The user has been added.",
    "changed": "The user has been changed.",
    "removed": "The user has been removed.",
}


@pages.get("/users")
@needs(Scope.USERS_ADMIN)
def get_users() -> BaseResponse:
    """Return all users, and a form to add one."""
    return _users()


@pages.post("/users")
@needs(Scope.USERS_ADMIN)
def post_user() -> BaseResponse:
    """Add a user."""
    try:
        role = _role()
        check_twice()
        everything = "all_cameras" in request.form
        context().user_desk.add(
            caller(),
            sender(),
            text("name"),
            role,
            text("password"),
            all_cameras=everything,
            grants=[] if everything else _grants(),
        )
    except GatehouseError as error:
        return _users(error)
    return led_to("/users?done=added")


@pages.post("/users/<user>")
@needs(Scope.USERS_ADMIN)
def post_change(user: str) -> BaseResponse:
    """Change a user: role, state, cameras, or its password; or remove it."""
    desk, deed = context().user_desk, text("deed")
    try:
        if deed == "remove":
            desk.remove(caller(), sender(), user)
            return led_to("/users?done=removed")
        if deed == "password":
            check_twice()
            desk.change(caller(), sender(), user, password=text("password"))
        elif deed in {"active", "disabled"}:
            desk.change(caller(), sender(), user, state=deed)
        elif deed == "access":
            desk.change(caller(), sender(), user, role=_role(), all_cameras="all_cameras" in request.form)
            desk.grant(caller(), sender(), user, _grants(context().doorkeeper.users.grants(user)))
        else:
            raise InvalidInput("there is no such button.", "deed")
    except GatehouseError as error:
        return _users(error)
    return led_to("/users?done=changed")


@pages.get("/audit")
@needs(Scope.AUDIT_READ)
def get_audit() -> BaseResponse:
    """Return what was done, the newest first, a page at a time."""
    zone = context().core.zone
    given = {name: value for name, value in request.args.items() if value}
    error: GatehouseError | None = None
    found: list[Entry] = []
    asked = AuditQuery(**{"from": None})
    try:
        asked = AuditQuery.model_validate(given)
        found = audit.find(asked, asked.cursor, asked.limit + 1)
    except ValidationError:
        error = InvalidInput("a filter cannot be read.")
    except GatehouseError as refused:
        error = refused
    shown = [
        {**audit.deed_view(entry).model_dump(), "at": to_datetime(entry.time_us, zone).strftime("%Y-%m-%d %H:%M:%S")}
        for entry in found[: asked.limit]
    ]
    more = shown[-1]["number"] if len(found) > asked.limit else None
    status = 200 if error is None else 400
    return page("audit.html", status, entries=shown, asked=asked, more=more, problem=error and error.message)


def _users(error: GatehouseError | None = None) -> Response:
    ctx = context()
    views = [users.user_view(user) for user in ctx.doorkeeper.users.list()]
    found = [
        {
            **dated(view.model_dump(), "created", "seen"),
            "may": {(grant.camera, permission) for grant in view.grants for permission in grant.permissions},
        }
        for view in views
    ]
    return page(
        "users.html",
        200 if error is None else error.kind.status,
        problem=None if error is None else error.message,
        done=told(_DONE),
        users=found,
        roles=list(Role),
        permissions=list(Permission),
        cameras=[camera.id for camera in ctx.cameras.list()],
    )


def _grants(before: Mapping[str, Grant] = MappingProxyType({})) -> list[Grant]:
    """Return the grants of a form whose boxes are named ``grant`` and say ``camera:permission``.

    Args:
        before: what was granted: the form does not say how far back, and that stays.
    """
    wanted: dict[str, list[str]] = {}
    for box in request.form.getlist("grant"):
        camera, _, permission = box.partition(":")
        wanted.setdefault(camera, []).append(permission)
    limits = {camera: grant.last_hours for camera, grant in before.items()}
    return [Grant.of(camera, permissions, limits.get(camera)) for camera, permissions in wanted.items()]


def _role() -> Role:
    try:
        return Role(text("role"))
    except ValueError as error:
        raise InvalidInput(f"there is no role {text('role')[:40]!r}.", "role") from error

"""``/api/v1/users``: who there is, in which role, and with which cameras."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, jsonify
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.idempotency import once
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.preconditions import conditional, seen_tags
from gatehouse_api.routes.account_models import (
    Grants,
    GrantView,
    NewUser,
    UserChange,
    UserList,
    UserPath,
    UserView,
)
from gatehouse_common.accounts import Grant, Scope
from gatehouse_common.db import User
from gatehouse_common.errors import InvalidInput
from gatehouse_common.timefmt import rfc3339

api = Routes("users", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Accounts")])


@api.get("/users", responses={200: UserList}, summary="All users")
@needs(Scope.USERS_ADMIN)
def get_users() -> Response:
    """Return users by name, those too who have signed up and wait to be let in."""
    found = [user_view(user) for user in context().doorkeeper.users.list()]
    return jsonify(UserList(items=found).model_dump())


@api.post("/users", responses={201: UserView}, summary="Add a user")
@needs(Scope.USERS_ADMIN)
@once()
def add_user(body: NewUser) -> tuple[Response, int, dict[str, str]]:
    """Add a user. Without a password it cannot log in."""
    user = context().user_desk.add(
        caller(),
        sender(),
        body.name,
        body.role,
        body.password,
        all_cameras=body.all_cameras,
        grants=read_grants(body.grants),
    )
    return _answer(user), 201, {"Location": f"/api/v1/users/{user.id}"}


@api.get("/users/<user>", responses={200: UserView}, summary="A user")
@needs(Scope.USERS_ADMIN)
def get_user(path: UserPath) -> Response:
    """Return a user. The `ETag` is for `If-Match` of a change."""
    return _answer(context().user_desk.get(path.user))


@api.patch("/users/<user>", responses={200: UserView}, summary="Change a user")
@needs(Scope.USERS_ADMIN)
@conditional
def change_user(path: UserPath, body: UserChange) -> Response:
    """Change what is given; with another password, role or state all sessions of the user end.

    With `If-Match` only if nobody changed it since; else 412.
    """
    ctx = context()
    values = {name: value for name, value in body.model_dump().items() if value is not None}
    if not values:
        raise InvalidInput("nothing to change is named.")
    return _answer(ctx.user_desk.change(caller(), sender(), path.user, seen=seen_tags(), **values))


@api.put("/users/<user>/grants", responses={200: UserView}, summary="Say with which cameras a user may do what")
@needs(Scope.USERS_ADMIN)
@conditional
def put_grants(path: UserPath, body: Grants) -> Response:
    """Put grants in place of those that a user has. They matter while `all_cameras` is off."""
    grants = read_grants(body.grants)
    return _answer(context().user_desk.grant(caller(), sender(), path.user, grants, seen=seen_tags()))


@api.delete("/users/<user>", responses={204: None}, summary="Remove a user; what it did stays on record")
@needs(Scope.USERS_ADMIN)
@conditional
def remove_user(path: UserPath) -> tuple[str, int]:
    """Remove a user: its sessions and tokens end, its name is free again. The last admin stays: 409."""
    context().user_desk.remove(caller(), sender(), path.user, seen=seen_tags())
    return "", 204


def read_grants(given: Iterable[GrantView]) -> list[Grant]:
    """Return grants as they were written.

    Raises:
        InvalidInput: a camera is no slug.
    """
    return [Grant.of(one.camera, [p.value for p in one.permissions], one.last_hours) for one in given]


def user_view(user: User) -> UserView:
    """Return a user as answers show it."""
    grants = context().doorkeeper.users.grants(user.id)
    return UserView(
        id=user.id,
        number=user.number,
        name=user.name,
        role=user.role,
        state=user.state,
        all_cameras=user.all_cameras,
        grants=[
            GrantView(camera=g.camera, permissions=sorted(g.permissions), last_hours=g.last_hours)
            for g in grants.values()
        ],
        has_password=user.password is not None,
        created=rfc3339(user.created_us),
        seen=None if user.seen_us is None else rfc3339(user.seen_us),
    )


def _answer(user: User) -> Response:
    answer = jsonify(user_view(user).model_dump())
    answer.set_etag(user.tag)
    return answer

"""The routes of an older recorder by which people sign up and log in: by the rules of every other way to do so."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_openapi3 import Tag

from gatehouse_api.auth.access import open_to_all
from gatehouse_api.auth.caller import sender
from gatehouse_api.context import context
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes import auth
from gatehouse_api.routes.compat_s0_bodies import name_in, read_body, told, user_view
from gatehouse_common.errors import InvalidInput, Unauthenticated

_MOST_PASSWORD = 1024

api = Routes("compat_s0_accounts", __name__, url_prefix="/api/users", abp_tags=[Tag(name="Compatibility")])


@api.post("/register", summary="Ask to be let in", deprecated=True)
@open_to_all
def register() -> Response:
    """Add a user whom an admin has to let in; with `auth.sign_up` off this is 403."""
    body = read_body()
    user = context().login_desk.sign_up(name_in(body), _password(body), sender())
    return told({"message": "User registered successfully", "user": user_view(user), "state": user.state}, 201)


@api.post("/login", summary="Begin a session", deprecated=True)
@open_to_all
def log_in() -> Response:
    """Say who logged in, and give a cookie by which they are known. Programs rather show a token."""
    body = read_body()
    name, ctx = name_in(body), context()
    cookie = ctx.login_desk.log_in(name, _password(body), sender())
    user = ctx.doorkeeper.users.named(name)
    if user is None:
        raise Unauthenticated("the user was removed meanwhile.")
    return auth.begun(cookie, told({"message": "Login successful", "user": user_view(user)}))


def _password(body: dict[str, Any]) -> str:
    """Return the password that was sent; no error says it again.

    Raises:
        InvalidInput: there is none, or it is longer than any that is taken.
    """
    found = body.get("password", "")
    if not isinstance(found, str) or not found:
        raise InvalidInput("password is required", "password")
    if len(found) > _MOST_PASSWORD:
        raise InvalidInput(f"password is longer than {_MOST_PASSWORD} characters", "password")
    return found

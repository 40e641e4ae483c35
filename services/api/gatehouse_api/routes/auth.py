"""``/api/v1/auth``: the first user, log-in and log-out, who asks, and sessions."""

from __future__ import annotations

from flask import Response, jsonify, request
from flask_openapi3 import Tag

from gatehouse_api.auth.access import in_person, known, open_to_all
from gatehouse_api.auth.caller import caller, is_local, known_caller, sender
from gatehouse_api.auth.cookies import clear_cookie, set_cookie
from gatehouse_api.context import context
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.routes.account_models import (
    Credentials,
    FirstUser,
    MeView,
    NewPassword,
    SessionList,
    SessionPath,
    SessionView,
    SignedUp,
)
from gatehouse_common.accounts import Scope
from gatehouse_common.timefmt import rfc3339

_DAY_S = 24 * 3600.0

api = Routes("auth", __name__, url_prefix="/api/v1/auth", abp_tags=[Tag(name="Accounts")])


@api.post("/setup", responses={204: None}, summary="Make the first user, and log in")
@open_to_all
def set_up(body: FirstUser) -> Response:
    """Make the first user, an admin. Later this is 409."""
    ctx = context()
    trusted = is_local(ctx.core.settings.values.api)
    return begun(ctx.login_desk.set_up(body.name, body.password, body.token, sender(), trusted=trusted))


@api.post("/login", responses={204: None}, summary="Begin a session")
@open_to_all
def log_in(body: Credentials) -> Response:
    """Give the browser a cookie by which it is known. Programs rather show a token."""
    return begun(context().login_desk.log_in(body.name, body.password, sender()))


@api.post("/signup", responses={202: SignedUp}, summary="Ask to be let in")
@open_to_all
def sign_up(body: Credentials) -> tuple[Response, int]:
    """Add a user whom an admin has to let in; with `auth.sign_up` off this is 403."""
    context().login_desk.sign_up(body.name, body.password, sender())
    return jsonify(SignedUp().model_dump()), 202


@api.post("/logout", responses={204: None}, summary="End the session")
@open_to_all
def log_out() -> Response:
    """End the session of the cookie; without one nothing changes."""
    return ended()


@api.get("/me", responses={200: MeView}, summary="Who asks, and what that allows")
@known
def get_me() -> Response:
    """Return who asks."""
    asks, visible = caller(), caller().cameras()
    body = MeView(
        mode=context().core.settings.values.auth.mode,
        id=asks.user,
        name=asks.name,
        role=asks.role,
        scopes=[scope for scope in Scope if asks.may(scope)],
        cameras=None if visible is None else sorted(visible),
        token=asks.token,
    )
    return jsonify(body.model_dump())


@api.put("/password", responses={204: None}, summary="Choose another password")
@in_person
def change_password(body: NewPassword) -> Response:
    """Change the password of whoever asks. All other sessions end, and this one begins anew."""
    return begun(context().login_desk.change_password(caller(), body.current, body.password, sender()))


@api.get("/sessions", responses={200: SessionList}, summary="The sessions of whoever asks")
@in_person
def get_sessions() -> Response:
    """Return the sessions that go on, the newest first."""
    return jsonify(SessionList(items=sessions()).model_dump())


@api.delete("/sessions/<session>", responses={204: None}, summary="End a session")
@in_person
def end_session(path: SessionPath) -> tuple[str, int]:
    """End a session of whoever asks."""
    context().user_desk.end_session(caller(), sender(), path.session)
    return "", 204


@api.delete("/sessions", responses={204: None}, summary="End all other sessions")
@in_person
def end_sessions() -> tuple[str, int]:
    """End all sessions of whoever asks but the one that asks."""
    asks = caller()
    if asks.user:
        context().user_desk.end_sessions(asks, sender(), asks.user)
    return "", 204


def begun(cookie: str, answer: Response | None = None) -> Response:
    """Return an answer that gives the browser a session."""
    given = answer or Response(status=204)
    set_cookie(given, request, cookie, context().core.settings.values.auth.session_days * _DAY_S)
    return given


def ended(answer: Response | None = None) -> Response:
    """End the session of whoever asks; return an answer that takes the cookie away."""
    given, asks = answer or Response(status=204), known_caller()
    if asks is not None:
        context().login_desk.log_out(asks, sender())
    clear_cookie(given, request)
    return given


def sessions() -> list[SessionView]:
    """Return the sessions of whoever asks, the newest first."""
    asks = caller()
    return [
        SessionView(
            id=one.id,
            created=rfc3339(one.created_us),
            seen=rfc3339(one.seen_us),
            ends=rfc3339(one.ends_us),
            address=one.address,
            agent=one.agent,
            current=one.digest == asks.session,
        )
        for one in context().user_desk.sessions(asks.user)
    ]

"""The page of what whoever asks has: sessions, tokens, a password."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import in_person
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.auth.user_desk import TokenOrder
from gatehouse_api.context import context
from gatehouse_api.forms import check_twice, dated, led_to, number, page, text, told
from gatehouse_api.routes import auth, links, tokens
from gatehouse_common.accounts import Permission, Scope, parse_scopes
from gatehouse_common.clock import HOUR
from gatehouse_common.db import ShareLink
from gatehouse_common.errors import GatehouseError
from gatehouse_common.timefmt import to_datetime

pages = Blueprint("account_pages", __name__)

_MOST_LINKS = 100
_DONE = {
    "password": "The password has been changed; all other sessions have ended.",
    "sessions": "The sessions have ended.",
    "revoked": "The token has been revoked.",
    "link": "The link shows nothing any more.",
}


@pages.get("/account")
@in_person
def get_account() -> BaseResponse:
    """Return what whoever asks has: sessions, tokens, a password to change."""
    return _account()


@pages.post("/account/password")
@in_person
def post_password() -> BaseResponse:
    """Change the password."""
    try:
        check_twice()
        cookie = context().login_desk.change_password(caller(), text("current"), text("password"), sender())
    except GatehouseError as error:
        return _account(error)
    return auth.begun(cookie, led_to("/account?done=password"))


@pages.post("/account/sessions/end")
@in_person
def post_sessions() -> BaseResponse:
    """End one session, or all others."""
    session = text("session")
    try:
        if session:
            context().user_desk.end_session(caller(), sender(), session)
        else:
            context().user_desk.end_sessions(caller(), sender(), caller().user)
    except GatehouseError as error:
        return _account(error)
    return led_to("/account?done=sessions")


@pages.post("/account/tokens")
@in_person
def post_token() -> BaseResponse:
    """Make a token, and show it this once."""
    ctx = context()
    try:
        days = number("days")
        expires = None if days is None else ctx.core.clock.now_us() + round(days * 24 * HOUR)
        order = TokenOrder(text("name"), parse_scopes(request.form.getlist("scope")), expires_us=expires)
        made = ctx.user_desk.make_token(caller(), sender(), order)
    except GatehouseError as error:
        return _account(error)
    answer = _account(made=made.text)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.post("/account/links/revoke")
@in_person
def post_link() -> BaseResponse:
    """Revoke a link."""
    try:
        links.revoke(text("link"))
    except GatehouseError as error:
        return _account(error)
    return led_to("/account?done=link")


@pages.post("/account/tokens/revoke")
@in_person
def post_revoke() -> BaseResponse:
    """Revoke a token."""
    try:
        context().user_desk.revoke_token(caller(), sender(), text("token"))
    except GatehouseError as error:
        return _account(error)
    return led_to("/account?done=revoked")


def _link(link: ShareLink) -> dict[str, object]:
    zone, now_us = context().core.zone, context().core.clock.now_us()
    shown = dated(links.link_view(link).model_dump(), "expires", "revoked")
    began, ends = (to_datetime(at, zone).strftime("%Y-%m-%d %H:%M:%S") for at in (link.start_us, link.end_us))
    return {**shown, "began": began, "ends": ends, "alive": link.revoked_us is None and link.expires_us > now_us}


def _account(error: GatehouseError | None = None, made: str = "") -> Response:
    asks = caller()
    return page(
        "account.html",
        200 if error is None else error.kind.status,
        problem=None if error is None else error.message,
        done=told(_DONE),
        made=made,
        me=asks,
        scopes=[scope for scope in Scope if asks.may(scope)],
        sessions=[dated(one.model_dump(), "created", "seen") for one in auth.sessions()],
        tokens=[
            dated(tokens.token_view(one).model_dump(), "created", "expires", "used", "revoked")
            for one in context().user_desk.tokens(asks)
        ],
        links=[
            _link(link) for link in context().links.list(asks.user, context().visible(Permission.EXPORT))[:_MOST_LINKS]
        ],
        is_open=context().doorkeeper.is_open,
    )

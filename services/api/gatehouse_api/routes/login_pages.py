"""The pages by which people come in: the first user of all, log-in, and asking to be let in."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import open_to_all
from gatehouse_api.auth.caller import is_local, known_caller, sender
from gatehouse_api.context import context
from gatehouse_api.forms import check_twice, led_to, page, text
from gatehouse_api.routes import auth
from gatehouse_common.errors import GatehouseError, TooOften

pages = Blueprint("login_pages", __name__)


@pages.get("/login")
@open_to_all
def get_login() -> BaseResponse:
    """Return the page to log in; who is logged in is led on, and where there is nobody yet, to the first user."""
    keeper = context().doorkeeper
    if known_caller() is not None:
        return redirect(_next(), 303)
    if not keeper.users.any():
        return redirect("/setup", 303)
    return page("login.html", next=_next(), name="", sign_up=context().settings.values.auth.sign_up)


@pages.post("/login")
@open_to_all
def post_login() -> BaseResponse:
    """Begin a session, and lead on."""
    ctx, name = context(), text("name")
    try:
        cookie = ctx.login_desk.log_in(name, text("password"), sender())
    except GatehouseError as error:
        values = {"next": _next(), "name": name, "sign_up": ctx.settings.values.auth.sign_up}
        return _refused("login.html", error, **values)
    return auth.begun(cookie, led_to(_next()))


@pages.post("/logout")
@open_to_all
def post_logout() -> BaseResponse:
    """End the session."""
    return auth.ended(led_to("/login"))


@pages.get("/setup")
@open_to_all
def get_setup() -> BaseResponse:
    """Return the page on which the first user is made, while there is none."""
    ctx = context()
    if ctx.doorkeeper.users.any() or ctx.doorkeeper.is_open:
        return redirect("/", 303)
    return page("setup.html", name="", needs_token=not is_local(ctx.core.settings.values.api))


@pages.post("/setup")
@open_to_all
def post_setup() -> BaseResponse:
    """Make the first user, log in, and lead on."""
    ctx, name = context(), text("name")
    local = is_local(ctx.core.settings.values.api)
    try:
        check_twice()
        cookie = ctx.login_desk.set_up(name, text("password"), text("token"), sender(), trusted=local)
    except GatehouseError as error:
        return _refused("setup.html", error, name=name, needs_token=not local)
    return auth.begun(cookie, led_to("/"))


@pages.get("/signup")
@open_to_all
def get_signup() -> BaseResponse:
    """Return the page on which people ask to be let in, if they may."""
    if not context().settings.values.auth.sign_up:
        return redirect("/login", 303)
    return page("signup.html", name="", done=request.args.get("done") == "signed-up")


@pages.post("/signup")
@open_to_all
def post_signup() -> BaseResponse:
    """Add a user whom an admin has to let in."""
    name = text("name")
    try:
        check_twice()
        context().login_desk.sign_up(name, text("password"), sender())
    except GatehouseError as error:
        return _refused("signup.html", error, name=name, done=False)
    return led_to("/signup?done=signed-up")


def _next() -> str:
    """Return where to go on to: a page of ours, whatever the link said."""
    wanted = request.values.get("next", "/")
    ours = wanted.startswith("/") and not wanted.startswith("//") and wanted.isprintable() and "\\" not in wanted
    return wanted if ours else "/"


def _refused(template: str, error: GatehouseError, **values: object) -> Response:
    answer = page(template, error.kind.status, problem=error.message, **values)
    if isinstance(error, TooOften):
        answer.headers["Retry-After"] = str(round(error.after_s + 0.5))
    return answer

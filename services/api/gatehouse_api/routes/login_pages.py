"""The pages by which people come in: the first user of all, log-in, and asking to be let in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import open_to_all
from gatehouse_api.auth.caller import is_local, known_caller, sender
from gatehouse_api.context import context
from gatehouse_api.first_camera import add_first_camera, read_first_camera
from gatehouse_api.first_site import fixed_elsewhere, keep_first_site, read_first_site
from gatehouse_api.forms import check_twice, led_to, page, text, zones
from gatehouse_api.routes import auth
from gatehouse_common.errors import GatehouseError, TooOften
from gatehouse_common.sizefmt import shown_size

pages = Blueprint("login_pages", __name__)

_A_DAY_BYTES = 86_400 * 3_000_000 / 8
"""What a camera of 3 Mbit/s sends in a day."""


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
    return page("setup.html", name="", camera="", **_place(local=is_local(ctx.core.settings.values.api)), **_site())


@pages.post("/setup")
@open_to_all
def post_setup() -> BaseResponse:
    """Make the first user, log in, keep what the site is, add the first camera if one is named, and lead on to it."""
    ctx, name = context(), text("name")
    local = is_local(ctx.core.settings.values.api)
    try:
        check_twice()
        site = read_first_site(ctx, text("site_name"), text("timezone"), sign_up=bool(text("sign_up")))
        camera = read_first_camera(text("camera"), text("camera_url"))
        cookie = ctx.login_desk.set_up(name, text("password"), text("token"), sender(), trusted=local)
    except GatehouseError as error:
        shown = {**_place(local=local), **_site(written=True)}
        return _refused("setup.html", error, name=name, camera=text("camera"), **shown)
    keep_first_site(ctx, site, name.strip(), sender())
    if camera is not None:
        add_first_camera(ctx, camera, name.strip(), sender())
    return auth.begun(cookie, led_to("/" if camera is None else f"/timeline?camera={camera.id}"))


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


def _place(*, local: bool) -> dict[str, Any]:
    """Return what the page of the first user says of this machine; strangers are not told where its disks are."""
    core = context().core
    room = core.store.capacity() if local else None
    return {
        "needs_token": not local,
        "folder": str(core.settings.storage_root or "") if local else "",
        "free": "" if room is None else shown_size(room.free),
        "days": 0 if room is None else int(room.free / _A_DAY_BYTES),
    }


def _site(*, written: bool = False) -> dict[str, Any]:
    """Return what the page of the first user says of the site: what was written, else what is in force."""
    values = context().settings.values
    site = {"name": values.site_name, "zone": values.timezone, "sign_up": values.auth.sign_up, "written": written}
    if written:
        told = {"name": text("site_name"), "zone": text("timezone")[:60] or values.timezone}
        site |= {**told, "sign_up": bool(text("sign_up"))}
    return {"site": site, "zones": zones(), "fixed": fixed_elsewhere(context())}


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

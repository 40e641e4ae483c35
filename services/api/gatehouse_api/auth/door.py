"""Asks each request who sends it and whether they may, before a route does anything."""

from __future__ import annotations

from urllib.parse import quote

from flask import Flask, Response, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.problems import wants_page
from gatehouse_common.accounts import Principal, Scope
from gatehouse_common.errors import Forbidden, Unauthenticated, Unavailable

from .access import Access, access_of
from .doorkeeper import Doorkeeper

_OF_NOBODY = frozenset({"static", "pages.get_icon", "system.get_livez"})
"""They are the same for everybody, and for these nobody is looked up: the index may be away."""
_OPEN = Access(frozenset())
_REFERENCE = Access(frozenset({Scope.CAMERAS_READ, Scope.UPLOADS_WRITE}))
_REFERENCE_PARTS = ("openapi.", "scalar.")


def install_door(app: Flask, keeper: Doorkeeper) -> None:
    """Let no request pass that may not."""

    @app.before_request
    def ask() -> BaseResponse | None:
        g.principal, g.permission = None, None
        if request.endpoint is None:  # there is no such route, or not for this method: that much anybody may know
            g.principal = _for_page(keeper)
            return None
        wanted = rule_of(app, request.endpoint)
        if wanted is None:
            raise Forbidden("this route does not say who may call it.")
        if request.endpoint in _OF_NOBODY:
            return None
        asks = _known(keeper, wanted)
        g.principal, g.permission = asks, wanted.permission
        if not wanted.scopes:
            return None
        if asks is None:
            return _ask_to_log_in(keeper)
        if wanted.in_person and asks.token:
            raise Forbidden("a token does not do for this: log in.")
        if not any(asks.may(scope) for scope in wanted.scopes):
            needed = " or ".join(sorted(wanted.scopes))
            raise Forbidden(
                f"this needs {needed}, which {asks.name!r} may not" + (" by this token." if asks.token else ".")
            )
        return None

    @app.after_request
    def keep_private(answer: Response) -> Response:
        """What is for one of them must not be kept for another by whatever is between."""
        if not keeper.is_open and g.get("principal") is not None:
            if answer.mimetype == "text/html":  # not for Back either, once somebody has logged out
                answer.headers["Cache-Control"] = "private, no-store"
            answer.headers.setdefault("Cache-Control", "private, no-cache")
            answer.vary.update(("Cookie", "Authorization", "X-API-Key"))
        return answer


def rule_of(app: Flask, endpoint: str) -> Access | None:
    """Return what a route asks for, None if it does not say; files of pages, and the reference's viewer, cannot."""
    if endpoint == "static":
        return _OPEN
    return _REFERENCE if endpoint.startswith(_REFERENCE_PARTS) else access_of(app.view_functions[endpoint])


def _known(keeper: Doorkeeper, wanted: Access) -> Principal | None:
    """Return who asks; where that does not matter, a token that is not good does not either."""
    try:
        return keeper.find(request, by_cookie=not g.get("is_guest", False))
    except (Unauthenticated, Unavailable):
        if wanted.scopes:
            raise
        return None


def _for_page(keeper: Doorkeeper) -> Principal | None:
    """Return who asks for a page that is not there: whoever is logged in is not to be asked to log in."""
    return _known(keeper, _OPEN) if wants_page() else None


def _ask_to_log_in(keeper: Doorkeeper) -> BaseResponse:
    """Send a person to the page for it, and tell programs.

    Raises:
        Unauthenticated: a program asks.
    """
    if not wants_page():
        raise Unauthenticated("log in, or show a token: as `Authorization: Bearer`, `X-API-Key`, or Basic's password.")
    if keeper.is_by_proxy:
        raise Unauthenticated("the proxy before this server names nobody: log in there.")
    page = "/login" if keeper.users.any() else "/setup"
    then = request.full_path if request.query_string else request.path
    return redirect(f"{page}?next={quote(then, safe='')}", 303)

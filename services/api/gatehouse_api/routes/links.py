"""``/api/v1/links`` and ``/s/``: a range of a camera for somebody without an account, for a while."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from flask import Response, g, jsonify, make_response, render_template, request
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs, open_to_all
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.auth.witness import Lately
from gatehouse_api.context import context
from gatehouse_api.idempotency import once
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.preconditions import conditional, seen_tags
from gatehouse_api.routes import footage
from gatehouse_api.routes.link_models import LinkList, LinkPath, LinkView, MadeLink, NewLink, SharedPath
from gatehouse_api.times import check_length, parse_range, request_zone
from gatehouse_common.accounts import ROLE_SCOPES, Grant, Permission, Principal, Role, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Deed, ShareLink
from gatehouse_common.errors import Conflict, Gone
from gatehouse_common.intervals import Interval
from gatehouse_common.timefmt import rfc3339, to_datetime

_LATELY = Lately()

api = Routes("links", __name__, abp_tags=[Tag(name="Footage")])


@api.post("/api/v1/links", responses={201: MadeLink}, summary="Show a range to somebody without an account")
@needs(Scope.FOOTAGE_EXPORT, permission=Permission.EXPORT)
@once(secret=True)
def make_link(body: NewLink) -> tuple[Response, int, dict[str, str]]:
    """Make a link to a range of a camera: whoever has it sees that, and nothing else, until it ends.

    It ends with its time, at most seven days, when it is revoked, and with the user who made it, or with their grant.
    """
    ctx, asks = context(), caller()
    if not asks.user:
        raise Conflict("there are no users here (auth.mode is open), so that a link would be nobody's.")
    ctx.cameras.get(body.camera)
    span = parse_range(body.from_, body.to, request_zone(body.tz))
    check_length(span)
    earliest = asks.earliest_us(body.camera, ctx.core.clock.now_us())
    if earliest is not None:
        span = Interval(max(span.start, earliest), max(span.end, earliest + 1))
    footage.find(body.camera, span)  # a link to nothing helps nobody
    now_us = ctx.core.clock.now_us()
    link, secret = ctx.links.make(
        asks.user,
        body.camera,
        span,
        now_us,
        now_us + round(body.expires_in * SECOND),
        download=body.download,
        note=body.note,
    )
    _note("link.made", link, asks)
    url = f"{request.host_url.rstrip('/')}/s/{secret}"
    answer = jsonify(MadeLink(**link_view(link).model_dump(), url=url).model_dump(by_alias=True))
    return answer, 201, {"Location": f"/api/v1/links/{link.id}", "Cache-Control": "no-store"}


@api.get("/api/v1/links", responses={200: LinkList}, summary="The links that were given out")
@needs(Scope.FOOTAGE_EXPORT, permission=Permission.EXPORT)
def get_links() -> Response:
    """Return the links of whoever asks, of all for who may see users; those too that have ended."""
    asks = caller()
    of = None if asks.may(Scope.USERS_ADMIN) else asks.user
    ctx = context()
    found = [link_view(link) for link in ctx.links.list(of, ctx.visible())]
    return jsonify(LinkList(items=found).model_dump(by_alias=True))


@api.delete("/api/v1/links/<link>", responses={204: None}, summary="Revoke a link")
@needs(Scope.FOOTAGE_EXPORT, permission=Permission.EXPORT)
@conditional
def revoke_link(path: LinkPath) -> tuple[str, int]:
    """Revoke a link of whoever asks, or anybody's for who may see users: from the answer on it shows nothing.

    With `If-Match` only if nobody has since; else 412.
    """
    revoke(path.link, seen_tags())
    return "", 204


@api.get("/s/<secret>", responses={200: None}, summary="The page of a link")
@open_to_all
def get_page(path: SharedPath) -> Response:
    """Return a page that plays what the link shows; whoever opens it is on record."""
    ctx = context()
    now_us = ctx.core.clock.now_us()
    link = _find(path.secret, now_us)
    ctx.links.note_opened(link.id, now_us)
    _note_look("link.opened", link)
    zone = ctx.core.zone
    began, ends = (to_datetime(at, zone).strftime("%Y-%m-%d %H:%M:%S") for at in (link.start_us, link.end_us))
    until = to_datetime(link.expires_us, zone).strftime("%Y-%m-%d %H:%M")
    media = f"/s/{path.secret}/footage.mp4"
    page = render_template(
        "shared.html", link=link, media=media, began=began, ends=ends, until=until, zone=str(ctx.core.zone)
    )
    answer = make_response(page)
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"  # the address is the secret
    return answer


@api.get("/s/<secret>/footage.mp4", responses={200: None}, summary="The footage of a link")
@open_to_all
def get_media(path: SharedPath) -> Response:
    """Return what the link shows, as one exact file."""
    ctx = context()
    link = _find(path.secret, ctx.core.clock.now_us())
    saved = link.download and request.args.get("download") == "true"
    permissions = {Permission.PLAYBACK, Permission.EXPORT} if link.download else {Permission.PLAYBACK}
    grant = Grant(link.camera, frozenset(permissions))
    # From here on the request may do what the link does, whoever sent it.
    g.principal = Principal(
        "",
        0,
        "link",
        Role.VIEWER,
        frozenset({Scope.FOOTAGE_READ}),
        MappingProxyType({link.camera: grant}),
    )
    g.permission = Permission.PLAYBACK
    answer = footage.answer(link.camera, Interval(link.start_us, link.end_us), download=saved)
    _note_look("link.played", link)
    answer.headers["Cache-Control"] = "private, no-store"  # what has ended must not play on from a cache
    return answer


def _find(secret: str, now_us: int) -> ShareLink:
    """Return the link of a secret.

    Raises:
        NotFound: there is none.
        Gone: it has ended, also because who gave it out may not export the camera any more.
    """
    ctx = context()
    link = ctx.links.find(secret, now_us)
    users = ctx.doorkeeper.users
    user = users.get(link.user)
    grant = Grant(link.camera) if user.all_cameras else users.grants(link.user).get(link.camera)
    may = Scope.FOOTAGE_EXPORT in ROLE_SCOPES[user.role]
    if not may or grant is None or Permission.EXPORT not in grant.permissions:
        raise Gone("this link has ended: ask whoever gave it to you for another.")
    return link


def revoke(link: str, tags: Collection[str] | None = None) -> None:
    """Revoke a link of whoever asks, or anybody's for who may see users; with ``tags`` only if its is one of these.

    Raises:
        NotFound: there is no such link for them.
        ChangedSince: it was revoked since.
    """
    ctx, asks = context(), caller()
    of = None if asks.may(Scope.USERS_ADMIN) else asks.user
    visible = ctx.visible(Permission.EXPORT)
    _note("link.revoked", ctx.links.revoke(link, ctx.core.clock.now_us(), of, visible, tags=tags), asks)


def link_view(link: ShareLink) -> LinkView:
    """Return a link as answers show it."""
    return LinkView(
        id=link.id,
        etag=f'"{link.tag}"',
        camera=link.camera,
        from_=rfc3339(link.start_us),
        to=rfc3339(link.end_us),
        download=link.download,
        note=link.note,
        created=rfc3339(link.created_us),
        expires=rfc3339(link.expires_us),
        opened=link.opened,
        last_opened=None if link.opened_us is None else rfc3339(link.opened_us),
        revoked=None if link.revoked_us is None else rfc3339(link.revoked_us),
    )


def _note_look(action: str, link: ShareLink) -> None:
    """Write down that somebody looks at what a link shows; the same from one place within ten minutes is one deed."""
    if _LATELY.is_new((action, link.id, sender().address), context().core.clock.now_us()):
        _note(action, link, None)


def _note(action: str, link: ShareLink, asks: Principal | None) -> None:
    """Write down what was done with a link; who opens one is nobody who is known."""
    ctx = context()
    detail = {"link": link.id, "from": rfc3339(link.start_us), "to": rfc3339(link.end_us), "note": link.note}
    name, user, token = ("", None, None) if asks is None else (asks.name, asks.user, asks.token)
    deed = Deed(action, f"camera {link.camera}", name, user, token, sender().address, detail)
    ctx.audit.write(deed, ctx.core.clock.now_us())

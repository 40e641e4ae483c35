"""The pages of webhooks: made, tried and changed, and what they were told. They need no scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.cursors import read_cursor, write_cursor
from gatehouse_api.forms import dated, led_to, page, seen, text, told
from gatehouse_api.routes import webhooks
from gatehouse_api.routes.webhook_models import Tried
from gatehouse_api.webhooks.catalogue import EVENTS
from gatehouse_api.webhooks.desk import OVERLAP_HOURS, WebhookOrder
from gatehouse_common.accounts import Scope
from gatehouse_common.db import Webhook
from gatehouse_common.db.webhook_records import fits
from gatehouse_common.errors import GatehouseError, InvalidInput

pages = Blueprint("webhook_pages", __name__)

_PAGE = 50
_STATES = {"": "All", "waiting": "Waiting", "failed": "Failed", "delivered": "Delivered"}
_NEW = "new"
"""What is refused is no webhook yet."""
_OVERLAPS = {"rotate": OVERLAP_HOURS, "rotate-at-once": 0.0}
"""For how many hours the secret before signs too."""
_DONE = {
    "changed": "The webhook has been changed.",
    "removed": "The webhook has been deleted.",
    "again": "It is told again.",
}


@pages.get("/webhooks")
@needs(Scope.SETTINGS_ADMIN)
def get_webhooks() -> BaseResponse:
    """Return all webhooks, and a form to add one."""
    return _webhooks()


@pages.post("/webhooks")
@needs(Scope.SETTINGS_ADMIN)
def post_webhook() -> BaseResponse:
    """Add a webhook, and show its secret this once."""
    try:
        wanted = _written()
        order = WebhookOrder(wanted["url"], wanted["events"], wanted["cameras"], wanted["note"])
        _, secret = context().webhooks.make(caller(), sender(), order)
    except GatehouseError as error:
        return _webhooks(error, refused=_NEW)
    return _shown_once(secret)


@pages.post("/webhooks/<webhook>")
@needs(Scope.SETTINGS_ADMIN)
def post_change(webhook: str) -> BaseResponse:
    """Try a webhook, change it, give it another secret, or delete it."""
    desk, deed, who = context().webhooks, text("deed"), (caller(), sender(), webhook)
    try:
        if deed == "test":
            return _webhooks(tried=webhooks.tried_view(desk.test(*who)))
        if deed in _OVERLAPS:
            return _shown_once(desk.rotate(*who, _OVERLAPS[deed], seen=seen())[1])
        if deed == "remove":
            desk.remove(*who, seen=seen())
            return led_to("/webhooks?done=removed")
        if deed == "change":
            desk.change(*who, _written(desk.get(caller(), webhook)), seen=seen())
        elif deed in {"active", "inactive"}:
            desk.change(*who, {"active": deed == "active"}, seen=seen())
        else:
            raise InvalidInput("there is no such button.", "deed")
    except GatehouseError as error:
        return _webhooks(error, refused=webhook if deed == "change" else "")
    return led_to("/webhooks?done=changed")


@pages.get("/webhooks/<webhook>")
@needs(Scope.SETTINGS_ADMIN)
def get_deliveries(webhook: str) -> BaseResponse:
    """Return what a webhook was told, all or what is in one state, the newest first, a page at a time."""
    return _deliveries(webhook)


@pages.post("/webhooks/<webhook>/deliveries")
@needs(Scope.SETTINGS_ADMIN)
def post_replay(webhook: str) -> BaseResponse:
    """Have an event told again, and go back to the page on which it was."""
    try:
        context().webhooks.replay(caller(), sender(), webhook, text("delivery"))
    except GatehouseError as error:
        return _deliveries(webhook, error)
    return led_to(f"/webhooks/{webhook}?{urlencode({**_looked_at(), 'done': 'again'})}")


def _webhooks(
    error: GatehouseError | None = None, *, refused: str = "", made: str = "", tried: Tried | None = None
) -> Response:
    """Return the page; the form of the webhook ``refused`` shows what was written in it."""
    desk = context().webhooks
    waiting = desk.deliveries.waiting()
    return page(
        "webhooks.html",
        200 if error is None else error.kind.status,
        problem=None if error is None else error.message,
        done=told(_DONE),
        made=made,
        tried=tried,
        events=EVENTS,
        webhooks=[_shown(one, waiting.get(one.id, 0), refused) for one in desk.list(caller())],
        new=_typed() if refused == _NEW else None,
    )


def _shown(one: Webhook, waiting: int, refused: str) -> dict[str, Any]:
    if one.id == refused:
        form = _typed()
    else:
        ticked = {name for name in EVENTS if "*" not in one.events and any(fits(w, name) for w in one.events)}
        cameras = ", ".join(one.cameras or ())
        form = {"url": one.url, "note": one.note, "cameras": cameras, "all": "*" in one.events, "ticked": ticked}
    more = {"shown": context().webhooks.target(one), "waiting": waiting, "form": form, "refused": one.id == refused}
    more["tag"] = one.tag
    return {**_dated_view(one), **more}


def _dated_view(one: Webhook) -> dict[str, Any]:
    return dated(webhooks.webhook_view(one).model_dump(), "held_until")


def _typed() -> dict[str, Any]:
    """Return a form as it was filled in."""
    events = set(request.form.getlist("event"))
    return {name: text(name) for name in ("url", "note", "cameras")} | {"all": "*" in events, "ticked": events}


def _shown_once(secret: str) -> Response:
    answer = _webhooks(made=secret)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _deliveries(webhook: str, error: GatehouseError | None = None) -> Response:
    desk, looked_at = context().webhooks, _looked_at()
    one, state = desk.get(caller(), webhook), looked_at.get("state", "")
    if state not in _STATES:
        raise InvalidInput(f"a state is one of {', '.join(filter(None, _STATES))}.", "state")
    _, before = read_cursor(looked_at.get("cursor"))
    found = desk.deliveries.list(webhook, _PAGE + 1, before, state or None)
    last = found[:_PAGE][-1] if len(found) > _PAGE else None
    return page(
        "webhook.html",
        200 if error is None else error.kind.status,
        problem=None if error is None else error.message,
        done=told(_DONE),
        id=one.id,
        name=one.note or desk.target(one),
        webhook=_dated_view(one),
        deliveries=[
            dated(webhooks.delivery_view(row, one).model_dump(), "time", "next_try", "last_try")
            for row in found[:_PAGE]
        ],
        states=_STATES,
        state=state,
        looked_at=looked_at,
        more=None if last is None else urlencode({**looked_at, "cursor": write_cursor(0, (last.created_us, last.id))}),
    )


def _looked_at() -> dict[str, str]:
    """Return which deliveries are looked at, by the address or by the form on that page: ``state`` and ``cursor``."""
    given = request.form if request.method == "POST" else request.args
    return {name: given[name][:200] for name in ("state", "cursor") if given.get(name)}


def _written(before: Webhook | None = None) -> dict[str, Any]:
    """Return what was written in the form of a webhook, as it was before."""
    named = [one.strip() for one in text("cameras").split(",") if one.strip()]
    wanted = {"events": _wanted(() if before is None else before.events), "cameras": named or None}
    return {"url": text("url").strip(), "note": text("note"), **wanted}


def _wanted(before: Sequence[str]) -> list[str]:
    """Return the events that are ticked; a pattern stays one while all that it stands for is ticked."""
    ticked = request.form.getlist("event")
    if "*" in ticked:
        return ["*"]
    patterns = [one for one in before if one.endswith("*") and one != "*"]
    kept = [one for one in patterns if all(name in ticked for name in EVENTS if fits(one, name))]
    return [*kept, *(name for name in ticked if not any(fits(one, name) for one in kept))]

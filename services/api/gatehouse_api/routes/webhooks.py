"""``/api/v1/webhooks``: addresses that are told of events."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi3 import Tag

from gatehouse_api.auth.access import needs
from gatehouse_api.auth.caller import caller, sender
from gatehouse_api.context import context
from gatehouse_api.cursors import read_cursor, write_cursor
from gatehouse_api.idempotency import once
from gatehouse_api.openapi.routes import Routes
from gatehouse_api.preconditions import conditional, seen_tags
from gatehouse_api.routes.webhook_models import (
    DeliveriesQuery,
    DeliveryList,
    DeliveryPath,
    DeliveryView,
    MadeWebhook,
    NewWebhook,
    Rotation,
    Tried,
    WebhookChange,
    WebhookList,
    WebhookPath,
    WebhookView,
)
from gatehouse_api.webhooks.desk import WebhookOrder
from gatehouse_api.webhooks.posting import Answer
from gatehouse_api.webhooks.schedule import held_until_us
from gatehouse_api.webhooks.sending import LOCKED
from gatehouse_common.accounts import Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Delivery, Webhook
from gatehouse_common.errors import InvalidInput
from gatehouse_common.observability.secrets import mask
from gatehouse_common.timefmt import rfc3339

api = Routes("webhooks", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Webhooks")])


@api.get("/webhooks", responses={200: WebhookList}, summary="All webhooks")
@needs(Scope.SETTINGS_ADMIN)
def get_webhooks() -> Response:
    """Return webhooks, the oldest first; of their secrets only how many there are."""
    return _private(
        jsonify(WebhookList(items=[webhook_view(one) for one in context().webhooks.list(caller())]).model_dump())
    )


@api.post("/webhooks", responses={201: MadeWebhook}, summary="Make a webhook")
@needs(Scope.SETTINGS_ADMIN)
@once(secret=True)
def make_webhook(body: NewWebhook) -> tuple[Response, int]:
    """Make a webhook: from now on its address is told of the events that it wants.

    Requests are signed as [Standard Webhooks](https://www.standardwebhooks.com) says. This answer is the only one that
    shows the secret.
    """
    order = WebhookOrder(body.url, body.events, body.cameras, body.note, body.active)
    made, secret = context().webhooks.make(caller(), sender(), order)
    answer = _made(made, secret)
    answer.headers["Location"] = f"/api/v1/webhooks/{made.id}"
    return answer, 201


@api.get("/webhooks/<webhook>", responses={200: WebhookView}, summary="A webhook")
@needs(Scope.SETTINGS_ADMIN)
def get_webhook(path: WebhookPath) -> Response:
    """Return a webhook; of its secrets only how many there are."""
    return _view(context().webhooks.get(caller(), path.webhook))


@api.patch("/webhooks/<webhook>", responses={200: WebhookView}, summary="Change a webhook")
@needs(Scope.SETTINGS_ADMIN)
@conditional
def change_webhook(path: WebhookPath, body: WebhookChange) -> Response:
    """Change a webhook. One that is made active again is told what waited, and what happens from now on.

    With `If-Match` only if nobody changed it since; else 412.
    """
    values = {name: getattr(body, name) for name in body.model_fields_set}
    if not values or any(value is None for name, value in values.items() if name != "cameras"):
        raise InvalidInput("say what to change; only cameras may be null.", "body")
    return _view(context().webhooks.change(caller(), sender(), path.webhook, values, seen=seen_tags()))


@api.delete("/webhooks/<webhook>", responses={204: None}, summary="Delete a webhook")
@needs(Scope.SETTINGS_ADMIN)
@conditional
def remove_webhook(path: WebhookPath) -> tuple[str, int]:
    """Delete a webhook, and its deliveries. With `If-Match` only if nobody changed it since; else 412."""
    context().webhooks.remove(caller(), sender(), path.webhook, seen=seen_tags())
    return "", 204


@api.post("/webhooks/<webhook>/secret", responses={200: MadeWebhook}, summary="Give a webhook another secret")
@needs(Scope.SETTINGS_ADMIN)
@conditional
def rotate_secret(path: WebhookPath, body: Rotation) -> Response:
    """Sign with a new secret from now on, and for a while with the one before too.

    This answer is the only one that shows it. With `If-Match` only if nobody changed the webhook since; else 412.
    """
    found = context().webhooks.rotate(caller(), sender(), path.webhook, body.overlap_hours, seen=seen_tags())
    return _made(*found)


@api.post("/webhooks/<webhook>/test", responses={200: Tried}, summary="Try a webhook")
@needs(Scope.SETTINGS_ADMIN)
def try_webhook(path: WebhookPath) -> Response:
    """Send the event `webhook.test` now, whether the webhook is active or not, and return what came back."""
    return _private(jsonify(tried_view(context().webhooks.test(caller(), sender(), path.webhook)).model_dump()))


@api.get("/webhooks/<webhook>/deliveries", responses={200: DeliveryList}, summary="What came of deliveries")
@needs(Scope.SETTINGS_ADMIN)
def get_deliveries(path: WebhookPath, query: DeliveriesQuery) -> Response:
    """Return the deliveries to a webhook, the newest first. Those older than `webhooks.keep_days` are gone."""
    ctx = context()
    webhook = ctx.webhooks.get(caller(), path.webhook)
    _, before = read_cursor(query.cursor)
    found = ctx.webhooks.deliveries.list(path.webhook, query.limit + 1, before, query.state)
    page = found[: query.limit]
    more = write_cursor(0, (page[-1].created_us, page[-1].id)) if len(found) > query.limit else None
    items = [delivery_view(one, webhook) for one in page]
    return _private(jsonify(DeliveryList(items=items, next_cursor=more).model_dump()))


@api.post(
    "/webhooks/<webhook>/deliveries/<delivery>/replay", responses={200: DeliveryView}, summary="Tell an event again"
)
@needs(Scope.SETTINGS_ADMIN)
def replay(path: DeliveryPath) -> Response:
    """Have a delivery tried again from now on, also one that came through; `webhook-id` and body are the same."""
    desk = context().webhooks
    again = desk.replay(caller(), sender(), path.webhook, path.delivery)
    return _private(jsonify(delivery_view(again, desk.get(caller(), path.webhook)).model_dump()))


def webhook_view(one: Webhook) -> WebhookView:
    """Return a webhook as answers show it."""
    held_us = held_until_us(one.not_before_us, context().core.clock.now_us())
    return WebhookView(
        id=one.id,
        etag=f'"{one.tag}"',
        url=one.url,
        events=list(one.events),
        cameras=None if one.cameras is None else list(one.cameras),
        note=one.note,
        active=one.active,
        ended=one.ended,
        trouble=LOCKED if one.is_locked else "",
        held_until=None if held_us is None else rfc3339(held_us),
        secrets=len(one.secrets),
        created=rfc3339(one.created_us),
        created_by=one.created_by,
    )


def delivery_view(one: Delivery, webhook: Webhook) -> DeliveryView:
    """Return a delivery to a webhook as answers show it: what waits is tried when the webhook is told anything."""
    next_us = max(one.next_us, held_until_us(webhook.not_before_us, context().core.clock.now_us()) or 0)
    is_tried = one.state == "waiting" and webhook.active and not webhook.is_locked
    return DeliveryView(
        id=one.id,
        event=one.event,
        type=one.name,
        camera=one.camera or None,
        time=rfc3339(one.time_us),
        state=one.state,
        tries=one.tries,
        next_try=rfc3339(next_us) if is_tried else None,
        last_try=None if one.tried_us is None else rfc3339(one.tried_us),
        status=one.status,
        answer=one.answer,
        detail=one.detail,
        seconds=one.lasted_us / SECOND,
        body=one.body or None,
    )


def tried_view(answer: Answer) -> Tried:
    """Return what came back of a sample as answers show it."""
    delivered = answer.status is not None and 200 <= answer.status < 300
    why = mask(answer.trouble) or ("" if delivered else f"it answered {answer.status}")
    seconds = answer.lasted_us / SECOND
    return Tried(
        delivered=delivered, status=answer.status, answer=mask(answer.text), detail=why, seconds=round(seconds, 6)
    )


def _view(one: Webhook) -> Response:
    answer = _private(jsonify(webhook_view(one).model_dump()))
    answer.headers["ETag"] = f'"{one.tag}"'
    return answer


def _made(one: Webhook, secret: str) -> Response:
    answer = jsonify(MadeWebhook(**webhook_view(one).model_dump(), secret=secret).model_dump())
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["ETag"] = f'"{one.tag}"'
    return answer


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-store"
    return answer

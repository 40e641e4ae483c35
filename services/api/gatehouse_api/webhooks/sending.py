"""One try of one delivery, and what follows from its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog

from gatehouse_api.events import LISTED
from gatehouse_common.clock import MINUTE, SECOND, Clock
from gatehouse_common.db import Deliveries, Delivery, Webhook, Webhooks
from gatehouse_common.errors import Forbidden, GatehouseError, InvalidInput, Unavailable
from gatehouse_common.observability.metrics import WEBHOOK_DELIVERIES
from gatehouse_common.observability.secrets import mask, register_secret
from gatehouse_common.settings.webhooks import WebhookSettings

from .bodies import Bodies
from .lookups import LIMIT_S, Lookups
from .posting import TIMEOUT_S, Answer, post
from .schedule import DELAYS_US, asked_wait_us, next_try_us
from .signing import headers
from .targets import Look, addresses_of, look_up, read_target

log = structlog.get_logger(__name__)

LOCKED: Final = (
    "its address or secret was sealed with another key, so it is told nothing, and what is to be told waits: restore "
    "sealing.key or the setting sealing_key; or enter its address again and give it another secret"
)
"""Why a webhook is told nothing whose key is lost."""
_VOTED_US: Final = MINUTE
"""So long a plate that was on a list may be found to be on it after all."""
_GONE: Final = 410
_UNWANTED: Final = "it answered 410: nobody wants to be told there any more"
_BUSY: Final = (429, 503)
_AGENT: Final = "Gatehouse-Webhooks/1"


class Postman:
    """Sends signed bodies to where the settings let them go.

    Args:
        settings: what webhooks may lead to.
        clock: the time.
        look: finds the addresses of names, and is waited for no longer than five seconds.
        timeout_s: for one request in all, once its address is known.
    """

    def __init__(
        self, settings: WebhookSettings, clock: Clock, look: Look = look_up, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._settings, self._clock, self._timeout_s = settings, clock, timeout_s
        self._look = Lookups(look, min(LIMIT_S, timeout_s))
        self._known: set[str] = set()

    def send(self, webhook: Webhook, event_id: str, body: str) -> Answer:
        """Send a body and return what came back; where it may not go, or nobody is, the answer says so."""
        if webhook.is_locked:
            return Answer(None, trouble=LOCKED)
        allow = self._settings
        for secret in set(webhook.secrets) - self._known:
            register_secret(secret)
            self._known.add(secret)
        try:
            target = read_target(webhook.url, allow_http=allow.allow_http, allow_private=allow.allow_private)
            addresses = addresses_of(target, self._look, allow_private=allow.allow_private)
            told = body.encode()
            signed = headers(event_id, self._clock.now_us() // SECOND, told, webhook.secrets)
        except (InvalidInput, Forbidden, Unavailable) as error:
            return Answer(None, trouble=error.message)
        sent = {**signed, "content-type": "application/json", "user-agent": _AGENT, "accept": "*/*"}
        return post(target, addresses, sent, told, self._clock, timeout_s=self._timeout_s)


class Sender:
    """Sends deliveries that were taken, and keeps what came of it.

    Args:
        deliveries: where that is kept.
        webhooks: to whom.
        bodies: makes what is sent.
        postman: sends it.
        clock: the time.
    """

    def __init__(
        self, deliveries: Deliveries, webhooks: Webhooks, bodies: Bodies, postman: Postman, clock: Clock
    ) -> None:
        self._deliveries, self._webhooks, self._bodies = deliveries, webhooks, bodies
        self._send: Callable[[Webhook, str, str], Answer] = postman.send
        self._clock = clock

    def attempt(self, webhook: Webhook, mine: Delivery) -> None:
        """Send a delivery once and keep what came of it.

        Raises:
            GatehouseError: that cannot be kept now; it is sent again once its sender is given up.
        """
        if mine.tries > len(DELAYS_US):
            self._fail(mine, f"whoever sent it ended before it was told, {mine.tries - 1} times")
            return
        body = mine.body
        if not body:  # not looked up yet, or emptied since
            try:
                body = self._bodies.body(mine)
            except GatehouseError as error:
                self._put_off(mine, error.message)
                return
            if body is None:
                self._lost(mine)
                return
            if not self._deliveries.keep_body(mine, body):
                return
        self._settle(webhook, mine, self._send(webhook, mine.event, body))

    def _settle(self, webhook: Webhook, mine: Delivery, answer: Answer) -> None:
        now_us, text = self._clock.now_us(), mask(answer.text)
        facts: dict[str, Any] = {"status": answer.status, "answer": text, "lasted_us": answer.lasted_us}
        if answer.status is not None and 200 <= answer.status < 300:
            WEBHOOK_DELIVERIES.labels("delivered").inc()
            self._deliveries.finish(mine, "delivered", now_us, **facts)
            return
        why = mask(answer.trouble) or f"it answered {answer.status}"
        log.info("a webhook was not told", webhook=webhook.id, told=mine.name, tries=mine.tries, reason=why)
        if answer.status == _GONE and self._webhooks.end(webhook, _UNWANTED, now_us):
            log.warning("a webhook was made inactive", webhook=webhook.id, reason="it answered 410")
            self._unheard(mine, now_us, None, detail=why, **facts)
            return
        next_us = next_try_us(mine.tries, now_us)
        if answer.status in _BUSY and (wait_us := asked_wait_us(answer.retry_after, now_us)):
            is_held = self._webhooks.hold(webhook, now_us + wait_us, now_us)
            next_us = max(next_us, now_us + wait_us) if is_held and next_us is not None else next_us
        self._unheard(mine, now_us, next_us, detail=why, **facts)

    def stumbled(self, mine: Delivery) -> None:
        """Keep that a try ended with a fault of ours: it is tried again as what was not heard is.

        Raises:
            GatehouseError: that cannot be kept now.
        """
        now_us = self._clock.now_us()
        self._unheard(mine, now_us, next_try_us(mine.tries, now_us), detail="it could not be sent: a fault here")

    def _unheard(self, mine: Delivery, now_us: int, next_us: int | None, **facts: Any) -> None:
        """Keep that a try was not heard, and when it is tried again; None: not any more."""
        wanted = "failed" if next_us is None else "waiting"
        state = self._deliveries.finish(mine, wanted, now_us, next_us=next_us, **facts) or wanted
        WEBHOOK_DELIVERIES.labels("retried" if state == "waiting" else "failed").inc()

    def _lost(self, mine: Delivery) -> None:
        """Settle what there is nothing to tell of any more.

        A listing goes without a loss: another has taken its place, which is told by itself, or what the plate says has
        been voted otherwise. For a while it may be voted back, and that is not told by itself.
        """
        if mine.name != LISTED or mine.body is not None:  # of one that was told once it stays known
            self._fail(mine, "what it tells of is gone")
        elif 0 <= self._clock.now_us() - mine.created_us < _VOTED_US:
            self._put_off(mine, "the plate is not on the list as it was")
        elif self._deliveries.withdraw(mine):
            WEBHOOK_DELIVERIES.labels("withdrawn").inc()
            log.info("a webhook is not told what is not so any more", webhook=mine.webhook, told=mine.name)

    def _put_off(self, mine: Delivery, why: str) -> None:
        """Try again when what is to be told can be looked up: that was no try."""
        now_us = self._clock.now_us()
        self._deliveries.finish(mine, "waiting", now_us, detail=why, next_us=now_us + 5 * SECOND, counts=False)

    def _fail(self, mine: Delivery, why: str) -> None:
        WEBHOOK_DELIVERIES.labels("failed").inc()
        self._deliveries.finish(mine, "failed", self._clock.now_us(), detail=why)

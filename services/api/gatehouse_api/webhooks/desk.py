"""What admins do with webhooks; each deed is then written down, without secrets and paths of addresses.

Webhooks tell of all cameras, plates, films and works, and deliveries say what was told: for who does not see all of
that, as a token that is for the settings alone, there are none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from gatehouse_api.auth.deeds import deed_of
from gatehouse_api.auth.login_desk import Caller
from gatehouse_common.accounts import Principal, Scope
from gatehouse_common.clock import HOUR
from gatehouse_common.db import Audit, Deliveries, Delivery, Webhook, Webhooks
from gatehouse_common.errors import Conflict, Forbidden, NotFound
from gatehouse_common.ids import new_id, parse_slug
from gatehouse_common.observability.secrets import register_secret
from gatehouse_common.runtime import Core

from .bodies import sample
from .catalogue import check_wanted
from .notifier import Notifier
from .posting import Answer
from .sending import Postman
from .signing import new_secret
from .targets import Target, read_target

_TOLD = (Scope.CAMERAS_READ, Scope.FOOTAGE_READ, Scope.PLATES_READ, Scope.RECORDS_ALL)
OVERLAP_HOURS = 24.0
"""For so long the secret before signs too, unless asked otherwise."""


@dataclass(frozen=True, slots=True)
class WebhookOrder:
    """What a new webhook shall be.

    Attributes:
        url: where to.
        events: which it wants.
        cameras: of which cameras; None: of all, and of none.
        note: what it is for.
        active: whether it is told from now on.
    """

    url: str
    events: Sequence[str]
    cameras: Sequence[str] | None = None
    note: str = ""
    active: bool = True


class WebhookDesk:
    """Makes, changes and tries webhooks, and shows what came of deliveries.

    Args:
        core: the index, the time, the settings.
        audit: where deeds are written down.
        postman: sends samples.
        notifier: is told to look when there is something to send.
    """

    def __init__(self, core: Core, audit: Audit, postman: Postman, notifier: Notifier) -> None:
        self._clock, self._audit, self._postman, self.notifier = core.clock, audit, postman, notifier
        self._settings = core.settings.values.webhooks
        self._webhooks, self.deliveries = Webhooks(core.db), Deliveries(core.db)

    def list(self, asks: Principal) -> list[Webhook]:
        """Return all webhooks, the oldest first; for who does not see all that they tell of there are none."""
        return self._webhooks.list(self._clock.now_us()) if _sees_all(asks) else []

    def get(self, asks: Principal, webhook_id: str) -> Webhook:
        """Return a webhook.

        Raises:
            NotFound: there is none of that id, for who asks.
        """
        if not _sees_all(asks):
            raise NotFound(f"there is no webhook {webhook_id[:64]!r}")
        return self._webhooks.get(webhook_id, self._clock.now_us())

    def make(self, asks: Principal, caller: Caller, order: WebhookOrder) -> tuple[Webhook, str]:
        """Make a webhook; return it, and its secret, which can be seen this once.

        Raises:
            Forbidden: who asks does not see all that webhooks tell of.
            InvalidInput: the address, an event or a camera cannot be one.
            Conflict: there are as many as there may be.
        """
        if not _sees_all(asks):
            raise Forbidden(
                f"webhooks tell of all cameras, and more: only who may {', '.join(sorted(_TOLD))} makes one."
            )
        target, events = self._target(order.url), check_wanted(order.events)
        cameras, note, secret = _cameras(order.cameras), order.note.strip()[:200], new_secret()
        register_secret(secret)
        now_us = self._clock.now_us()
        made = self._webhooks.add(order.url, secret, events, cameras, note, asks.name, now_us, active=order.active)
        self._note(asks, caller, "webhook.made", made.id, {"to": target.shown, "events": events})
        return made, secret

    def change(
        self,
        asks: Principal,
        caller: Caller,
        webhook_id: str,
        values: dict[str, Any],
        *,
        seen: Collection[str] | None = None,
    ) -> Webhook:
        """Change some of ``url``, ``events``, ``cameras``, ``note`` and ``active``.

        Raises:
            NotFound: there is no such webhook.
            ChangedSince: it is not what was seen of it.
            InvalidInput: a value cannot be one.
        """
        self.get(asks, webhook_id)
        changed, told = dict(values), {name: value for name, value in values.items() if name != "url"}
        if "url" in changed:
            told["to"] = self._target(changed["url"]).shown
        if "events" in changed:
            changed["events"] = check_wanted(changed["events"])
        if "cameras" in changed:
            changed["cameras"] = _cameras(changed["cameras"])
        if "note" in changed:
            changed["note"] = str(changed["note"]).strip()[:200]
        found = self._webhooks.change(webhook_id, changed, self._clock.now_us(), seen=seen)
        self._note(asks, caller, "webhook.changed", webhook_id, told)
        self.notifier.wake()
        return found

    def remove(self, asks: Principal, caller: Caller, webhook_id: str, *, seen: Collection[str] | None = None) -> None:
        """Delete a webhook, and what was to be told to it.

        Raises:
            NotFound: there is no such webhook.
            ChangedSince: it is not what was seen of it.
        """
        self.get(asks, webhook_id)
        self._webhooks.remove(webhook_id, seen=seen)
        self._note(asks, caller, "webhook.removed", webhook_id, {})

    def rotate(
        self,
        asks: Principal,
        caller: Caller,
        webhook_id: str,
        overlap_hours: float,
        *,
        seen: Collection[str] | None = None,
    ) -> tuple[Webhook, str]:
        """Give a webhook another secret; return it, and the secret, which can be seen this once.

        Raises:
            NotFound: there is no such webhook.
            ChangedSince: it is not what was seen of it.
            Conflict: the secret before signs still, and would not any more.
        """
        found = self.get(asks, webhook_id)
        is_as_seen = seen is None or f"{found.id}-{found.version}" in seen
        if is_as_seen and len(found.secrets) > 1 and overlap_hours > 0:
            raise Conflict(
                "the secret before this one signs still, for those who have not got this one yet: wait until it does "
                "not, or ask for an overlap of 0 hours."
            )
        secret, now_us = new_secret(), self._clock.now_us()
        register_secret(secret)
        until_us = now_us + round(overlap_hours * HOUR)
        found = self._webhooks.rotate(webhook_id, secret, until_us, now_us, seen=seen)
        self._note(asks, caller, "webhook.secret.rotated", webhook_id, {"overlap_hours": overlap_hours})
        return found, secret

    def test(self, asks: Principal, caller: Caller, webhook_id: str) -> Answer:
        """Send a sample now, and return what came back; nothing is tried again.

        Raises:
            NotFound: there is no such webhook.
        """
        webhook = self.get(asks, webhook_id)
        answer = self._postman.send(webhook, new_id(), sample(self._clock.now_us()))
        self._note(asks, caller, "webhook.tested", webhook_id, {"status": answer.status})
        return answer

    def replay(self, asks: Principal, caller: Caller, webhook_id: str, delivery_id: str) -> Delivery:
        """Have an event told again.

        Raises:
            NotFound: there is no such delivery.
            Conflict: it is being sent at this moment.
        """
        self.get(asks, webhook_id)
        again = self.deliveries.replay(webhook_id, delivery_id, self._clock.now_us())
        self._note(asks, caller, "webhook.replayed", webhook_id, {"delivery": delivery_id})
        self.notifier.wake()
        return again

    def target(self, webhook: Webhook) -> str:
        """Return where a webhook leads as lists show it: paths of addresses may be secrets."""
        if not webhook.url:
            return "an address that was sealed with another key"
        return read_target(webhook.url, allow_http=True, allow_private=True).shown

    def _target(self, url: str) -> Target:
        allow = self._settings
        return read_target(url, allow_http=allow.allow_http, allow_private=allow.allow_private)

    def _note(self, asks: Principal, caller: Caller, action: str, webhook_id: str, detail: dict[str, Any]) -> None:
        self._audit.write(deed_of(asks, caller, action, f"webhook {webhook_id}", detail), self._clock.now_us())


def _sees_all(asks: Principal) -> bool:
    return asks.cameras() is None and all(asks.may(scope) for scope in _TOLD)


def _cameras(named: Sequence[str] | None) -> Sequence[str] | None:
    return None if named is None else [parse_slug(one) for one in dict.fromkeys(named)]

"""Webhooks in the index: made, changed, and given new secrets. Address and secrets are sealed where there is a key."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from gatehouse_common.clock import HOUR
from gatehouse_common.errors import ChangedSince, Conflict, GatehouseError, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.sealing import is_sealed

from .contention import retried
from .engine import Database
from .webhook_models import DeliveryRow, WebhookRow
from .webhook_records import Webhook

MOST_WEBHOOKS = 50
"""Each has threads of its own while something is sent to it."""
LONGEST_HOLD_US = 25 * HOUR
"""Longer than one may ask for time: what is further ahead was asked for when the clock was."""
_COLUMNS: list[Any] = [
    WebhookRow.id,
    WebhookRow.url,
    WebhookRow.note,
    WebhookRow.events,
    WebhookRow.cameras,
    WebhookRow.active,
    WebhookRow.not_before_us,
    WebhookRow.ended,
    WebhookRow.created_us,
    WebhookRow.created_by,
    WebhookRow.version,
    WebhookRow.secret,
    WebhookRow.old_secret,
    WebhookRow.old_until_us,
]


class Webhooks:
    """Keeps webhooks."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def add(
        self,
        url: str,
        secret: str,
        events: Sequence[str],
        cameras: Sequence[str] | None,
        note: str,
        by: str,
        now_us: int,
        *,
        active: bool = True,
    ) -> Webhook:
        """Keep a new webhook.

        Raises:
            Conflict: there are as many as there may be.
        """
        row = {
            "id": new_id(),
            "url": self._sealed(url),
            "note": note,
            "events": list(events),
            "cameras": None if cameras is None else list(cameras),
            "active": active,
            "secret": self._sealed(secret),
            "old_secret": "",
            "old_until_us": None,
            "not_before_us": 0,
            "ended": "",
            "created_us": now_us,
            "created_by": by[:255],
            "version": 1,
        }
        with self._db.begin() as c:
            if c.execute(select(func.count()).select_from(WebhookRow)).scalar_one() >= MOST_WEBHOOKS:
                raise Conflict(f"there are {MOST_WEBHOOKS} webhooks, and that is the limit: delete one.")
            c.execute(insert(WebhookRow).values(row))
            made = c.execute(select(*_COLUMNS).where(WebhookRow.id == row["id"])).one()
        return self._webhook(made, now_us)

    def list(self, now_us: int, *, active: bool = False) -> list[Webhook]:
        """Return webhooks, the oldest first; only those that are told something, if that is asked for."""
        query = select(*_COLUMNS).order_by(WebhookRow.created_us, WebhookRow.id)
        with self._db.look() as c:
            rows = c.execute(query.where(WebhookRow.active.is_(True)) if active else query).all()
        return [self._webhook(row, now_us) for row in rows]

    def get(self, webhook_id: str, now_us: int) -> Webhook:
        """Return a webhook.

        Raises:
            NotFound: there is none of that id.
        """
        with self._db.look() as c:
            row = c.execute(select(*_COLUMNS).where(WebhookRow.id == webhook_id)).first()
        if row is None:
            raise _missing(webhook_id)
        return self._webhook(row, now_us)

    @retried
    def change(
        self, webhook_id: str, values: dict[str, Any], now_us: int, *, seen: Collection[str] | None = None
    ) -> Webhook:
        """Change some of ``url``, ``note``, ``events``, ``cameras`` and ``active``; return it as it is then.

        With ``seen`` only if its version is one of these.

        Raises:
            NotFound: there is none of that id.
            ChangedSince: it has another version by now.
        """
        changed = dict(values)
        if "url" in changed:
            changed |= {"url": self._sealed(changed["url"]), "not_before_us": 0}  # that was another who asked for time
        if changed.get("active"):
            changed |= {"ended": "", "not_before_us": 0}
        return self._write(webhook_id, changed, now_us, seen)

    def rotate(
        self, webhook_id: str, secret: str, old_until_us: int, now_us: int, *, seen: Collection[str] | None = None
    ) -> Webhook:
        """Sign with a new secret from now on, and until ``old_until_us`` with the one before it too.

        Raises:
            NotFound: there is none of that id.
            ChangedSince: it has another version by now.
        """
        values = {"secret": self._sealed(secret), "old_until_us": old_until_us}
        return self._write(webhook_id, values, now_us, seen, keeps_secret=True)

    @retried
    def remove(self, webhook_id: str, *, seen: Collection[str] | None = None) -> None:
        """Delete a webhook and all that was to be told to it.

        Raises:
            NotFound: there is none of that id.
            ChangedSince: it has another version by now.
        """
        with self._db.begin() as c:
            version = c.execute(
                select(WebhookRow.version).where(WebhookRow.id == webhook_id).with_for_update()
            ).scalar()
            _check(webhook_id, version, seen)
            c.execute(delete(DeliveryRow).where(DeliveryRow.webhook == webhook_id))
            c.execute(delete(WebhookRow).where(WebhookRow.id == webhook_id))

    @retried
    def hold(self, asked: Webhook, not_before_us: int, now_us: int) -> bool:
        """Send nothing to a webhook before a time: it asked for that.

        Returns whether it did: if people have changed it since, it may have been another address that asked.
        """
        with self._db.begin() as c:
            found = c.execute(select(WebhookRow.not_before_us).where(*_as_was(asked)).with_for_update()).scalar()
            if found is not None and not not_before_us <= found <= now_us + LONGEST_HOLD_US:
                c.execute(update(WebhookRow).where(*_as_was(asked)).values(not_before_us=not_before_us))
        return found is not None

    @retried
    def end(self, asked: Webhook, why: str, now_us: int) -> bool:
        """Tell a webhook nothing any more: not what waits to be told either. It asked for that.

        What is on its way to it then is given up when it was not heard: see ``Deliveries.finish``.

        Returns whether it did: if people have changed it since, it may have been another address that asked.
        """
        with self._db.begin() as c:
            ended = update(WebhookRow).where(*_as_was(asked)).values(active=False, ended=why[:300])
            if c.execute(ended).rowcount == 0:
                return False
            waiting = (DeliveryRow.webhook == asked.id, DeliveryRow.state == "waiting", DeliveryRow.owner.is_(None))
            values = {"state": "failed", "detail": why[:500], "ended_us": now_us}
            c.execute(update(DeliveryRow).where(*waiting).values(values))
        return True

    @retried
    def _write(
        self,
        webhook_id: str,
        values: dict[str, Any],
        now_us: int,
        seen: Collection[str] | None,
        *,
        keeps_secret: bool = False,
    ) -> Webhook:
        with self._db.begin() as c:
            mine = WebhookRow.id == webhook_id
            before = c.execute(select(WebhookRow.version, WebhookRow.secret).where(mine).with_for_update()).first()
            _check(webhook_id, before and before.version, seen)
            if before is not None and keeps_secret:  # MySQL sets columns one after the other: not from one another
                values = {**values, "old_secret": before.secret}
            c.execute(update(WebhookRow).where(mine).values(version=WebhookRow.version + 1, **values))
            row = c.execute(select(*_COLUMNS).where(mine)).one()
        return self._webhook(row, now_us)

    def _sealed(self, text: str) -> str:
        return self._db.sealer.seal_text(text)

    def _webhook(self, row: Any, now_us: int) -> Webhook:
        *plain, secret, old_secret, old_until_us = row
        names = ("id", "url", "note", "events", "cameras", "active", "not_before_us", "ended", "created_us")
        values = dict(zip((*names, "created_by", "version"), plain, strict=True))
        values["url"] = self._opened(values["url"])
        values["events"] = tuple(values["events"])
        values["cameras"] = None if values["cameras"] is None else tuple(values["cameras"])
        first = self._opened(secret)
        second = self._opened(old_secret) if (old_until_us or 0) > now_us else ""
        return Webhook(**values, secrets=tuple(one for one in (first, second) if one) if first else ())

    def _opened(self, kept: str) -> str:
        """Return what was sealed; empty: it cannot be opened, which whoever is to send something tells."""
        try:
            opened = self._db.sealer.open(kept)
        except GatehouseError:  # one whose key cannot be read must not stand in the way of the others
            return ""
        return "" if is_sealed(opened) else opened


def _as_was(webhook: Webhook) -> tuple[Any, ...]:
    return WebhookRow.id == webhook.id, WebhookRow.version == webhook.version


def _missing(webhook_id: str) -> NotFound:
    return NotFound(f"there is no webhook {webhook_id[:64]!r}")


def _check(webhook_id: str, version: int | None, seen: Collection[str] | None) -> None:
    if version is None:
        raise _missing(webhook_id)
    if seen is not None and f"{webhook_id}-{version}" not in seen:
        raise ChangedSince("somebody has changed this webhook since: look at it again.")

"""What webhooks are to be told: made of what happened, taken by one sender at a time, and kept until it is told.

A sender takes a delivery by comparison and swap, under a name of this one time alone, and for a time that is longer
than sending can last. One that dies over it is given up after that time, and the delivery is tried again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, insert, not_, or_, select, update

from gatehouse_common.clock import HOUR, MINUTE, SECOND
from gatehouse_common.errors import Conflict, NotFound
from gatehouse_common.ids import id_time_us, new_id

from .contention import retried
from .engine import Database
from .happenings import note
from .webhook_models import DeliveryRow, HappeningRow, ToldStateRow, WebhookRow
from .webhook_records import Delivery, Webhook
from .webhooks import LONGEST_HOLD_US

UPDATED = "plate.updated"
"""Of a visit that goes on this is told about once a second: what waits to be looked up stands for those after it."""
SENDING_US = 45 * SECOND
"""Longer than a try can last: who has not said by then what came of it is dead."""
EMPTIED = ""
"""The body of what was sent and is not to be known any more."""
_DELIVERY = [getattr(DeliveryRow, f.name) for f in fields(Delivery)]
_AT_ONCE = 200
_LONGEST_WAIT_US = 27 * HOUR
_APART_US = 5 * MINUTE
"""Clocks of processes that share an index are less apart than that."""
_MOST_FORWARD = 1000
_TOLD_DATA = ("id", "name", "subject", "camera", "time_us", "data")


class Deliveries:
    """Keeps deliveries."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def spread(self, webhooks: list[Webhook], now_us: int) -> int:
        """Put what has happened, the oldest first, before each webhook that wants it; return how much it was.

        Of two processes that do so at once one removes what has happened, and it alone puts it anywhere.
        """
        columns = [getattr(HappeningRow, name) for name in _TOLD_DATA]
        with self._db.look() as c:
            found = c.execute(select(*columns).order_by(HappeningRow.id).limit(_AT_ONCE)).all()
        if not found:
            return 0
        there = {webhook.id for webhook in webhooks}
        with self._db.begin() as c:
            # First of all: what is read below is then as of when nobody holds one of these back any more.
            mine = [one for one in found if c.execute(delete(HappeningRow).where(HappeningRow.id == one.id)).rowcount]
            there &= set(c.execute(select(WebhookRow.id)).scalars())
            for one in mine:
                wanting = [w for w in webhooks if w.id in there and w.wants(one.name, one.camera)]
                if one.name == UPDATED:
                    stands = (DeliveryRow.subject == one.subject, DeliveryRow.name == UPDATED, *_UNTOUCHED)
                    known = set(c.execute(select(DeliveryRow.webhook).where(*stands)).scalars())
                    wanting = [webhook for webhook in wanting if webhook.id not in known]
                rows = [_new_row(webhook.id, one, now_us) for webhook in wanting]
                if rows:
                    c.execute(insert(DeliveryRow), rows)
        return len(found)

    @retried
    def note_states(self, states: Mapping[str, tuple[str, str, str]], now_us: int) -> None:
        """Note which states are others than when they were seen last; the very first look finds nothing new.

        Args:
            states: by subject the name of the event that it is, the camera, and what is told of it, JSON.
            now_us: the time.
        """
        with self._db.look() as c:
            rows = c.execute(select(ToldStateRow.subject, ToldStateRow.name)).all()
        known = {row.subject: row.name for row in rows}
        fresh = {subject: one for subject, one in states.items() if known.get(subject) != one[0]}
        gone = known.keys() - states.keys()
        if not fresh and not gone:
            return
        with self._db.begin() as c:
            for subject, (name, camera, data) in fresh.items():
                if subject in known:
                    same = (ToldStateRow.subject == subject, ToldStateRow.name == known[subject])
                    values = {"name": name, "noted_us": now_us}
                    if c.execute(update(ToldStateRow).where(*same).values(values)).rowcount == 0:
                        continue
                else:
                    c.execute(insert(ToldStateRow).values(subject=subject, name=name, noted_us=now_us))
                if known:
                    note(c, name, subject, camera, now_us, data)
            if gone:
                c.execute(delete(ToldStateRow).where(ToldStateRow.subject.in_(sorted(gone))))

    @retried
    def forget_states(self) -> None:
        """Forget what was told of states: nobody is told, and who is again begins with what is then."""
        with self._db.look() as c:
            if c.execute(select(ToldStateRow.subject).limit(1)).first() is None:
                return
        with self._db.begin() as c:
            c.execute(delete(ToldStateRow))

    def due(self, webhook_id: str, now_us: int, limit: int) -> list[Delivery]:
        """Return what is to be sent to a webhook now, what is due longest first.

        What is to wait for longer than anything does was put off when the clock was ahead.
        """
        ripe = or_(DeliveryRow.next_us <= now_us, DeliveryRow.next_us > now_us + _LONGEST_WAIT_US)
        mine = (DeliveryRow.webhook == webhook_id, DeliveryRow.state == "waiting", ripe)
        query = select(*_DELIVERY).where(*mine).order_by(DeliveryRow.next_us, DeliveryRow.id).limit(limit)
        with self._db.look() as c:
            return [Delivery(*row) for row in c.execute(query)]

    @retried
    def bring_forward(self, webhooks: Collection[str], waits_us: Sequence[int], now_us: int) -> int:
        """Have tried now what was put off for longer than it can have been: the clock was ahead; return how much.

        So many at most as can be changed at once.

        Args:
            webhooks: the ids of those that are told.
            waits_us: how long something waits at most, by how often it was tried, microseconds.
            now_us: the time.
        """
        waits = case(dict(enumerate(waits_us)), value=DeliveryRow.tries, else_=max(waits_us))
        longest = case((DeliveryRow.owner.is_(None), waits), else_=SENDING_US)
        held = select(WebhookRow.not_before_us).where(WebhookRow.id == DeliveryRow.webhook).scalar_subquery()
        is_held = and_(held <= now_us + LONGEST_HOLD_US, DeliveryRow.next_us <= held)
        waiting = (DeliveryRow.webhook.in_(sorted(webhooks)), DeliveryRow.state == "waiting")
        # The first of these is what the index goes by.
        late = (DeliveryRow.next_us > now_us + _APART_US, DeliveryRow.next_us > now_us + _APART_US + longest)
        ahead = (*waiting, *late, not_(is_held))
        with self._db.look() as c:
            found = list(c.execute(select(DeliveryRow.id).where(*ahead).limit(_MOST_FORWARD)).scalars())
        if not found:
            return 0
        with self._db.begin() as c:
            told = update(DeliveryRow).where(DeliveryRow.id.in_(sorted(found)), *ahead)
            return c.execute(told.values(next_us=now_us)).rowcount

    @retried
    def take(self, seen: Delivery, name: str, now_us: int) -> Delivery | None:
        """Take a delivery that still is as it was seen, to send it; return it as it is then, None if it is not.

        It counts as a try, so that what takes its sender with it is not sent for ever: see ``Sender.attempt``.
        """
        same = (
            DeliveryRow.id == seen.id,
            DeliveryRow.state == "waiting",
            DeliveryRow.tries == seen.tries,
            DeliveryRow.next_us == seen.next_us,
            DeliveryRow.owner.is_(None) if seen.owner is None else DeliveryRow.owner == seen.owner,
        )
        values = {"owner": name, "tries": seen.tries + 1, "next_us": now_us + SENDING_US, "tried_us": now_us}
        with self._db.begin() as c:
            if c.execute(update(DeliveryRow).where(*same).values(values)).rowcount == 0:
                return None
            return Delivery(*c.execute(select(*_DELIVERY).where(DeliveryRow.id == seen.id)).one())

    @retried
    def keep_body(self, mine: Delivery, body: str) -> bool:
        """Keep what is sent, before it is; return False if the delivery is not this sender's any more."""
        with self._db.begin() as c:
            return c.execute(update(DeliveryRow).where(*_own(mine)).values(body=body)).rowcount == 1

    @retried
    def finish(
        self,
        mine: Delivery,
        state: str,
        now_us: int,
        *,
        status: int | None = None,
        answer: str = "",
        detail: str = "",
        lasted_us: int = 0,
        next_us: int | None = None,
        counts: bool = True,
    ) -> str:
        """Keep what came of a try; return the state that it has then, empty if it is not this sender's any more.

        It does not wait for a webhook that wanted to be told no more meanwhile: then it has failed.

        Args:
            mine: as it was taken.
            state: ``delivered``, ``failed``, or ``waiting`` to be tried again.
            now_us: the time.
            status: of the answer; None: there was none.
            answer: how it began.
            detail: what was wrong.
            lasted_us: how long it took.
            next_us: while it waits, when it is tried again.
            counts: whether this was a try.
        """
        values: dict[str, Any] = {"state": state, "owner": None, "status": status, "answer": answer}
        values |= {"detail": detail[:500], "lasted_us": lasted_us, "tries": mine.tries if counts else mine.tries - 1}
        if state == "waiting":
            values["next_us"] = now_us if next_us is None else next_us
        else:
            values["ended_us"] = now_us
        with self._db.begin() as c:
            if state == "waiting" and (why := _why_ended(c, mine.webhook)):
                values |= {"state": "failed", "ended_us": now_us, "detail": why}
            kept = c.execute(update(DeliveryRow).where(*_own(mine)).values(values)).rowcount == 1
        return str(values["state"]) if kept else ""

    @retried
    def withdraw(self, mine: Delivery) -> bool:
        """Delete a delivery of which nothing was sent, for what it tells of is so no more, or is told anew.

        Returns False if it is not this sender's any more.
        """
        with self._db.begin() as c:
            return c.execute(delete(DeliveryRow).where(*_own(mine), DeliveryRow.body.is_(None))).rowcount == 1

    def get(self, webhook_id: str, delivery_id: str) -> Delivery:
        """Return a delivery to a webhook.

        Raises:
            NotFound: there is none of that id.
        """
        mine = (DeliveryRow.id == delivery_id, DeliveryRow.webhook == webhook_id)
        with self._db.look() as c:
            row = c.execute(select(*_DELIVERY).where(*mine)).first()
        if row is None:
            raise NotFound(f"there is no delivery {delivery_id[:64]!r}")
        return Delivery(*row)

    def list(
        self, webhook_id: str, limit: int, before: tuple[int, str] | None = None, state: str | None = None
    ) -> list[Delivery]:
        """Return the deliveries to a webhook, the newest first; of a page the first is the one after ``before``."""
        query = select(*_DELIVERY).where(DeliveryRow.webhook == webhook_id)
        if state is not None:
            query = query.where(DeliveryRow.state == state)
        if before is not None:
            at_us, delivery_id = before
            earlier = and_(DeliveryRow.created_us == at_us, DeliveryRow.id < delivery_id)
            query = query.where(or_(DeliveryRow.created_us < at_us, earlier))
        query = query.order_by(DeliveryRow.created_us.desc(), DeliveryRow.id.desc()).limit(limit)
        with self._db.look() as c:
            return [Delivery(*row) for row in c.execute(query)]

    def waiting(self) -> dict[str, int]:
        """Return how many deliveries wait, by webhook; those to which none do are left out."""
        query = select(DeliveryRow.webhook, func.count()).where(DeliveryRow.state == "waiting")
        with self._db.look() as c:
            return {row[0]: row[1] for row in c.execute(query.group_by(DeliveryRow.webhook))}

    def oldest(self, webhook_ids: Collection[str]) -> int | None:
        """Return when what waits for longest to be told to one of these webhooks was put here; None: nothing waits.

        It is read off ids, which are of their time, for these are in the index by which what is due is found.
        """
        query = select(func.min(DeliveryRow.id)).where(DeliveryRow.state == "waiting")
        with self._db.look() as c:
            found = c.execute(query.where(DeliveryRow.webhook.in_(sorted(webhook_ids)))).scalar()
        return None if found is None else id_time_us(found)

    @retried
    def replay(self, webhook_id: str, delivery_id: str, now_us: int) -> Delivery:
        """Have a delivery tried again from now on, as if it had never been; what is sent is the same to the letter.

        Raises:
            NotFound: there is none of that id.
            Conflict: it is being sent at this moment, or the webhook is inactive.
        """
        mine = (DeliveryRow.id == delivery_id, DeliveryRow.webhook == webhook_id)
        with self._db.begin() as c:
            row = c.execute(select(*_DELIVERY).where(*mine).with_for_update()).first()
            if row is None:
                raise NotFound(f"there is no delivery {delivery_id[:64]!r}")
            if row.owner is not None and row.next_us > now_us:
                raise Conflict("it is being sent at this moment: see what comes of that.")
            if not c.execute(select(WebhookRow.active).where(WebhookRow.id == webhook_id)).scalar():
                raise Conflict("the webhook is inactive: nothing is told to it.")
            values = {"state": "waiting", "tries": 0, "next_us": now_us, "owner": None, "ended_us": None}
            c.execute(update(DeliveryRow).where(*mine).values(values))
            return Delivery(*c.execute(select(*_DELIVERY).where(*mine)).one())

    @retried
    def fail_older(self, before_us: int, now_us: int) -> int:
        """Give up what was put here before an instant and waits still; return how many that were."""
        old = (DeliveryRow.state == "waiting", DeliveryRow.created_us < before_us, DeliveryRow.tried_us < before_us)
        unsent = (DeliveryRow.state == "waiting", DeliveryRow.created_us < before_us, DeliveryRow.tried_us.is_(None))
        values = {"state": "failed", "detail": "it was not heard for as long as deliveries are kept", "owner": None}
        with self._db.begin() as c:
            told = update(DeliveryRow).where(or_(and_(*old), and_(*unsent)))
            return c.execute(told.values(ended_us=now_us, **values)).rowcount

    @retried
    def fail_oldest(self, webhook_id: str, many: int, now_us: int) -> int:
        """Give up so many deliveries to a webhook, those that have waited for longest; return how many that were."""
        waiting = (DeliveryRow.webhook == webhook_id, DeliveryRow.state == "waiting", DeliveryRow.owner.is_(None))
        oldest = select(DeliveryRow.id).where(*waiting).order_by(DeliveryRow.created_us).limit(min(many, 1000))
        with self._db.look() as c:
            found = list(c.execute(oldest).scalars())
        values = {"state": "failed", "detail": "too many waited for this webhook", "ended_us": now_us}
        with self._db.begin() as c:
            return c.execute(update(DeliveryRow).where(DeliveryRow.id.in_(found), *waiting).values(values)).rowcount

    @retried
    def purge(self, before_us: int, limit: int = 1000, *, happenings: bool = False) -> int:
        """Delete deliveries that ended before an instant, so many at most; return how many rows went.

        Args:
            before_us: the instant, microseconds UTC.
            limit: so many at most.
            happenings: whether what has happened goes too: no webhook is active, so that nobody is told of it.
        """
        ended = (DeliveryRow.created_us < before_us, DeliveryRow.state != "waiting", DeliveryRow.ended_us < before_us)
        old = select(DeliveryRow.id).where(*ended).order_by(DeliveryRow.created_us)
        with self._db.look() as c:
            found = list(c.execute(old.limit(limit)).scalars())
        left: list[str] = []
        if happenings:
            with self._db.look() as c:
                left = list(c.execute(select(HappeningRow.id).order_by(HappeningRow.id).limit(limit)).scalars())
        if found or left:
            with self._db.begin() as c:
                c.execute(delete(DeliveryRow).where(DeliveryRow.id.in_(found)))
                c.execute(delete(HappeningRow).where(HappeningRow.id.in_(left)))
        return len(found) + len(left)

    @retried
    def forget_plates(self, before_us: int, limit: int, since_us: int = 0) -> tuple[int, int]:
        """Empty what was told of plates in a time, so many deliveries at most, the oldest first.

        That they were, and what came of it, stays. What still waits is told first.

        Args:
            before_us: what was put before a webhook before this instant.
            limit: so many at most.
            since_us: from this instant on.

        Returns:
            How many these were, and as of when the last of them is, from which others go on.
        """
        told = (DeliveryRow.created_us >= since_us, DeliveryRow.created_us < before_us, DeliveryRow.state != "waiting")
        of_plates = (*told, DeliveryRow.body != EMPTIED, DeliveryRow.name.startswith("plate."))
        with self._db.look() as c:
            old = select(DeliveryRow.id, DeliveryRow.created_us).where(*of_plates).order_by(DeliveryRow.created_us)
            found = c.execute(old.limit(limit)).all()
        if not found:
            return 0, since_us
        with self._db.begin() as c:
            mine = update(DeliveryRow).where(DeliveryRow.id.in_(sorted(row.id for row in found)), *of_plates)
            count = c.execute(mine.values(body=EMPTIED, data=None, answer="")).rowcount
        return count, found[-1].created_us


_UNTOUCHED = (DeliveryRow.state == "waiting", DeliveryRow.body.is_(None), DeliveryRow.owner.is_(None))


def _own(mine: Delivery) -> tuple[Any, ...]:
    return DeliveryRow.id == mine.id, DeliveryRow.state == "waiting", DeliveryRow.owner == mine.owner


def _why_ended(c: Connection, webhook_id: str) -> str:
    """Return why a webhook was made inactive by itself; empty: it was not.

    Whoever does so meanwhile waits until what is kept here is there to be given up with the rest.
    """
    why = select(WebhookRow.ended).where(WebhookRow.id == webhook_id, WebhookRow.active.is_(False))
    return c.execute(why.with_for_update(read=True)).scalar() or ""


def _new_row(webhook_id: str, happening: Any, now_us: int) -> dict[str, Any]:
    told = {name: getattr(happening, name) for name in _TOLD_DATA if name != "id"}
    empty = {"body": None, "owner": None, "status": None, "tried_us": None, "ended_us": None}
    rest = {"state": "waiting", "tries": 0, "answer": "", "detail": "", "lasted_us": 0}
    next_us = now_us + (SECOND if happening.name == UPDATED else 0)
    own = {"id": new_id(), "webhook": webhook_id, "event": happening.id, "next_us": next_us, "created_us": now_us}
    return {**own, **told, **empty, **rest}

"""What was done, and by whom: rows that are only added, each with the digest of the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import delete, insert, select

from .account_models import AuditRow
from .contention import retried
from .engine import Database
from .upkeep_models import FactRow

FIRST = "0" * 64
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did, or was not allowed to do.

    Attributes:
        action: what, e.g. ``footage.exported``.
        subject: with what, e.g. ``camera gate``.
        actor: name of the user; empty: nobody who is known.
        actor_id: id of the user.
        token: id of the token that was shown.
        address: from where; empty: the command line of this machine.
        detail: what else there is to say: before and after, a range; no secrets.
        done: whether it was done, or refused.
        note: why.
    """

    action: str
    subject: str
    actor: str = ""
    actor_id: str | None = None
    token: str | None = None
    address: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    done: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed on record.

    Attributes:
        number: 1, 2, 3 without a hole.
        time_us: when it was, microseconds UTC.
        deed: what it was.
        previous: digest of the entry before.
        digest: of this one and of that digest.
    """

    number: int
    time_us: int
    deed: Deed
    previous: str
    digest: str

    def is_whole(self) -> bool:
        """Return whether it is as it was written."""
        return self.digest == _digest(self.number, self.time_us, self.deed, self.previous)


_COLUMNS = (AuditRow.number, AuditRow.time_us, AuditRow.previous, AuditRow.digest)
_DEED = [getattr(AuditRow, f.name) for f in fields(Deed)]


class Audit:
    """Writes deeds down, and reads them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @retried
    def write(self, deed: Deed, now_us: int) -> Entry:
        """Write a deed down; when this returns it is on the disk."""
        with self._db.begin(durable=True) as c:
            c.execute(select(FactRow.value).where(FactRow.name == "audit.lock").with_for_update())
            newest = select(AuditRow.number, AuditRow.digest).order_by(AuditRow.number.desc()).limit(1)
            number, previous = c.execute(newest.with_for_update()).first() or (0, FIRST)
            entry = Entry(number + 1, now_us, deed, previous, _digest(number + 1, now_us, deed, previous))
            values = {f.name: getattr(deed, f.name) for f in fields(Deed)} | {"detail": dict(deed.detail)}
            c.execute(
                insert(AuditRow).values(
                    number=entry.number, time_us=now_us, previous=previous, digest=entry.digest, **values
                )
            )
        return entry

    def entries(
        self,
        *,
        actor: str = "",
        action: str = "",
        start_us: int | None = None,
        end_us: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Entry]:
        """Return entries, the newest first.

        Args:
            actor: only of this user.
            action: only these; with a dot at its end, all that begin so.
            start_us: from this instant on.
            end_us: before this one.
            before: of numbers below this.
            limit: so many at most.
        """
        query = select(*_COLUMNS, *_DEED)
        if actor:
            query = query.where(AuditRow.actor == actor)
        if action:
            query = query.where(
                AuditRow.action.startswith(action, autoescape=True)
                if action.endswith(".")
                else AuditRow.action == action
            )
        if start_us is not None:
            query = query.where(AuditRow.time_us >= start_us)
        if end_us is not None:
            query = query.where(AuditRow.time_us < end_us)
        if before is not None:
            query = query.where(AuditRow.number < before)
        with self._db.look() as c:
            return [_entry(row) for row in c.execute(query.order_by(AuditRow.number.desc()).limit(limit))]

    def broken(self) -> Iterator[str]:
        """Yield what is wrong with the chain, in sentences: an entry that was changed, or taken out."""
        previous: Entry | None = None
        while page := self._from(0 if previous is None else previous.number):
            for entry in page:
                if not entry.is_whole():
                    yield f"entry {entry.number} is not as it was written"
                if previous is not None and entry.number != previous.number + 1:
                    yield f"entries {previous.number + 1} to {entry.number - 1} are missing"
                elif previous is not None and entry.previous != previous.digest:
                    yield f"entry {entry.number} does not follow on entry {previous.number}"
                previous = entry

    @retried
    def forget_before(self, before_us: int) -> int:
        """Forget the oldest entries up to an instant, but for the newest of all; return how many."""
        with self._db.begin() as c:
            newest = c.execute(select(AuditRow.number).order_by(AuditRow.number.desc()).limit(1)).scalar()
            first = select(AuditRow.number).where(AuditRow.time_us >= before_us).order_by(AuditRow.number).limit(1)
            until = c.execute(first).scalar() or newest
            if until is None:
                return 0
            return c.execute(delete(AuditRow).where(AuditRow.number < until)).rowcount

    def _from(self, after: int) -> list[Entry]:
        query = select(*_COLUMNS, *_DEED).where(AuditRow.number > after).order_by(AuditRow.number).limit(_AT_ONCE)
        with self._db.look() as c:
            return [_entry(row) for row in c.execute(query)]


def _entry(row: Any) -> Entry:
    number, time_us, previous, digest, *deed = row
    return Entry(number, time_us, Deed(*deed), previous, digest)


def _digest(number: int, time_us: int, deed: Deed, previous: str) -> str:
    """Return SHA-256 over the fields of an entry as JSON, keys sorted, no spaces, and the digest of the one before."""
    said = {f.name: getattr(deed, f.name) for f in fields(Deed)}
    said |= {"number": number, "time_us": time_us, "previous": previous, "detail": dict(deed.detail)}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

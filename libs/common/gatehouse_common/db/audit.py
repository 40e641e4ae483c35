"""What was done, and by whom: rows that are only added, each with the digest of the one before it.

The ends of the chain are kept beside it (``audit_anchor``), so that what is missing there is missed too. That finds
rows that were changed, taken out or put there. Who can write in the database and knows how digests are made can make
the whole log anew: against that helps only to know the number and the digest of an entry from elsewhere;
``gatehouse audit verify`` tells those of the newest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, insert, select

from .account_models import AuditRow
from .audit_anchor import Anchor
from .contention import retried
from .engine import Database
from .kept_text import fit_json, fit_text

T = TypeVar("T")

FIRST = "0" * 64
_AT_ONCE = 500
_LENGTHS = {"action": 64, "subject": 300, "actor": 255, "actor_id": 36, "token": 12, "address": 45, "note": 10_000}
"""Characters that the columns hold; of the note as many as 65535 bytes are enough for."""
_LONGEST_IN_DETAIL = 10_000


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
        """Write a deed down; when this returns it is on the disk.

        Returns:
            What was written: texts that are too long are cut, and what is in no encoding is replaced.
        """
        with self._db.begin(durable=True) as c:
            return self.write_with(c, deed, now_us)

    def noting(self, deed: Callable[[T], Deed], now_us: int) -> Callable[[Connection, T], object]:
        """Return what writes a deed down in the transaction in which it is done, once it is known with what."""
        return lambda c, done: self.write_with(c, deed(done), now_us)

    def write_with(self, c: Connection, deed: Deed, now_us: int) -> Entry:
        """Write a deed down in the transaction in which it is done: neither is without the other.

        The transaction has to be durable, and does nothing that takes long after this: others wait to write theirs.
        """
        kept = _fit(deed)
        anchor = Anchor.read(c, lock=True)
        newest = select(AuditRow.number, AuditRow.digest).order_by(AuditRow.number.desc()).limit(1)
        number, previous = c.execute(newest.with_for_update()).first() or (0, FIRST)
        if anchor is not None:
            # Whatever became of the rows meanwhile: what was written last is what this follows on, so that a gap
            # stays one, and what was put there by somebody else does not become part of the chain.
            number, previous = max(number, anchor.number), anchor.digest
        entry = Entry(number + 1, now_us, kept, previous, _digest(number + 1, now_us, kept, previous))
        values = {f.name: getattr(kept, f.name) for f in fields(Deed)}
        c.execute(
            insert(AuditRow).values(
                number=entry.number, time_us=now_us, previous=previous, digest=entry.digest, **values
            )
        )
        first = self._oldest(c) if anchor is None else anchor.first
        Anchor(first, entry.number, entry.digest).write(c)
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
        """Yield what is wrong with the chain, in sentences: an entry that was changed, taken out, or put there.

        Seen is whatever does not go with the digests and with the ends that are kept beside the chain; those of a log
        that was made anew as a whole go with it.
        """
        previous: Entry | None = None
        while True:
            anchor, page = self._page(0 if previous is None else previous.number)
            if not page:
                break
            for entry in page:
                if not entry.is_whole():
                    yield f"entry {entry.number} is not as it was written"
                expected = max(previous.number + 1 if previous else 1, anchor.first if anchor else 0)
                if entry.number > expected and (previous or anchor):
                    yield _missing(expected, entry.number - 1)
                elif previous and entry.number == previous.number + 1 and entry.previous != previous.digest:
                    yield f"entry {entry.number} does not follow on entry {previous.number}"
                previous = entry
        yield from _compare(previous, anchor)

    @retried
    def forget_before(self, before_us: int) -> int:
        """Forget the oldest entries up to an instant, but for the newest of all; return how many."""
        with self._db.begin() as c:
            anchor = Anchor.read(c, lock=True)
            newest = c.execute(select(AuditRow.number).order_by(AuditRow.number.desc()).limit(1)).scalar()
            first = select(AuditRow.number).where(AuditRow.time_us >= before_us).order_by(AuditRow.number).limit(1)
            until = c.execute(first).scalar() or newest
            if until is None:
                return 0
            forgotten = c.execute(delete(AuditRow).where(AuditRow.number < until)).rowcount
            if anchor is not None and forgotten:
                replace(anchor, first=until).write(c)
            return forgotten

    @staticmethod
    def _oldest(c: Connection) -> int:
        return int(c.execute(select(AuditRow.number).order_by(AuditRow.number).limit(1)).scalar_one())

    def _page(self, after: int) -> tuple[Anchor | None, list[Entry]]:
        """Return the ends of the chain and the entries after a number, both as of the same moment."""
        query = select(*_COLUMNS, *_DEED).where(AuditRow.number > after).order_by(AuditRow.number).limit(_AT_ONCE)
        with self._db.read() as c:
            return Anchor.read(c), [_entry(row) for row in c.execute(query)]


def _compare(newest: Entry | None, anchor: Anchor | None) -> Iterator[str]:
    """Yield what is wrong with the end of the chain."""
    if anchor is None:
        if newest is not None:
            yield f"nothing tells whether entry {newest.number} is the newest"
        return
    number = 0 if newest is None else newest.number
    if number < anchor.number:
        yield _missing(max(number + 1, anchor.first), anchor.number)
    elif number > anchor.number:
        yield f"{_entries(anchor.number + 1, number)} not written by Gatehouse"
    elif newest is not None and newest.digest != anchor.digest:
        yield f"entry {number} is not the one that was written last"


def _missing(first: int, last: int) -> str:
    return f"{_entries(first, last)} missing"


def _entries(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def _fit(deed: Deed) -> Deed:
    """Return a deed as every database keeps it: what the digest is made of is what will be read."""
    cut: dict[str, Any] = {"detail": fit_json(deed.detail, _LONGEST_IN_DETAIL)}
    for name, most in _LENGTHS.items():
        text = getattr(deed, name)
        cut[name] = None if text is None else fit_text(text, most)
    return replace(deed, **cut)


def _entry(row: Any) -> Entry:
    number, time_us, previous, digest, *deed = row
    return Entry(number, time_us, Deed(*deed), previous, digest)


def _digest(number: int, time_us: int, deed: Deed, previous: str) -> str:
    """Return SHA-256 over the fields of an entry as JSON, keys sorted, no spaces, and the digest of the one before."""
    said = {f.name: getattr(deed, f.name) for f in fields(Deed)}
    said |= {"number": number, "time_us": time_us, "previous": previous, "detail": dict(deed.detail)}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

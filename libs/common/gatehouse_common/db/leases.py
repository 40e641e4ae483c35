"""Leases: who does which part of a work, and who is there to share it. Every change is a comparison and a swap.

Nothing here knows the time: whether a lease has run out is for those to see who watch it not being renewed.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update

from .contention import retried
from .engine import Database
from .models import LeaseRow, MemberRow
from .new_rows import insert_new


@dataclass(frozen=True, slots=True)
class Lease:
    """A part of a work and who does it.

    Attributes:
        resource: the part, e.g. a camera's id.
        owner: the member that does it; None: nobody.
        epoch: counts the owners that it had; goes up with each and never down, so a greater one is a later one.
        renewals: counts the signs of life of the owner.
    """

    resource: str
    owner: str | None
    epoch: int
    renewals: int


@dataclass(frozen=True, slots=True)
class Member:
    """A process that shares a work, and how many signs of life it has given."""

    name: str
    renewals: int


@dataclass(frozen=True, slots=True)
class Sight:
    """A work as it stands in the index now."""

    members: tuple[Member, ...]
    leases: tuple[Lease, ...]


class LeaseRepository:
    """The leases and members of one work.

    Args:
        db: the index.
        work: e.g. ``camera``: resources of different works have nothing to do with one another.
    """

    def __init__(self, db: Database, work: str) -> None:
        self._db, self._work = db, work

    @retried
    def beat(self, name: str) -> None:
        """Give a sign of life of a member, and renew all its leases."""
        with self._db.begin() as c:
            row = {"work": self._work, "name": name, "renewals": 1}
            if not insert_new(c, MemberRow, row):
                mine = (MemberRow.work == self._work) & (MemberRow.name == name)
                c.execute(update(MemberRow).where(mine).values(renewals=MemberRow.renewals + 1))
            held = (LeaseRow.work == self._work) & (LeaseRow.owner == name)
            c.execute(update(LeaseRow).where(held).values(renewals=LeaseRow.renewals + 1))

    def look(self) -> Sight:
        """Return all members and leases."""
        with self._db.read() as c:
            members = c.execute(select(MemberRow.name, MemberRow.renewals).where(MemberRow.work == self._work)).all()
            leases = c.execute(
                select(LeaseRow.resource, LeaseRow.owner, LeaseRow.epoch, LeaseRow.renewals).where(
                    LeaseRow.work == self._work
                )
            ).all()
        return Sight(tuple(Member(*row) for row in members), tuple(Lease(*row) for row in leases))

    @retried
    def take(self, resource: str, seen: Lease | None, name: str) -> int | None:
        """Take a lease that still is as it was seen (None: there was none); return its epoch, or None if it is not."""
        with self._db.begin() as c:
            if seen is None:
                row = {"work": self._work, "resource": resource, "owner": name, "epoch": 1, "renewals": 1}
                return 1 if insert_new(c, LeaseRow, row) else None
            same_owner = LeaseRow.owner.is_(None) if seen.owner is None else LeaseRow.owner == seen.owner
            same = (
                (LeaseRow.work == self._work)
                & (LeaseRow.resource == resource)
                & (LeaseRow.epoch == seen.epoch)
                & (LeaseRow.renewals == seen.renewals)
                & same_owner
            )
            values = {"owner": name, "epoch": seen.epoch + 1, "renewals": seen.renewals + 1}
            taken = c.execute(update(LeaseRow).where(same).values(values)).rowcount == 1
        return seen.epoch + 1 if taken else None

    @retried
    def release(self, resource: str, name: str) -> None:
        """Give up a lease, if the member has it; its epoch stays, so that the next one is greater."""
        with self._db.begin() as c:
            mine = (LeaseRow.work == self._work) & (LeaseRow.resource == resource) & (LeaseRow.owner == name)
            c.execute(update(LeaseRow).where(mine).values(owner=None, renewals=LeaseRow.renewals + 1))

    @retried
    def leave(self, name: str) -> None:
        """Give up all leases of a member, and the membership."""
        with self._db.begin() as c:
            held = (LeaseRow.work == self._work) & (LeaseRow.owner == name)
            c.execute(update(LeaseRow).where(held).values(owner=None, renewals=LeaseRow.renewals + 1))
            c.execute(delete(MemberRow).where((MemberRow.work == self._work) & (MemberRow.name == name)))

    @retried
    def forget(self, members: list[Member]) -> None:
        """Remove members that have given no sign of life since they were seen."""
        if not members:
            return
        with self._db.begin() as c:
            unchanged = or_(*((MemberRow.name == m.name) & (MemberRow.renewals == m.renewals) for m in members))
            c.execute(delete(MemberRow).where((MemberRow.work == self._work) & unchanged))

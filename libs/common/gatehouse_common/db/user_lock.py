"""Users, locked: all of them, or the row of one, so that what is added must not slip in beside a change of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from .account_models import UserRow
from .upkeep_models import FactRow


@dataclass(frozen=True, slots=True)
class LockedUser:
    """What of a user decides whether something may be added to it.

    Attributes:
        name: as people see it.
        state: ``active``, ``pending``, ``disabled``, ``removed``.
        password: what is kept of it; None: there is none.
    """

    name: str
    state: str
    password: str | None

    @property
    def is_active(self) -> bool:
        """Whether anything may be done at all."""
        return self.state == "active"


def lock_user(c: Connection, user_id: str) -> LockedUser | None:
    """Return a user, None if there never was one of this id; nobody changes it until the end of the transaction."""
    query = select(UserRow.name, UserRow.state, UserRow.password).where(UserRow.id == user_id)
    row = c.execute(query.with_for_update()).first()
    return None if row is None else LockedUser(*row)


def lock_users(c: Connection) -> None:
    """Let nobody else change users until the end of the transaction: names, and the last admin, are of them all."""
    c.execute(select(FactRow.value).where(FactRow.name == "users.lock").with_for_update())

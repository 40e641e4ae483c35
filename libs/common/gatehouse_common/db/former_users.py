"""Users of an index that was lost, as files name them: there again, each apart from all others, and let in by nobody.

A name is no person: it is free again once its user is removed or renamed. What files say is given to the account of the
very id that they name. Where there is none there is one again, of that id, which cannot log in until an admin lets it;
under another name, if somebody else has its own by now, or several had it. So nothing is ever given to somebody whose
it was not; an admin who knows that two are one person hands over what one of them has (``HandOver``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, fields

from sqlalchemy import Connection, func, insert, select

from gatehouse_common.accounts import Role, name_key, parse_name
from gatehouse_common.errors import DataLoss, InvalidInput
from gatehouse_common.ids import new_id

from .account_models import UserRow
from .contention import retried
from .engine import Database
from .upkeep_models import FactRow
from .user_lock import lock_users
from .users import User, user_of_row

_COLUMNS = [getattr(UserRow, f.name) for f in fields(User)]
_LONGEST_STEM = 240
_MOST_NUMBER = 10**9  # a higher one somebody has made up, and after it there would be none left


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose something is, as it is written down.

    Attributes:
        number: of the user; 0: nobody was known where it came.
        id: UUIDv7 of the user; empty: only a name is written down.
        name: as it was then.
        created_us: when the user was added, microseconds UTC; 0: not known.
        removed: whether the user was removed by then, so that the name may be another's.
    """

    number: int
    id: str
    name: str
    created_us: int = 0
    removed: bool = False


@dataclass(frozen=True, slots=True)
class FormerUser:
    """A user who is there again.

    Attributes:
        name: of the account.
        told: the name that files say; another than ``name`` where that is somebody else's, or cannot be one.
        state: ``disabled``, or ``removed`` as it was.
        since_us: when the user was first added, microseconds UTC; 0: not known.
        by_name: whether files say only a name, which may have been several people's.
    """

    name: str
    told: str
    state: str
    since_us: int = 0
    by_name: bool = False

    @property
    def is_apart(self) -> bool:
        """Whether the account is called otherwise than files say: that name is somebody else's, or can be none."""
        return self.state != "removed" and name_key(self.name) != name_key(self.told)


class NamedAlone(DataLoss):
    """Only a name is written down, and whom it may be is not known yet."""


class FormerUsers:
    """Finds the account of whom files name, and makes it anew where it is not there.

    Args:
        db: the index.
        contested: names that several have had: none of them is given one as it is, for nobody could tell whose it is.
            None: any may be, for nobody has looked at all that is written down.
        by_name: whether there is an account for a name alone, too; one that is called so, for it may be several people.
    """

    def __init__(self, db: Database, contested: Collection[str] | None = (), *, by_name: bool = True) -> None:
        self._db, self.by_name = db, by_name
        self._contested = None if contested is None else frozenset(map(name_key, contested))
        self.added: list[FormerUser] = []
        """Those who were added, in order."""

    def told_since(self, known: int) -> str:
        """Return for whom accounts were added after so many, as the end of a sentence; empty: for nobody."""
        return "".join(f", for {one.name}, whom nobody lets in yet" for one in self.added[known:])

    def of(self, told: Whose, now_us: int) -> User:
        """Return the user whose something is.

        Args:
            told: as it is written down; of somebody.
            now_us: the time.

        Raises:
            NamedAlone: there is no account for a name alone.
            GatehouseError: the index does not answer.
        """
        user, is_new = self._find_or_add(told, now_us)
        if is_new:
            self.added.append(FormerUser(user.name, told.name, user.state, told.created_us, by_name=not told.id))
        return user

    @retried
    def _find_or_add(self, told: Whose, now_us: int) -> tuple[User, bool]:
        with self._db.begin(durable=True) as c:
            lock_users(c)
            fact = _fact(told.name)
            known = told.id or c.execute(select(FactRow.value).where(FactRow.name == fact)).scalar()
            row = c.execute(select(*_COLUMNS).where(UserRow.id == known)).first() if known else None
            if row is not None:
                return user_of_row(row), False
            if not told.id and not self.by_name:
                raise NamedAlone(f"only a name is written down: {told.name}")
            is_contested = self._contested is None or name_key(told.name) in self._contested
            user = _anew(c, told, now_us, is_contested=is_contested)
            key = user.id if user.state == "removed" else name_key(user.name)
            c.execute(insert(UserRow).values(name_key=key, **{f.name: getattr(user, f.name) for f in fields(User)}))
            if not told.id and known is None:
                c.execute(insert(FactRow).values(name=fact, value=user.id, noted_us=now_us))
        return user, True


def _anew(c: Connection, told: Whose, now_us: int, *, is_contested: bool) -> User:
    """Return a user who may do nothing, under the number that it had unless that is another's by now."""
    taken = c.execute(select(UserRow.number).where(UserRow.number == told.number)).first() is not None
    had_one = told.id and 0 < told.number <= _MOST_NUMBER
    highest = c.execute(select(func.max(UserRow.number))).scalar() or 0
    number = told.number if had_one and not taken else highest + 1
    state = "removed" if told.removed else "disabled"
    name = _shown(told.name) or f"user {number}"
    if state != "removed":
        by_name = "" if told.id else f"{name[:_LONGEST_STEM].rstrip()} (by name)"  # which is nobody's name yet
        name = _free_name(c, by_name or name, is_taken=is_contested and not by_name)
    created_us = told.created_us or now_us
    return User(number, told.id or new_id(), name, Role.UPLOADER, state, None, False, {}, 1, created_us, None)


def _shown(name: str) -> str:
    """Return a name as it is kept; empty: it cannot be one any more."""
    try:
        return parse_name(name)
    except InvalidInput:
        return ""


def _free_name(c: Connection, name: str, *, is_taken: bool) -> str:
    """Return a name, or the first of ``name (2)``, ``name (3)`` that nobody has; ``is_taken``: not the name itself."""
    found, n = name, 1
    while (is_taken and n == 1) or c.execute(
        select(UserRow.number).where(UserRow.name_key == name_key(found))
    ).first() is not None:
        n += 1
        found = f"{name[:_LONGEST_STEM].rstrip()} ({n})"
    return found


def _fact(name: str) -> str:
    """Return under which name it is kept who stands for a name that files say without an id."""
    return f"former:{hashlib.sha256(name_key(name).encode()).hexdigest()[:40]}"

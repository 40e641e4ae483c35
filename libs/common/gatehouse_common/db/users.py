"""Users: who there is, in which role, and with which cameras."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from gatehouse_common.accounts import Grant, Permission, Role, name_key, parse_name
from gatehouse_common.errors import ChangedSince, Conflict, NotFound
from gatehouse_common.ids import new_id

from .account_models import ApiTokenRow, GrantRow, LoginRow, UserRow
from .contention import retried
from .engine import Database
from .user_lock import lock_users


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may do something; times are microseconds UTC.

    Attributes:
        number: an integer that no other ever had or gets.
        id: UUIDv7.
        name: as people see it.
        role: what the user is here for.
        state: ``active``, ``pending`` (signed up, not let in yet), ``disabled``, ``removed``.
        password: what is kept of it; None: there is none, so nobody logs in with it.
        all_cameras: whether all cameras are there for this user; else those that were granted.
        settings: what pages remember.
        version: counts changes, for who wants to change only what was seen.
        created_us: when it was added.
        seen_us: when it logged in last; None: never.
    """

    number: int
    id: str
    name: str
    role: Role
    state: str
    password: str | None
    all_cameras: bool
    settings: Mapping[str, Any]
    version: int
    created_us: int
    seen_us: int | None

    @property
    def tag(self) -> str:
        """What it is called as it is: another text once it is changed."""
        return f"{self.id}-{self.version}"

    @property
    def is_active(self) -> bool:
        """Whether anything may be done at all."""
        return self.state == "active"


_USER = [getattr(UserRow, f.name) for f in fields(User)]
_BY_NAME = select(*_USER).where(UserRow.name_key == bindparam("key"))  # of every blob: put together once
_CHANGEABLE = frozenset({"name", "role", "state", "password", "all_cameras", "settings"})


_ADMINS = (UserRow.role == Role.ADMIN, UserRow.state.in_(("active", "disabled")))


class Users:
    """Adds, finds, changes and removes users. The last admin who can log in stays one."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def any(self) -> bool:
        """Return whether there is an admin: until then, whoever comes first sets the installation up.

        Others there may be: those who wait to be let in, and those whom a proxy has named.
        """
        with self._db.look() as c:
            return c.execute(select(UserRow.number).where(*_ADMINS).limit(1)).first() is not None

    @retried
    def add(
        self,
        name: str,
        role: Role,
        now_us: int,
        *,
        password: str | None = None,
        all_cameras: bool | None = None,
        state: str = "active",
        first: bool = False,
    ) -> User:
        """Add a user.

        Args:
            name: for people; found by ``name_key``.
            role: what it is here for.
            now_us: the time.
            password: its hash.
            all_cameras: whether all cameras are there for it; by default for admins and operators.
            state: ``active`` or ``pending``.
            first: only if there is no admin yet.

        Raises:
            InvalidInput: the name cannot be one.
            Conflict: it is taken; or there is an admin already, and this was to be the first.
        """
        shown = parse_name(name)
        everything = role in {Role.ADMIN, Role.OPERATOR} if all_cameras is None else all_cameras
        with self._db.begin() as c:
            lock_users(c)
            number = (c.execute(select(func.max(UserRow.number))).scalar() or 0) + 1
            if first and c.execute(select(UserRow.number).where(*_ADMINS)).first() is not None:
                raise Conflict("there are users already: the installation has been set up.")
            _refuse_taken(c, shown)
            user = User(number, new_id(), shown, role, state, password, everything, {}, 1, now_us, None)
            values = {f.name: getattr(user, f.name) for f in fields(User)}
            c.execute(insert(UserRow).values(name_key=name_key(shown), **values))
        return user

    def list(self, *, removed: bool = False) -> list[User]:
        """Return users by name; those too that were removed, if asked for."""
        query = select(*_USER).order_by(UserRow.name_key)
        with self._db.look() as c:
            rows = c.execute(query if removed else query.where(UserRow.state != "removed"))
            return [user_of_row(row) for row in rows]

    def get(self, user_id: str) -> User:
        """Return a user by its id.

        Raises:
            NotFound: there is none.
        """
        with self._db.look() as c:
            row = c.execute(select(*_USER).where(UserRow.id == user_id)).first()
        if row is None:
            raise NotFound(f"there is no user {user_id[:64]!r}")
        return user_of_row(row)

    def id_of(self, number: int) -> str:
        """Return the id of the user of a number; empty: there is none."""
        with self._db.look() as c:
            return c.execute(select(UserRow.id).where(UserRow.number == number)).scalar() or ""

    def named(self, name: str) -> User | None:
        """Return the user of a name, None if there is none."""
        with self._db.look() as c:
            row = c.execute(_BY_NAME, {"key": name_key(name)}).first()
        return None if row is None else user_of_row(row)

    @retried
    def change(self, user_id: str, *, seen: Collection[str] | None = None, **values: Any) -> User:
        """Change what is given of name, role, state, password, all_cameras and settings.

        With the password, the role or the state, all sessions of the user end. Its tokens open nothing while
        its state is another than ``active``.

        Args:
            user_id: whose.
            seen: only if its tag is one of these; None: whatever it is.
            values: what to change.

        Raises:
            NotFound: there is no such user.
            ChangedSince: it has another tag by now.
            Conflict: the name is taken; or nobody would be left who may change anything.
        """
        unknown = values.keys() - _CHANGEABLE
        if unknown:
            raise TypeError(f"users have no {', '.join(sorted(unknown))} to change")
        with self._db.begin() as c:
            lock_users(c)
            before = _locked(c, user_id, seen)
            new = dict(values)
            if "name" in new:
                new["name"] = parse_name(new["name"])
                _refuse_taken(c, new["name"], but=user_id)
                new["name_key"] = name_key(new["name"])
            _keep_an_admin(c, before, new)
            c.execute(update(UserRow).where(UserRow.id == user_id).values(version=before.version + 1, **new))
            if {"password", "role", "state"} & new.keys():
                c.execute(delete(LoginRow).where(LoginRow.user == user_id))
        return self.get(user_id)

    @retried
    def remember(self, user_id: str, told: Mapping[str, Any]) -> None:
        """Keep what pages remember, beside what they did; what is None is forgotten.

        It is no change of the user for who wants to change only what was seen.

        Raises:
            NotFound: there is no such user.
        """
        with self._db.begin() as c:
            lock_users(c)
            kept = {**_locked(c, user_id).settings, **told}
            settings = {name: value for name, value in kept.items() if value is not None}
            c.execute(update(UserRow).where(UserRow.id == user_id).values(settings=settings))

    @retried
    def remove(self, user_id: str, *, seen: Collection[str] | None = None) -> None:
        """Remove a user: what it did stays on record, its name is free again, nothing lets it in any more.

        With ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such user.
            ChangedSince: it has another tag by now.
            Conflict: it is the last admin who can log in.
        """
        with self._db.begin() as c:
            lock_users(c)
            before = _locked(c, user_id, seen)
            gone: dict[str, Any] = {"state": "removed", "password": None, "name_key": user_id, "settings": {}}
            _keep_an_admin(c, before, gone)
            c.execute(update(UserRow).where(UserRow.id == user_id).values(version=before.version + 1, **gone))
            for table in (LoginRow, GrantRow, ApiTokenRow):
                c.execute(delete(table).where(table.user == user_id))

    @retried
    def renew_hash(self, user_id: str, before: str, after: str) -> None:
        """Keep another hash of the same password, unless it has been changed meanwhile; sessions go on."""
        with self._db.begin() as c:
            same = (UserRow.id == user_id, UserRow.password == before)
            c.execute(update(UserRow).where(*same).values(password=after))

    @retried
    def note_seen(self, user_id: str, now_us: int) -> None:
        """Note that a user has logged in."""
        with self._db.begin() as c:
            c.execute(update(UserRow).where(UserRow.id == user_id).values(seen_us=now_us))

    def grants(self, user_id: str) -> Mapping[str, Grant]:
        """Return what was granted to a user, by camera."""
        with self._db.look() as c:
            rows = c.execute(
                select(GrantRow.camera, GrantRow.permissions, GrantRow.last_hours)
                .where(GrantRow.user == user_id)
                .order_by(GrantRow.camera)
            )
            found = {camera: Grant(camera, _permissions(names), hours) for camera, names, hours in rows}
        return MappingProxyType(found)

    @retried
    def grant(self, user_id: str, grants: Iterable[Grant], *, seen: Collection[str] | None = None) -> None:
        """Put grants in place of those that a user has; with ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such user.
            ChangedSince: it has another tag by now.
        """
        with self._db.begin() as c:
            lock_users(c)
            before = _locked(c, user_id, seen)
            c.execute(delete(GrantRow).where(GrantRow.user == user_id))
            for one in {grant.camera: grant for grant in grants}.values():
                c.execute(insert(GrantRow).values(_grant_row(user_id, one)))
            c.execute(update(UserRow).where(UserRow.id == user_id).values(version=before.version + 1))

    @retried
    def grant_camera(self, user_id: str, grant: Grant) -> None:
        """Grant a camera to a user, in place of what was granted of it; other grants stay.

        Raises:
            NotFound: there is no such user.
        """
        with self._db.begin() as c:
            lock_users(c)
            before = _locked(c, user_id)
            c.execute(delete(GrantRow).where(GrantRow.user == user_id, GrantRow.camera == grant.camera))
            c.execute(insert(GrantRow).values(_grant_row(user_id, grant)))
            c.execute(update(UserRow).where(UserRow.id == user_id).values(version=before.version + 1))

    @retried
    def take_camera(self, user_id: str, camera: str) -> None:
        """Take back what was granted of a camera; other grants stay.

        Raises:
            NotFound: there is no such user, or nothing of this camera was granted.
        """
        with self._db.begin() as c:
            lock_users(c)
            before = _locked(c, user_id)
            those = delete(GrantRow).where(GrantRow.user == user_id, GrantRow.camera == camera)
            if not c.execute(those).rowcount:
                raise NotFound(f"camera {camera[:64]!r} was not granted to {before.name!r}.")
            c.execute(update(UserRow).where(UserRow.id == user_id).values(version=before.version + 1))


def _locked(c: Connection, user_id: str, seen: Collection[str] | None = None) -> User:
    row = c.execute(select(*_USER).where(UserRow.id == user_id, UserRow.state != "removed").with_for_update()).first()
    if row is None:
        raise NotFound(f"there is no user {user_id[:64]!r}")
    user = user_of_row(row)
    if seen is not None and user.tag not in seen:
        raise ChangedSince(f"user {user.name!r} has been changed since you looked: look again.")
    return user


def _refuse_taken(c: Connection, name: str, but: str = "") -> None:
    taken = select(UserRow.id).where(UserRow.name_key == name_key(name), UserRow.id != but)
    if c.execute(taken).first() is not None:
        raise Conflict(f"there is a user {name!r} already.")


def _keep_an_admin(c: Connection, before: User, new: Mapping[str, Any]) -> None:
    """Return unless a change takes away the last who may change anything, and can log in to do so.

    Raises:
        Conflict: it does.
    """
    was = before.role == Role.ADMIN and before.is_active
    stays = new.get("role", before.role) == Role.ADMIN and new.get("state", before.state) == "active"
    has_no_password = new.get("password", before.password) is None
    if not was or (stays and (before.password is None or not has_no_password)):
        return
    others = select(UserRow.id).where(UserRow.role == Role.ADMIN, UserRow.state == "active", UserRow.id != before.id)
    if before.password is not None:  # else a proxy names them all, and none has one
        others = others.where(UserRow.password.is_not(None))
    if c.execute(others).first() is None:
        raise Conflict(f"{before.name!r} is the last admin who can log in: make somebody else one first.")


def user_of_row(row: Any) -> User:
    """Return the user of a row that has the columns of ``User`` in the order of its fields."""
    number, user_id, name, role, *others = row
    return User(number, user_id, name, Role(role), *others)


def _grant_row(user_id: str, grant: Grant) -> dict[str, Any]:
    names = sorted(grant.permissions)
    return {"user": user_id, "camera": grant.camera, "permissions": names, "last_hours": grant.last_hours}


def _permissions(names: Iterable[str]) -> frozenset[Permission]:
    return frozenset(Permission(name) for name in names)

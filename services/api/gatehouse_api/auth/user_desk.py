"""What admins do with users, and everybody with tokens and sessions of their own; each deed is then written down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatehouse_common.accounts import ApiToken, Grant, Principal, Role, Scope
from gatehouse_common.accounts.passwords import Passwords
from gatehouse_common.db import Audit, Login, TokenRecord, User
from gatehouse_common.errors import Conflict, Forbidden, InvalidInput, NotFound
from gatehouse_common.runtime import Core

from .deeds import deed_of
from .doorkeeper import Doorkeeper
from .login_desk import Caller


@dataclass(frozen=True, slots=True)
class TokenOrder:
    """What a new token shall be for.

    Attributes:
        name: for people.
        scopes: what it may be used for.
        cameras: for which cameras; None: all that its user sees.
        networks: from where; None: from anywhere.
        expires_us: when it ends by itself, microseconds UTC; None: never.
    """

    name: str
    scopes: frozenset[Scope]
    cameras: Sequence[str] | None = None
    networks: Sequence[str] | None = None
    expires_us: int | None = None


class UserDesk:
    """Changes who may do what.

    Args:
        core: the index, the time.
        keeper: knows users and their sessions.
        audit: where deeds are written down.
        passwords: hashes.
    """

    def __init__(self, core: Core, keeper: Doorkeeper, audit: Audit, passwords: Passwords) -> None:
        self._clock, self._keeper, self._audit, self._passwords = core.clock, keeper, audit, passwords

    def add(
        self,
        asks: Principal,
        caller: Caller,
        name: str,
        role: Role,
        password: str | None,
        *,
        all_cameras: bool | None = None,
        grants: Iterable[Grant] = (),
    ) -> User:
        """Add a user who is let in at once.

        Raises:
            InvalidInput: name or password cannot be used.
            Conflict: the name is taken.
        """
        _check_reach(asks)
        kept = None if password is None else self._hashed(password, name)
        user = self._keeper.users.add(
            name, role, self._clock.now_us(), password=kept, all_cameras=all_cameras, state="active"
        )
        found = list(grants)
        if found:
            self._keeper.users.grant(user.id, found)
        detail = {"role": role.value, "all_cameras": user.all_cameras, "grants": _shown(found)}
        self._note(asks, caller, "user.added", user.name, detail)
        return self._keeper.users.get(user.id)

    def change(
        self, asks: Principal, caller: Caller, user_id: str, *, seen: Collection[str] | None = None, **values: Any
    ) -> User:
        """Change name, role, state, password or all_cameras of a user; with ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such user.
            InvalidInput: name or password cannot be used.
            ChangedSince: it was changed since.
            Conflict: the name is taken, or it is the last admin.
        """
        before = self.get(user_id)
        _check_reach(asks)
        new = dict(values)
        if "password" in new:
            new["password"] = self._hashed(new["password"], new.get("name", before.name))
        after = self._keeper.users.change(user_id, seen=seen, **new)
        was = {name: _plain(getattr(before, name)) for name in values if name != "password"}
        now = {name: _plain(getattr(after, name)) for name in values if name != "password"}
        detail = {"before": was, "after": now} | ({"password": "set anew"} if "password" in values else {})
        self._note(asks, caller, "user.changed", before.name, detail)
        return after

    def grant(
        self,
        asks: Principal,
        caller: Caller,
        user_id: str,
        grants: Iterable[Grant],
        *,
        seen: Collection[str] | None = None,
    ) -> User:
        """Put grants in place of those that a user has; with ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such user.
            ChangedSince: it was changed since.
        """
        user, found = self.get(user_id), list(grants)
        _check_reach(asks)
        before = list(self._keeper.users.grants(user_id).values())
        self._keeper.users.grant(user_id, found, seen=seen)
        self._note(asks, caller, "user.granted", user.name, {"before": _shown(before), "after": _shown(found)})
        return self._keeper.users.get(user_id)

    def remove(self, asks: Principal, caller: Caller, user_id: str, *, seen: Collection[str] | None = None) -> None:
        """Remove a user: nothing lets it in any more, what it did stays on record.

        With ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such user.
            ChangedSince: it was changed since.
            Conflict: it is the last admin.
        """
        user = self.get(user_id)
        _check_reach(asks)
        self._keeper.users.remove(user_id, seen=seen)
        self._note(asks, caller, "user.removed", user.name, {"role": user.role.value})

    def get(self, user_id: str) -> User:
        """Return a user.

        Raises:
            NotFound: there is none, or it was removed.
        """
        user = self._keeper.users.get(user_id)
        if user.state == "removed":
            raise NotFound(f"there is no user {user_id[:64]!r}")
        return user

    def make_token(self, asks: Principal, caller: Caller, order: TokenOrder) -> ApiToken:
        """Make a token of whoever asks; it is shown now and never again.

        Raises:
            Conflict: nobody is known here, so that it could be nobody's.
            Forbidden: it would allow more than whoever asks may.
            InvalidInput: it has no name, no scope, no network that is one, or has expired already.
        """
        if not asks.user:
            raise Conflict("there are no users here (auth.mode is open), so that a token would be nobody's.")
        beyond = sorted(scope for scope in order.scopes if not asks.may(scope))
        if beyond:
            raise Forbidden(f"a token cannot allow what you may not: {', '.join(beyond)}.")
        cameras = order.cameras
        unseen = [] if cameras is None else [camera for camera in cameras if not asks.sees(camera)]
        if unseen:
            raise InvalidInput(f"there is no camera {unseen[0][:64]!r}", "cameras")
        token = self._keeper.tokens.make(
            asks.user,
            order.name,
            order.scopes,
            self._clock.now_us(),
            cameras=cameras,
            networks=order.networks,
            expires_us=order.expires_us,
        )
        detail = {"token": token.id, "scopes": sorted(order.scopes), "cameras": None if cameras is None else [*cameras]}
        self._note(asks, caller, "token.made", asks.name, detail)
        return token

    def tokens(self, asks: Principal, *, of_all: bool = False) -> list[TokenRecord]:
        """Return the tokens of whoever asks; of all, for whoever may see users."""
        return self._keeper.tokens.list(None if of_all and asks.may(Scope.USERS_ADMIN) else asks.user)

    def revoke_token(
        self, asks: Principal, caller: Caller, token_id: str, *, seen: Collection[str] | None = None
    ) -> None:
        """Revoke a token of whoever asks, or anybody's if they may see users; again changes nothing.

        With ``seen`` only if its tag is one of these.

        Raises:
            NotFound: there is no such token.
            ChangedSince: it was revoked since.
        """
        of = None if asks.may(Scope.USERS_ADMIN) else asks.user or "-"
        record = self._keeper.tokens.revoke(token_id, self._clock.now_us(), of, seen=seen)
        self._note(asks, caller, "token.revoked", self._keeper.users.get(record.user).name, {"token": token_id})

    def sessions(self, user_id: str) -> list[Login]:
        """Return the sessions of a user that go on."""
        return self._keeper.logins.list(user_id, self._clock.now_us())

    def end_session(self, asks: Principal, caller: Caller, login_id: str) -> None:
        """End a session of whoever asks.

        Raises:
            NotFound: there is no such session.
        """
        if not self._keeper.logins.end_all(asks.user, login_id=login_id):
            raise NotFound(f"there is no session {login_id[:64]!r}")
        self._note(asks, caller, "session.ended", asks.name, {"session": login_id})

    def end_sessions(self, asks: Principal, caller: Caller, user_id: str) -> int:
        """End all sessions of a user, but for the one that asks; return how many.

        Raises:
            NotFound: there is no such user.
        """
        user = self.get(user_id)
        ended = self._keeper.logins.end_all(user_id, but=asks.session or "")
        self._note(asks, caller, "session.ended", user.name, {"sessions": ended})
        return ended

    def _hashed(self, password: str, name: str) -> str:
        self._passwords.check(password, of=name)
        return self._passwords.hash(password)

    def _note(self, asks: Principal, caller: Caller, action: str, name: str, detail: Mapping[str, Any]) -> None:
        self._audit.write(deed_of(asks, caller, action, f"user {name}", detail), self._clock.now_us())


def _check_reach(asks: Principal) -> None:
    """Return if whoever asks may change users.

    Raises:
        Forbidden: a token was shown: it may end, or be for one camera, and whoever makes an admin, or gives one another
            password, is one for good.
    """
    if asks.token is not None:
        raise Forbidden("a token changes no users: log in, or use `gatehouse user` on the machine.")


def _plain(value: object) -> object:
    return value.value if isinstance(value, Role) else value


def _shown(grants: Iterable[Grant]) -> dict[str, Any]:
    return {g.camera: {"permissions": sorted(g.permissions), "last_hours": g.last_hours} for g in grants}

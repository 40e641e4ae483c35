"""Finds out who asks: by the cookie of a session, by a token, or by what a proxy says."""

from __future__ import annotations

from dataclasses import replace

from flask import Request

from gatehouse_common.accounts import ROLE_SCOPES, Principal, Role, Scope, name_key
from gatehouse_common.clock import HOUR
from gatehouse_common.db import Audit, Deed, Logins, Tokens, User, Users
from gatehouse_common.errors import Conflict, NotFound, Unauthenticated
from gatehouse_common.observability.metrics import AUTH_FAILURES
from gatehouse_common.runtime import Core

from .cookies import read_cookie
from .proxy_names import ProxyNames

EVERYBODY = Principal("", 0, "", Role.ADMIN, frozenset(Scope), None)
"""Who asks where nobody has to be known."""


class Doorkeeper:
    """Knows users by what they show.

    Args:
        core: the index, the settings, the time.
    """

    def __init__(self, core: Core) -> None:
        auth = core.settings.values.auth
        self._auth = auth
        self.is_open = auth.mode == "open"
        self._proxy = ProxyNames(auth) if auth.mode == "proxy" else None
        self.is_by_proxy = self._proxy is not None
        self._admins = frozenset(name_key(name) for name in auth.proxy_admins.split(",") if name.strip())
        self.users, self.tokens = Users(core.db), Tokens(core.db)
        self.logins = Logins(core.db, round(auth.idle_hours * HOUR), round(auth.session_days * 24 * HOUR))
        self._clock, self._audit = core.clock, Audit(core.db)

    def find(self, request: Request, *, by_cookie: bool = True) -> Principal | None:
        """Return who asks, None if nothing was shown.

        Args:
            request: what is asked.
            by_cookie: whether a cookie counts: browsers send it with what pages of other sites ask too.

        Raises:
            Unauthenticated: what was shown is not good, or not any more.
        """
        if self.is_open:
            return EVERYBODY
        if self._proxy is not None and (named := self._proxy.name(request)):
            return self._by_name(named)
        token = _shown_token(request)
        if token is not None:
            return self._by_token(token, request.remote_addr or "")
        cookie = read_cookie(request) if by_cookie and not self.is_by_proxy else ""
        return None if not cookie else self._by_cookie(cookie)

    def _by_token(self, text: str, address: str) -> Principal:
        found = self.tokens.find(text, self._clock.now_us(), address)
        user = None if found is None else self._active(found.user)
        if found is None or user is None:
            AUTH_FAILURES.labels("token").inc()
            raise Unauthenticated(
                "this token is not good: it is none, has expired, was revoked, or not for this address."
            )
        whole = self._principal(user)
        asks = replace(whole, scopes=frozenset(s for s in whole.scopes if s in found.scopes), token=found.id)
        return asks if found.cameras is None else asks.only(found.cameras)

    def _by_name(self, name: str) -> Principal:
        user = self.users.named(name) or self._meet(name)
        if not user.is_active:
            raise Unauthenticated(f"{user.name!r} is not let in.")
        return self._principal(user)

    def _meet(self, name: str) -> User:
        """Add whom the proxy names for the first time."""
        admin = name_key(name) in self._admins
        role = Role.ADMIN if admin else Role(self._auth.proxy_role)
        now_us = self._clock.now_us()
        try:
            user = self.users.add(name, role, now_us)
        except Conflict:
            found = self.users.named(name)  # two requests of theirs came at once
            if found is None:
                raise
            return found
        detail = {"role": role.value, "by": "the proxy"}
        self._audit.write(Deed("user.added", f"user {user.name}", detail=detail), now_us)
        return user

    def _by_cookie(self, cookie: str) -> Principal | None:
        found = self.logins.find(cookie, self._clock.now_us())
        user = None if found is None else self._active(found.user)
        if found is None or user is None:
            return None  # it has ended, as sessions do: whoever asks logs in anew
        return replace(self._principal(user), session=found.digest)

    def _principal(self, user: User) -> Principal:
        grants = None if user.all_cameras else self.users.grants(user.id)
        return Principal(user.id, user.number, user.name, user.role, ROLE_SCOPES[user.role], grants)

    def _active(self, user_id: str) -> User | None:
        try:
            user = self.users.get(user_id)
        except NotFound:
            return None
        return user if user.is_active else None


def _shown_token(request: Request) -> str | None:
    """Return the token that a request shows: as Bearer (RFC 6750), as ``X-API-Key``, or as the password of Basic."""
    shown = request.authorization
    if shown is not None and shown.type == "bearer":
        return shown.token or ""
    if shown is not None and shown.type == "basic":
        return shown.password or ""
    return request.headers.get("X-API-Key")

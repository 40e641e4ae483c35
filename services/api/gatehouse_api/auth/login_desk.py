"""Lets people in: the first of all, those who sign up, and those who know their password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import structlog

from gatehouse_common.accounts import Principal, Role, fingerprint, new_session_id
from gatehouse_common.accounts.passwords import Passwords
from gatehouse_common.clock import SECOND
from gatehouse_common.db import Audit, Deed, Facts, LoginAttempts, User
from gatehouse_common.errors import ChangedSince, Conflict, Forbidden, InvalidInput, TooOften, Unauthenticated
from gatehouse_common.observability.metrics import AUTH_FAILURES
from gatehouse_common.runtime import Core, PageSettings

from .doorkeeper import Doorkeeper

log = structlog.get_logger(__name__)

SETUP_TOKEN = "setup.token"  # noqa: S105 - the name of a fact
_MANY_FAILURES = 20


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from: its address, and what the browser says that it is."""

    address: str
    agent: str


class LoginDesk:
    """Compares passwords and begins sessions.

    Args:
        core: the index, the settings, the time.
        keeper: knows users and their sessions.
        passwords: hashes and compares.
        page: what may have been set since the start.
    """

    def __init__(
        self, core: Core, keeper: Doorkeeper, passwords: Passwords | None = None, page: PageSettings | None = None
    ) -> None:
        self._settings, self._clock = core.settings.values.auth, core.clock
        self._keeper, self._passwords = keeper, passwords or Passwords()
        self._page = page or PageSettings(core)
        self._attempts, self._audit, self._facts = LoginAttempts(core.db), Audit(core.db), Facts(core.db)

    def log_in(self, name: str, password: str, caller: Caller) -> str:
        """Begin a session of whoever knows a name and its password; return what its cookie says.

        Raises:
            Unauthenticated: name or password is wrong, or the user is not let in.
            TooOften: there were too many wrong guesses.
            Conflict: people are known in another way here.
        """
        self._refuse_elsewhere()
        now_us = self._clock.now_us()
        wait_us = self._attempts.begin(name, caller.address, now_us)
        if wait_us:
            after = wait_us / SECOND
            AUTH_FAILURES.labels("throttled").inc()
            raise TooOften(f"too many wrong guesses: try again in {after:.0f} s.", after)
        user = self._keeper.users.named(name)
        kept = user.password if user is not None and user.is_active else None
        if not self._passwords.verify(kept, password) or user is None or kept is None:
            self._refuse(user, name, caller)
        self._attempts.succeeded(name, caller.address)
        cookie = self._begin(user, caller, kept)
        self._note("session.begun", user, caller)
        if self._passwords.is_outdated(kept):
            log.info("a password is kept by a newer hash from now on", user=user.name)
            self._keeper.users.renew_hash(user.id, kept, self._passwords.hash(password))
        return cookie

    def log_out(self, asks: Principal, caller: Caller) -> None:
        """End the session of whoever asks."""
        if asks.session is None:
            return
        self._keeper.logins.end(asks.session)
        deed = Deed("session.ended", f"user {asks.name}", asks.name, asks.user, None, caller.address)
        self._audit.write(deed, self._clock.now_us())

    def set_up(self, name: str, password: str, token: str, caller: Caller, *, trusted: bool) -> str:
        """Make the first user, an admin, and begin a session.

        Args:
            name: of the admin.
            password: of the admin.
            token: what was printed when Gatehouse was started.
            caller: where the request comes from.
            trusted: it comes from this very machine, so that no token is needed.

        Raises:
            Conflict: there is a user already.
            Forbidden: the token is another.
            InvalidInput: name or password cannot be used.
        """
        self._refuse_elsewhere()
        if self._keeper.users.any():
            raise Conflict("there are users already: log in.")
        if not trusted and (not token or fingerprint(token.strip()) != self._facts.get(SETUP_TOKEN)):
            raise Forbidden("the setup token is not the one that was printed when Gatehouse was started last.")
        self._passwords.check(password, of=name)
        kept = self._passwords.hash(password)
        user = self._keeper.users.add(name, Role.ADMIN, self._clock.now_us(), password=kept, first=True)
        self._note("installation.set_up", user, caller)
        return self._begin(user, caller, kept)

    def sign_up(self, name: str, password: str, caller: Caller) -> User:
        """Add a user whom an admin has to let in.

        Raises:
            Forbidden: nobody may sign up.
            Conflict: the name is taken.
            InvalidInput: name or password cannot be used.
            TooOften: too much has been tried from this address.
        """
        if not self._page.values.auth.sign_up:
            raise Forbidden("nobody can sign up here: ask an admin to add you.")
        self._refuse_elsewhere()
        if not self._keeper.users.any():
            raise Conflict("there is nobody yet who could let you in: the first user is made at /setup.")
        now_us = self._clock.now_us()
        wait_us = self._attempts.begin_sign_up(caller.address, now_us)
        if wait_us:
            raise TooOften("too many have signed up from this address: try again later.", wait_us / SECOND)
        self._passwords.check(password, of=name)
        kept = self._passwords.hash(password)
        user = self._keeper.users.add(name, Role.VIEWER, now_us, password=kept, all_cameras=False, state="pending")
        self._note("user.signed_up", user, caller)
        return user

    def change_password(self, asks: Principal, before: str, after: str, caller: Caller) -> str:
        """Give whoever asks another password; return a new session, all others have ended.

        Raises:
            Unauthenticated: the password before is wrong.
            InvalidInput: the new one cannot be used.
            TooOften: there were too many wrong guesses.
            Conflict: somebody else has changed the user meanwhile.
        """
        user = self._keeper.users.get(asks.user)
        wait_us = self._attempts.begin(user.name, caller.address, self._clock.now_us())
        if wait_us:
            AUTH_FAILURES.labels("throttled").inc()
            raise TooOften(f"too many wrong guesses: try again in {wait_us / SECOND:.0f} s.", wait_us / SECOND)
        if not self._passwords.verify(user.password, before):
            self._refuse(user, user.name, caller)
        if after == before:
            raise InvalidInput("the new password is the old one.", "password")
        self._passwords.check(after, of=user.name)
        self._attempts.succeeded(user.name, caller.address)
        kept = self._passwords.hash(after)
        # What an admin has done meanwhile stays: a password that was reset is not the one that was compared.
        try:
            self._keeper.users.change(user.id, seen={user.tag}, password=kept)
        except ChangedSince as error:
            raise Conflict(error.message) from error
        self._note("password.changed", user, caller)
        return self._begin(user, caller, kept)

    def set_up_by_settings(self) -> bool:
        """Make the first user of the settings, if there is none and they name a password; return whether.

        Raises:
            InvalidInput: name or password cannot be used.
        """
        name, password = self._settings.admin, self._settings.admin_password
        if not password or self._settings.mode != "local" or self._keeper.users.any():
            return False
        self._passwords.check(password, of=name)
        kept = self._passwords.hash(password)
        user: User | None
        try:
            user = self._keeper.users.add(name, Role.ADMIN, self._clock.now_us(), password=kept, first=True)
        except Conflict:
            user = self._let_former_in(name, kept)
        if user is None:  # another replica was first
            return False
        self._note("installation.set_up", user, Caller("", ""))
        return True

    def _let_former_in(self, name: str, kept: str) -> User | None:
        """Make an admin of the user of a name that an index which was made anew knows of files, and nobody can be.

        Returns:
            That user; None: there is somebody who can log in, or who is not there any more.
        """
        users = self._keeper.users
        found = users.named(name)
        if users.any() or found is None:
            return None
        try:
            return users.change(
                found.id, seen={found.tag}, role=Role.ADMIN, state="active", password=kept, all_cameras=True
            )
        except ChangedSince:  # another replica has done so just now
            return None

    def new_setup_token(self) -> str | None:
        """Return what whoever sets the installation up from another machine has to give; None: it is set up.

        The one before is not good any more.
        """
        if self._settings.mode != "local" or self._keeper.users.any():
            return None
        token = new_session_id()
        self._facts.put(SETUP_TOKEN, fingerprint(token), self._clock.now_us())
        return token

    def _refuse_elsewhere(self) -> None:
        """Return if people are known by their passwords.

        Raises:
            Conflict: nobody is known, or those whom a proxy names: a password would be a way past it.
        """
        if self._settings.mode != "local":
            raise Conflict(f"nobody logs in here: auth.mode is {self._settings.mode!r}.")

    def _begin(self, user: User, caller: Caller, verified: str) -> str:
        now_us = self._clock.now_us()
        cookie = self._keeper.logins.begin(user.id, now_us, caller.address, caller.agent, verified=verified)
        self._keeper.users.note_seen(user.id, now_us)
        return cookie

    def _refuse(self, user: User | None, name: str, caller: Caller) -> NoReturn:
        """Refuse to let somebody in.

        Raises:
            Unauthenticated: always. It does not say whether there is such a user.
        """
        # A name that nobody has may be a password in the wrong field: it is written nowhere.
        AUTH_FAILURES.labels("password").inc()
        whom = "nobody who is known" if user is None else f"user {user.name}"
        failures = self._attempts.failures(name)
        deed = Deed("session.refused", whom, "", None, None, caller.address, {"in_a_row": failures}, done=False)
        self._audit.write(deed, self._clock.now_us())
        if failures % _MANY_FAILURES == 0:
            log.warning("somebody guesses passwords", address=caller.address, failures=failures)
        raise Unauthenticated("name or password is wrong, or an admin has not let you in yet.")

    def _note(self, action: str, user: User, caller: Caller) -> None:
        deed = Deed(action, f"user {user.name}", user.name, user.id, None, caller.address)
        self._audit.write(deed, self._clock.now_us())

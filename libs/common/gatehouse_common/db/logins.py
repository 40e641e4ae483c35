"""Sessions of browsers: they can be listed, and ended by somebody else than who has the cookie."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import delete, insert, or_, select, update

from gatehouse_common.accounts import fingerprint, new_session_id
from gatehouse_common.clock import HOUR, MINUTE
from gatehouse_common.errors import Unauthenticated
from gatehouse_common.ids import new_id

from .account_models import LoginRow, UserRow
from .contention import retried
from .engine import Database
from .kept_text import fit_text
from .user_lock import lock_user

_NOTED_EVERY_US = MINUTE


@dataclass(frozen=True, slots=True)
class Login:
    """A session of a browser; times are microseconds UTC.

    Attributes:
        id: what it is called in lists.
        user: id of whose it is.
        created_us: when somebody logged in.
        seen_us: when it was used last, to the minute.
        ends_us: when it ends, however much it is used.
        address: from where.
        agent: what the browser says that it is.
        digest: fingerprint of its cookie.
    """

    id: str
    user: str
    created_us: int
    seen_us: int
    ends_us: int
    address: str
    agent: str
    digest: str


_LOGIN = [getattr(LoginRow, f.name) for f in fields(Login)]


class Logins:
    """Begins, finds and ends sessions.

    Args:
        db: the index.
        idle_us: one that is not used for so long has ended.
        longest_us: one that began so long ago has, however much it is used.
    """

    def __init__(self, db: Database, idle_us: int = 24 * HOUR, longest_us: int = 30 * 24 * HOUR) -> None:
        self._db, self._idle_us, self._longest_us = db, idle_us, longest_us

    @retried
    def begin(self, user_id: str, now_us: int, address: str, agent: str, *, verified: str | None = None) -> str:
        """Begin a session, and forget those that have ended; return what the cookie shall say.

        Args:
            user_id: whose.
            now_us: the time.
            address: from where.
            agent: what the browser says that it is.
            verified: what is kept of the password that was verified; None: it was no password that let the user in.

        Raises:
            Unauthenticated: the user is not active (any more), or has another password since.
        """
        cookie = new_session_id()
        ends_us = now_us + self._longest_us
        shown = fit_text(address, 45), fit_text(agent, 300)
        row = Login(new_id(), user_id, now_us, now_us, ends_us, *shown, fingerprint(cookie))
        with self._db.begin() as c:
            # To verify takes long enough for a change of the user, which ends all sessions: this one must end too.
            user = lock_user(c, user_id)
            if user is None or not user.is_active or (verified is not None and user.password != verified):
                raise Unauthenticated("the user has been changed meanwhile: log in again.")
            c.execute(
                delete(LoginRow).where(or_(LoginRow.ends_us <= now_us, LoginRow.seen_us <= now_us - self._idle_us))
            )
            c.execute(insert(LoginRow).values({f.name: getattr(row, f.name) for f in fields(Login)}))
        return cookie

    def find(self, cookie: str, now_us: int) -> Login | None:
        """Return the session of a cookie, None if there is none or it has ended; notes that it was used.

        There is none for a user who is not active.
        """
        digest = fingerprint(cookie)
        query = select(*_LOGIN).join(UserRow, UserRow.id == LoginRow.user)
        with self._db.look() as c:
            row = c.execute(query.where(LoginRow.digest == digest, UserRow.state == "active")).first()
        if row is None:
            return None
        login = Login(*row)
        if login.ends_us <= now_us or login.seen_us <= now_us - self._idle_us:
            return None
        if abs(now_us - login.seen_us) >= _NOTED_EVERY_US:
            self._note_use(digest, now_us)
        return login

    def list(self, user_id: str, now_us: int) -> list[Login]:
        """Return the sessions of a user that go on, the newest first."""
        alive = (LoginRow.user == user_id, LoginRow.ends_us > now_us, LoginRow.seen_us > now_us - self._idle_us)
        with self._db.look() as c:
            rows = c.execute(select(*_LOGIN).where(*alive).order_by(LoginRow.created_us.desc()))
            return [Login(*row) for row in rows]

    @retried
    def end(self, digest: str) -> None:
        """End a session; if there is none any more, nothing changes."""
        with self._db.begin() as c:
            c.execute(delete(LoginRow).where(LoginRow.digest == digest))

    @retried
    def end_all(self, user_id: str, but: str = "", login_id: str | None = None) -> int:
        """End all sessions of a user but one, or only that of an id; return how many ended."""
        those = [LoginRow.user == user_id, LoginRow.digest != but]
        if login_id is not None:
            those.append(LoginRow.id == login_id)
        with self._db.begin() as c:
            return c.execute(delete(LoginRow).where(*those)).rowcount

    @retried
    def _note_use(self, digest: str, now_us: int) -> None:
        with self._db.begin() as c:
            c.execute(update(LoginRow).where(LoginRow.digest == digest).values(seen_us=now_us))

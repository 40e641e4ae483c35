"""Begins and stops recorder sessions, and gives out their files, each to who may have it."""

from __future__ import annotations

from gatehouse_common.accounts import Permission, Principal, Role, Scope
from gatehouse_common.clock import SECOND
from gatehouse_common.db import (
    Audit,
    Camera,
    Deed,
    Hold,
    HoldRepository,
    RecorderSession,
    RecorderSessions,
    SessionChunk,
    User,
    Users,
)
from gatehouse_common.errors import Conflict, Forbidden, NotFound
from gatehouse_common.ids import new_id
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Core

from .auth.caller import visible_to
from .auth.login_desk import Caller

_KEPT_US = 3600 * SECOND
"""So long after its end nothing of a session's footage is deleted, for its files are still to be cut."""


class RecorderDesk:
    """What routes do with sessions.

    Args:
        core: the index, the store, the time.
        users: who there is.
        audit: where it is written down what was deleted.
    """

    def __init__(self, core: Core, users: Users, audit: Audit) -> None:
        self._core, self._users, self._audit = core, users, audit
        self._sessions, self._holds = RecorderSessions(core.db), HoldRepository(core.db)
        self._is_open = core.settings.values.auth.mode == "open"
        sessions = core.settings.values.sessions
        self.total_s, self.chunk_s = sessions.total_seconds, sessions.chunk_seconds

    def user(self, name: str, asks: Principal) -> User:
        """Return the user for whom somebody records; where nobody is known, one of a new name is added.

        Raises:
            Forbidden: it is another, and who asks may not record for others.
            NotFound: there is no such user.
            InvalidInput: the name cannot be one.
        """
        found = self._users.named(name)
        if self._is_open:
            return found or self._users.add(name, Role.UPLOADER, self._core.clock.now_us(), all_cameras=True)
        if found is not None and found.id == asks.user:
            return found
        if not asks.may(Scope.RECORDS_IMPERSONATE):
            raise Forbidden("you can record in your own name only.")
        if found is None:
            raise NotFound(f"there is no user {name[:64]!r}")
        return found

    def find(self, name: str, asks: Principal) -> User | None:
        """Return a user whose sessions are there for whoever asks: one's own, or anybody's; None: there is none."""
        found = self._users.named(name)
        others = self._is_open or asks.may(Scope.RECORDS_ALL) or asks.may(Scope.USERS_ADMIN)
        return found if found is not None and (others or found.id == asks.user) else None

    def begin(self, user: User, camera: Camera, total_s: int, chunk_s: int) -> RecorderSession:
        """Begin a session: from now on, for so many seconds, in files of so many seconds.

        Raises:
            Conflict: this user records already, or the camera is off.
        """
        if not camera.enabled:
            raise Conflict(f"camera {camera.id!r} is off: nothing of it would be recorded.")
        now_us = self._core.clock.now_us()
        span = Interval(now_us, now_us + total_s * SECOND)
        session = self._sessions.begin(user.number, user.name, camera.id, span, chunk_s)
        reason = f"files of session {session.number} are made of it"
        until = span.end + _KEPT_US
        self._holds.place(Hold(new_id(), camera.id, None, span.start, span.end, reason, "", until, now_us, user.name))
        return session

    def active(self, user: User) -> RecorderSession | None:
        """Return the session of a user that goes on, None if there is none."""
        return self._sessions.active(user.number, self._core.clock.now_us())

    def stop(self, user: User) -> RecorderSession:
        """Stop the session of a user.

        Raises:
            NotFound: there is none that goes on.
        """
        session = self.active(user)
        if session is None:
            raise NotFound(f"No active recording for user {user.name}")
        return self._sessions.stop(session.number, self._core.clock.now_us())

    def chunks(self, session: int) -> list[SessionChunk]:
        """Return the files of a session that are stored, in order."""
        return self._sessions.chunks(session=session)

    def visible_chunks(self, asks: Principal, user: int | None = None) -> list[SessionChunk]:
        """Return the files that are there for somebody, of a user if one is named, the oldest first."""
        visible = visible_to(asks, Permission.PLAYBACK, self._core.clock.now_us())
        if not self._is_open and not asks.may(Scope.RECORDS_ALL):
            user, visible = asks.number, None  # one's own are there whatever was granted
        return self._sessions.chunks(user=user, visible=visible)

    def chunk(self, number: int, asks: Principal) -> SessionChunk:
        """Return a file.

        Raises:
            NotFound: there is none of that number for whoever asks.
        """
        found = self._sessions.chunk(number)
        others = self._is_open or (asks.may(Scope.RECORDS_ALL) and asks.sees(found.camera, Permission.PLAYBACK))
        if not others and found.user != asks.number:
            raise NotFound("Video chunk not found")
        return found

    def delete(self, number: int, asks: Principal, caller: Caller) -> None:
        """Delete a file, then note it: where it cannot be deleted, its row stays.

        Raises:
            NotFound: there is none of that number for whoever asks.
            Forbidden: it is another's, and who asks may not delete those.
            Conflict: it is on hold.
            GatehouseError: the store does not delete it.
        """
        found = self.chunk(number, asks)
        if not self._is_open and found.user != asks.number and not asks.may(Scope.FOOTAGE_DELETE):
            raise Forbidden("you can delete your own files only.")
        self._core.store.delete(found.key)
        self._sessions.remove(number)
        subject, detail = f"camera {found.camera}", {"file": found.key, "session": found.session}
        deed = Deed("session_file.deleted", subject, asks.name, asks.user or None, asks.token, caller.address, detail)
        self._audit.write(deed, self._core.clock.now_us())

"""Begins and stops recorder sessions, and gives out their files, each to who may have it."""

from __future__ import annotations

import threading

from flask import g

from gatehouse_common.accounts import Permission, Principal, Role, Scope, parse_name
from gatehouse_common.clock import MINUTE, SECOND
from gatehouse_common.db import (
    OF_NO_CAMERA,
    Also,
    Audit,
    BrowserSessions,
    Camera,
    Deed,
    Deletions,
    Received,
    RecorderSession,
    RecorderSessions,
    SessionChunk,
    SessionTrash,
    User,
    Users,
)
from gatehouse_common.errors import Conflict, Forbidden, NotFound
from gatehouse_common.intervals import Interval
from gatehouse_common.retention import copy_trash, refuse_of_age
from gatehouse_common.runtime import Core, PageSettings

from .auth.caller import visible_to, wanted_permission
from .auth.deeds import deed_of
from .auth.login_desk import Caller

MOST_NUMBER = 2**31 - 1
"""No file and no viewing has a greater number."""
LEAST_TOTAL_S, MOST_TOTAL_S = 60, 24 * 3600
LEAST_CHUNK_S, MOST_CHUNK_S = 30, 3600
"""How long a session and its files may be, seconds."""
_PATIENCE_S, _LOOK_S = 3.0, 0.2
"""So long a stop waits for the last file, which is cut as soon as its last frames are there."""


class RecorderDesk:
    """What routes do with sessions.

    A file is there for whom its camera is, with what the route is for and as far back as that was granted; others'
    only for who may see others' (``records:all``). What was recorded in a browser is of no camera: no grant counts.

    Args:
        core: the index, the store, the time.
        users: who there is.
        audit: where it is written down who recorded, and what was deleted.
        page: lengths, as an admin may have set them since the start.
    """

    def __init__(self, core: Core, users: Users, audit: Audit, page: PageSettings | None = None) -> None:
        self._core, self._users, self._audit = core, users, audit
        self._sessions, self._trash = RecorderSessions(core.db), SessionTrash(core.db)
        self._browsers = BrowserSessions(core.db)
        self._is_open = core.settings.values.auth.mode == "open"
        self._page = page or PageSettings(core)

    @property
    def total_s(self) -> int:
        """How long a session is unless somebody says otherwise, seconds."""
        return self._page.values.sessions.total_seconds

    @property
    def chunk_s(self) -> int:
        """How long its files are, seconds."""
        return self._page.values.sessions.chunk_seconds

    def user(self, name: str, asks: Principal, *, add: bool = False) -> User:
        """Return the user for whom somebody records.

        Args:
            name: whose name it is.
            asks: who records.
            add: where nobody is known, add one of a new name.

        Raises:
            Forbidden: it is another, and who asks may not record for others.
            NotFound: there is no such user.
            InvalidInput: the name cannot be one.
        """
        shown = parse_name(name)
        found = self._users.named(shown)
        if self._is_open:
            if found is None and not add:
                raise NotFound(f"No active recording for user {shown}")
            # Where people are known later it is nobody who was let in: no camera is there for it unless somebody says.
            return found or self._users.add(shown, Role.UPLOADER, self._core.clock.now_us(), all_cameras=False)
        if found is not None and found.id == asks.user:
            return found
        if not asks.may(Scope.RECORDS_IMPERSONATE):
            raise Forbidden("you can record in your own name only.")
        if found is None:
            raise NotFound(f"there is no user {shown[:64]!r}")
        return found

    def find(self, name: str, asks: Principal, scope: Scope = Scope.RECORDS_ALL) -> User | None:
        """Return a user who is there for whoever asks: oneself, or with a scope anybody; None: there is none."""
        found = self._users.named(name)
        others = self._is_open or asks.may(scope)
        return found if found is not None and (others or found.id == asks.user) else None

    def begin(
        self, name: str, camera: Camera, total_s: int, chunk_s: int, asks: Principal, caller: Caller
    ) -> RecorderSession:
        """Begin a session of a user: from now on, for so many seconds, in files of so many seconds.

        Where nobody is known a user of a new name is added, unless the session is refused.

        Raises:
            Conflict: this user records already, or the camera is off.
            Forbidden: files of this camera are not for who asks, or it is another's name.
            NotFound: there is no such user.
            InvalidInput: the name cannot be one.
        """
        if not asks.sees(camera.id, Permission.EXPORT):
            raise Forbidden(f"files of camera {camera.id!r} are not for you.")
        if not camera.enabled:
            raise Conflict(f"camera {camera.id!r} is off: nothing of it would be recorded.")
        user = self.user(name, asks, add=True)
        now_us = self._core.clock.now_us()
        span = Interval(now_us, now_us + total_s * SECOND)
        noted = self._noting("recorder_session.started", asks, caller)
        heard_us = self._heard_us(now_us)
        return self._sessions.begin(user.number, user.name, camera.id, span, chunk_s, also=noted, heard_us=heard_us)

    def begin_in_browser(
        self, user: User, total_s: int, chunk_s: int, asks: Principal, caller: Caller, beside: str = ""
    ) -> RecorderSession:
        """Begin a session that is recorded in a browser, which sends what it records as an upload.

        Args:
            user: who records.
            total_s: how long it is to be, seconds.
            chunk_s: how long its files are to be, seconds.
            asks: who asks.
            caller: from where.
            beside: id of the session of the same user in a browser beside which it is recorded; empty: of none.

        Raises:
            Conflict: this user records already.
            NotFound: there is no such session beside which it could be.
        """
        if beside and self._browsers.of_id(beside).user != user.number:
            raise NotFound("there is no such recording in a browser")
        now_us = self._core.clock.now_us()
        span = Interval(now_us, now_us + total_s * SECOND)
        noted = self._noting("recorder_session.started", asks, caller)
        return self._sessions.begin(
            user.number,
            user.name,
            OF_NO_CAMERA,
            span,
            chunk_s,
            also=noted,
            beside=bool(beside),
            heard_us=self._heard_us(now_us),
        )

    def received(self, session: RecorderSession) -> Received | None:
        """Return what has been received of a session in a browser; None: nothing of it."""
        return self._browsers.received(session)

    def active(self, user: User) -> RecorderSession | None:
        """Return the session of a user that goes on, None if there is none."""
        return self._sessions.active(user.number, self._core.clock.now_us())

    def recording(self, user: User) -> RecorderSession | None:
        """Return the session of a user that goes on; one in a browser of which nothing comes any more counts not.

        It counts again when its browser is back.
        """
        now_us = self._core.clock.now_us()
        return self._sessions.active(user.number, now_us, heard_us=self._heard_us(now_us))

    def _heard_us(self, now_us: int) -> int:
        return now_us - round(self._core.settings.values.uploads.idle_minutes * MINUTE)

    def named(self, user: User, session: str) -> RecorderSession | None:
        """Return the session of a user by its id, also one that has ended; None: there is none."""
        return self._sessions.of_user(user.number, session)

    def stop(self, user: User, asks: Principal, caller: Caller, session_id: str = "") -> RecorderSession:
        """Stop the session of a user, and wait a moment for its last file.

        Args:
            user: whose it is.
            asks: who asks.
            caller: from where.
            session_id: of the session that is meant, which stays as it is if it has ended; empty: the newest one that
                goes on, whatever it records.

        Raises:
            NotFound: there is none that goes on, or none of this id.
        """
        session = self.named(user, session_id) if session_id else self.active(user)
        if session is None or not sees_session(asks, session):
            raise NotFound(f"No active recording for user {user.name}")
        noted = self._noting("recorder_session.stopped", asks, caller)
        stopped = self._sessions.stop(session.number, self._core.clock.now_us(), noted)
        clock, nobody = self._core.clock, threading.Event()
        until = clock.monotonic_us() + round(_PATIENCE_S * SECOND)
        while self._sessions.is_waiting(session.number) and clock.monotonic_us() < until:
            clock.wait(nobody, _LOOK_S)
        return stopped

    def chunks(self, session: int, asks: Principal) -> list[SessionChunk]:
        """Return the files of a session that are stored and there for somebody, in order."""
        visible = visible_to(asks, Permission.PLAYBACK, self._core.clock.now_us())
        return self._sessions.chunks(session=session, visible=visible)

    def visible_chunks(self, asks: Principal, user: int | None = None) -> list[SessionChunk]:
        """Return the files that are there for somebody, of a user if one is named, the oldest first."""
        visible = visible_to(asks, wanted_permission(), self._core.clock.now_us())
        if not self._is_open and not asks.may(Scope.RECORDS_ALL):
            if user is not None and user != asks.number:
                return []
            user = asks.number
        return self._sessions.chunks(user=user, visible=visible)

    def chunk(self, number: int, asks: Principal, *, trashed: bool = False) -> SessionChunk:
        """Return a file; with ``trashed`` one that is in the trash.

        Raises:
            NotFound: there is none of that number for whoever asks.
        """
        if not 0 < number <= MOST_NUMBER:
            raise NotFound("Video chunk not found")
        found = self._sessions.any_state(number)
        visible = visible_to(asks, wanted_permission(), self._core.clock.now_us())
        of_none = found.camera == OF_NO_CAMERA
        there = visible is None or of_none or visible.has(found.camera, found.start_us)
        own = self._is_open or found.user == asks.number or asks.may(Scope.RECORDS_ALL)
        if not there or not own or found.state != ("trashed" if trashed else "stored"):
            raise NotFound("Video chunk not found")
        if not of_none:
            g.camera = found.camera
        return found

    def delete(self, number: int, asks: Principal, caller: Caller, *, purge: bool = False) -> None:
        """Put a file into the trash; with ``purge`` it is deleted at once. Of which the audit log tells first.

        Raises:
            NotFound: there is none of that number for whoever asks.
            Forbidden: it is another's, and who asks may not delete those; or it is to be purged, and who asks is no
                admin.
            Conflict: it is on hold, or nothing at all is deleted here.
        """
        found = self.chunk(number, asks)
        self._refuse_others(found, asks)
        if purge and not self._is_open and not asks.may(Scope.SETTINGS_ADMIN):
            raise Forbidden("only an admin can delete a file past the trash.")
        if purge and not self._core.settings.values.retention.enabled:
            raise Conflict("retention.enabled is off, so nothing is deleted: the file can be put into the trash.")
        now_us = self._core.clock.now_us()
        self._trash.refuse_held(number, now_us)
        self._note_file("session_file.purged" if purge else "session_file.deleted", found, asks, caller)
        self._trash.put(number, now_us)
        copy_trash(self._core.db, self._core.store, now_us)
        if purge and not Deletions(self._core.db).mark_session_files([found.id], "asked", now_us):
            raise Conflict("it is on hold: it is in the trash")

    def restore(self, number: int, asks: Principal, caller: Caller) -> SessionChunk:
        """Take a file out of the trash.

        Raises:
            NotFound: none of that number is in it for whoever asks.
            Forbidden: it is another's, and who asks may not delete those.
            Conflict: it is of an age at which such are deleted, and not on hold.
        """
        found = self.chunk(number, asks, trashed=True)
        self._refuse_others(found, asks)
        now_us = self._core.clock.now_us()
        if not self._trash.is_held(number, now_us):
            refuse_of_age(self._core.settings.values, "session", max(found.end_us, found.stored_us or 0), now_us)
        self._note_file("session_file.restored", found, asks, caller)
        self._trash.take_out(number)
        copy_trash(self._core.db, self._core.store, now_us)
        return self._sessions.any_state(number)

    def _refuse_others(self, found: SessionChunk, asks: Principal) -> None:
        if not self._is_open and found.user != asks.number and not asks.may(Scope.FOOTAGE_DELETE):
            raise Forbidden("you can delete your own files only.")

    def _noting(self, what: str, asks: Principal, caller: Caller) -> Also:
        """Return what writes down who did something to a session, with what they do."""

        def deed(session: RecorderSession) -> Deed:
            detail = {"session": session.number, "user_name": session.user_name}
            return deed_of(asks, caller, what, _of(session.camera), detail)

        return self._audit.noting(deed, self._core.clock.now_us())

    def _note_file(self, what: str, found: SessionChunk, asks: Principal, caller: Caller) -> None:
        self._write(what, found.camera, {"file": found.key, "session": found.session}, asks, caller)

    def _write(self, what: str, camera: str, detail: dict[str, object], asks: Principal, caller: Caller) -> None:
        self._audit.write(deed_of(asks, caller, what, _of(camera), detail), self._core.clock.now_us())


def sees_session(asks: Principal, session: RecorderSession) -> bool:
    """Return whether a session is there for somebody: its camera is, or it has none."""
    return session.camera == OF_NO_CAMERA or asks.sees(session.camera)


def _of(camera: str) -> str:
    """Return of what something was recorded, as the audit log names it."""
    return f"camera {camera}" if camera else "browser"

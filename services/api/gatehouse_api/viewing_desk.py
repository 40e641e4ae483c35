"""Follows who watches live pictures, and records what they ask for while they watch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import dataclass

import structlog

from gatehouse_common.accounts import Permission, Principal, Role
from gatehouse_common.clock import HOUR, SECOND
from gatehouse_common.db import (
    Also,
    Audit,
    CameraRepository,
    Deed,
    RecorderSession,
    RecorderSessions,
    Users,
    Viewing,
    Viewings,
    Watcher,
)
from gatehouse_common.errors import Conflict, Forbidden, GatehouseError, NotFound
from gatehouse_common.intervals import Interval
from gatehouse_common.runtime import Core, PageSettings

from .auth.login_desk import Caller

log = structlog.get_logger(__name__)

_TELL_US = 3 * SECOND
"""So often it is written down that somebody still watches."""
_LOOK_S = 1.0
_MOST_UNTOLD = 1000
"""Streams that have ended and could not be written down yet: with an index that is away, those of the last hours."""
_LONGEST_US, _FILE_S = 24 * HOUR, 3600
EVERYBODY = "everybody"
"""In whose name is recorded where nobody has to be known."""


@dataclass(slots=True, eq=False)
class _Stream:
    """An answer that is being sent. One thread sends it and counts, another writes down what was counted.

    Attributes:
        watcher: who watches what.
        record: whether it is to be recorded at once.
        began_us: when it began, microseconds UTC.
        taken_us: when something was taken last.
        taken: bytes that were taken.
        told_us: what of ``taken_us`` has been written down.
        told: what of ``taken`` has been.
        viewing: number of its row, None before there is one.
        closed: whether it has ended.
        waits: whether its viewer is there for the next piece, and there is none: the camera is quiet.
    """

    watcher: Watcher
    record: bool
    began_us: int
    taken_us: int
    taken: int = 0
    told_us: int = 0
    told: int = 0
    viewing: int | None = None
    closed: bool = False
    waits: bool = False


class ViewingDesk:
    """Writes down who watches, in a thread of its own: no stream waits for the index, and none ends because of it.

    Args:
        core: the index, the time, the settings.
        users: who there is.
        audit: where it is written down who recorded.
        page: whether all are recorded, as an admin may have set it since the start.
    """

    def __init__(self, core: Core, users: Users, audit: Audit, page: PageSettings | None = None) -> None:
        self._core, self._users, self._audit = core, users, audit
        self._viewings, self._sessions = Viewings(core.db), RecorderSessions(core.db)
        self._cameras = CameraRepository(core.db)
        self._is_open = core.settings.values.auth.mode == "open"
        self._lock = threading.Lock()
        self._streams: list[_Stream] = []
        self._changed = threading.Event()
        self._page = page or PageSettings(core)

    def follow(
        self,
        watcher: Watcher,
        pieces: Iterator[bytes],
        *,
        may_record: bool,
        counts: Callable[[bytes], bool] = lambda _piece: True,
    ) -> Generator[bytes]:
        """Yield the pieces of a live answer, and count them until it is closed.

        Args:
            watcher: who watches what.
            pieces: of the answer.
            may_record: whether this may be recorded, if the settings say that all is.
            counts: whether a piece is of what is watched: an answer may be of many cameras.
        """
        now_us = self._core.clock.now_us()
        record = may_record and self._page.known.live.record_sessions
        stream = _Stream(watcher, record, now_us, now_us, waits=True)
        with self._lock:
            self._streams.append(stream)
        self._changed.set()
        try:
            for piece in pieces:
                stream.waits = False
                yield piece
                stream.taken += len(piece) if counts(piece) else 0
                stream.taken_us = self._core.clock.now_us()
                stream.waits = True
        finally:
            stream.closed = True
            self._changed.set()
            if isinstance(pieces, Generator):
                pieces.close()

    def run(self, stop: threading.Event) -> None:
        """Write down until told to stop; then what is left."""
        while not stop.is_set():
            self._changed.wait(_LOOK_S)
            self._changed.clear()
            self._guarded()
            self._core.clock.wait(stop, 0.1)  # many who come at once are one round
        self._guarded()

    def _guarded(self) -> None:
        try:
            self.keep()
        except Exception:  # a fault with one viewing must not end the following of all
            log.exception("viewings could not be followed")

    def keep(self) -> None:
        """Write down who came, who is still there and who left, and end what is silent."""
        self._page.refresh()  # here, so that no stream has to read anything
        with self._lock:
            streams = list(self._streams)
        said = {id(stream): self._tell(stream) for stream in streams}
        done = [stream for stream in streams if said[id(stream)]]
        with self._lock:
            self._streams = [one for one in self._streams if one not in done]
            over = [one for one in self._streams if one.closed][:-_MOST_UNTOLD]
            self._streams = [one for one in self._streams if one not in over]
        if over:
            log.warning("viewings could not be written down", count=len(over))
        if None in said.values():
            return  # who was not written down is not silent
        try:
            self._end_silent({one.viewing for one in streams if one.waits and not one.closed})
        except GatehouseError as error:
            log.debug("viewings were not looked at", reason=error.message)

    def begin(self, viewing: Viewing, asks: Principal, caller: Caller) -> RecorderSession:
        """Record a viewing from now on, until its viewer leaves or stops it.

        Raises:
            NotFound: it is another's.
            Conflict: it has ended, is recorded already, or the camera is off.
            Forbidden: files of this camera are not for who asks.
        """
        self._refuse_others(viewing, asks)
        if viewing.ended_us is not None:
            raise Conflict("nobody watches this any more: open the live picture again.")
        if not asks.sees(viewing.camera, Permission.EXPORT):
            raise Forbidden(f"files of camera {viewing.camera!r} are not for you.")
        return self._begin(viewing, caller.address, asks)

    def stop(self, viewing: Viewing, asks: Principal, caller: Caller) -> None:
        """Stop recording a viewing; where it is not recorded nothing changes.

        Raises:
            NotFound: it is another's.
        """
        self._refuse_others(viewing, asks)
        session = self.recording(viewing)
        if session is not None:
            noted = self._noting("recorder_session.stopped", caller.address, asks)
            self._sessions.stop(session.number, self._core.clock.now_us(), noted)

    def is_unwritten(self, page: str) -> bool:
        """Return whether a page's stream is sent from here of which nothing has been written down yet.

        Args:
            page: as in ``Watcher``; that of pages without one is never.
        """
        with self._lock:
            return bool(page) and any(one.viewing is None and one.watcher.page == page for one in self._streams)

    def recording(self, viewing: Viewing) -> RecorderSession | None:
        """Return the session that records a viewing, None if it is not recorded."""
        return self._sessions.of_viewing(viewing.id, self._core.clock.now_us())

    def _refuse_others(self, viewing: Viewing, asks: Principal) -> None:
        if not self._is_open and viewing.user != asks.number:
            raise NotFound(f"there is no viewing {viewing.id!r}")

    def _tell(self, stream: _Stream) -> bool | None:
        """Write down how far a stream is; return whether there is no more to be written of it, None: it failed."""
        closed, taken, taken_us = stream.closed, stream.taken, stream.taken_us  # in this order: the last word is whole
        if stream.waits and not closed:
            taken_us = self._core.clock.now_us()
        try:
            if stream.viewing is None:
                self._open(stream)
            elif taken_us - stream.told_us < _TELL_US and not closed:
                return False
            if stream.viewing is not None and (taken_us > stream.told_us or taken > stream.told):
                if not self._viewings.follow(stream.viewing, taken_us, taken - stream.told):
                    stream.viewing = None  # its row was deleted; the next is another
                    return closed
                stream.told, stream.told_us = taken, taken_us
        except GatehouseError as error:
            log.debug("a viewing was not written down", reason=error.message)
            return None
        except Exception:  # a fault with one viewing must not end the following of the others
            log.exception("a viewing could not be followed")
            return closed
        return closed

    def _open(self, stream: _Stream) -> None:
        viewing = self._viewings.open(stream.watcher, stream.began_us)
        stream.viewing, stream.told_us = viewing.number, stream.began_us
        # Who has stopped it by hand, and whose stream breaks off, does not want it again; who has left and comes does.
        wants = stream.record and not stream.closed and (viewing.session is None or viewing.ended_us is not None)
        if wants and self.recording(viewing) is None:
            try:
                self._begin(viewing, stream.watcher.address, None)
            except (Conflict, NotFound) as error:  # the camera is off, or its user was removed: the picture goes on
                log.info("a viewing is not recorded", viewing=viewing.number, reason=error.message)

    def _begin(self, viewing: Viewing, address: str, asks: Principal | None) -> RecorderSession:
        if not self._cameras.get(viewing.camera).enabled:
            raise Conflict(f"camera {viewing.camera!r} is off: nothing of it would be recorded.")
        if self.recording(viewing) is not None:
            raise Conflict("this is recorded already.")
        now_us = self._core.clock.now_us()
        user, name = (viewing.user, viewing.user_name) if viewing.user else self._nobody(now_us)
        span = Interval(now_us, now_us + _LONGEST_US)
        session = self._sessions.begin(
            user,
            name,
            viewing.camera,
            span,
            _FILE_S,
            viewing=viewing.id,
            name=str(viewing.number),
            also=self._noting("recorder_session.started", address, asks),
        )
        self._viewings.recorded(viewing.number, session.number)
        return session

    def _nobody(self, now_us: int) -> tuple[int, str]:
        found = self._users.named(EVERYBODY) or self._users.add(EVERYBODY, Role.UPLOADER, now_us, all_cameras=False)
        return found.number, found.name

    def _end_silent(self, there: Collection[int | None]) -> None:
        """End viewings whose viewers have left, then what still records one that has ended.

        Args:
            there: numbers of those whose viewers are known to be there.
        """
        now_us = self._core.clock.now_us()
        recorded = {session.viewing: session for session in self._sessions.of_viewings(now_us)}
        for viewing in self._viewings.silent(now_us):
            if viewing.number in there:
                continue
            session = recorded.pop(viewing.id, None)
            if session is not None:  # first: whoever reads that it has ended finds its recording ended, too
                self._sessions.stop(session.number, viewing.seen_us)
            self._viewings.end(viewing)
        for session in recorded.values():
            ended_us = self._viewings.ended_us(session.viewing or "", now_us)
            if ended_us is not None:
                self._sessions.stop(session.number, ended_us)

    def _noting(self, what: str, address: str, asks: Principal | None) -> Also:
        """Return what writes down who did something to a session, with what they do."""

        def told(session: RecorderSession) -> Deed:
            detail = {"session": session.number, "user_name": session.user_name, "viewing": session.viewing}
            name, user, token = (session.user_name, None, None) if asks is None else (asks.name, asks.user, asks.token)
            return Deed(what, f"camera {session.camera}", name, user or None, token, address, detail)

        return self._audit.noting(told, self._core.clock.now_us())

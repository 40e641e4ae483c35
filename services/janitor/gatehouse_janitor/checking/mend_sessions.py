"""Mending files of sessions: cut anew where there is footage, else told of; files are kept in the quarantine."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from gatehouse_common.clock import SECOND
from gatehouse_common.db import (
    OF_NO_CAMERA,
    FootageReader,
    FormerUsers,
    RecorderSession,
    RecorderSessions,
    SessionChunk,
    SessionInventory,
    Whose,
)
from gatehouse_common.errors import Conflict, DataLoss
from gatehouse_common.media.film_facts import read_facts
from gatehouse_common.media.session_box import SessionInfo, read_session_box
from gatehouse_common.retention import read_trash
from gatehouse_common.runtime import Core

from .content import BlockReader
from .mend_clips import is_all_there
from .problem import Kind, Problem
from .quarantine import set_aside
from .safety import StoreStands
from .session_check import is_whole_file

log = structlog.get_logger(__name__)


class SessionRepair:
    """Mends what is wrong with files of sessions.

    Args:
        core: the index and the store.
        stands: asked whether the store is there before anything is done that cannot be taken back.
    """

    def __init__(self, core: Core, stands: StoreStands) -> None:
        self._core, self._stands = core, stands
        self._sessions, self._known = RecorderSessions(core.db), SessionInventory(core.db)
        self._footage, self._former = FootageReader(core.db), FormerUsers(core.db, contested=None)
        self._trashed: Collection[tuple[int, str]] | None = None

    def mend(self, problem: Problem) -> str | None:
        """Mend one problem and return what was done, None if nothing can be done about it.

        Raises:
            GatehouseError: index or store does not take it.
        """
        if problem.subject:
            return self._row(problem)
        if problem.kind is Kind.ORPHAN:
            return self._restore(problem)
        return self._set_aside(problem)

    def _restore(self, problem: Problem) -> str | None:
        told = _told(self._core, problem.key)
        if told is not None and self._known.is_planned(told.number):
            return None  # it may be the file of that row: the segmenter writes it, or makes the same again
        known = len(self._former.added)
        try:
            done = restore_session_file(self._core, problem.key, self._former, self._in_trash())
        except (DataLoss, Conflict) as error:
            log.info("a file of a session cannot be indexed anew", key=problem.key, reason=error.message)
            return self._set_aside(problem)
        return done + self._former.told_since(known)

    def _in_trash(self) -> Collection[tuple[int, str]]:
        """Return what the store says of the trash, of which nobody changes what is said of files without a row."""
        if self._trashed is None:
            try:
                self._trashed = read_trash(self._core.store)
            except DataLoss as error:
                log.warning("what the store says of the trash cannot be read", reason=error.message)
                self._trashed = ()
        return self._trashed

    def _row(self, problem: Problem) -> str | None:
        row = self._sessions.any_state(int(problem.subject))
        size = 0 if problem.kind is Kind.MISSING else self._core.store.stat(row.key).size
        if problem.kind in {Kind.SIZE, Kind.TRUNCATED} and self._is_of(row, size):
            return f"it is {size} bytes long" if self._known.size(row.number, row.key, size) else None
        of_camera = row.camera != OF_NO_CAMERA
        again = (
            of_camera and row.state == "stored" and is_all_there(self._footage, row.camera, row.start_us, row.end_us)
        )
        if problem.kind not in {Kind.MISSING, Kind.EMPTY} and not again:
            return None  # however damaged: it is what there is of it
        self._stands.check()
        # First the plan, which keeps the footage from going; a cut that meets the old file takes another name.
        done = self._without_file(row, problem.detail)
        if done is None:
            return None
        return done if problem.kind is Kind.MISSING else f"{done}; the file was {self._set_aside(problem)}"

    def _without_file(self, row: SessionChunk, detail: str) -> str | None:
        """Keep that the file of a row is no use any more; return what becomes of it, None if it is not what it was."""
        if row.state == "trashed":
            return "out of the trash, for it is gone" if self._known.forget(row.number, row.key) else None
        if row.camera == OF_NO_CAMERA:  # what a browser recorded is nowhere else
            return "told as lost" if self._known.lose(row.number, row.key, detail) else None
        return "to be cut anew from the footage" if self._known.plan_again(row.number, row.key, detail) else None

    def _is_of(self, row: SessionChunk, size: int) -> bool:
        """Return whether a file is a film from its first byte to its last, and says that it is a row's."""
        reader = BlockReader(self._core.store, row.key, size)
        try:
            told = read_session_box(reader) if is_whole_file(reader) else None
        except DataLoss:
            return False
        return told is not None and told.id == row.id

    def _set_aside(self, problem: Problem) -> str:
        self._stands.check()
        target = set_aside(self._core.store, problem.key, problem.detail, self._core.clock)
        return f"moved to {target}"


def _told(core: Core, key: str) -> SessionInfo | None:
    """Return what a file says of itself; None: nothing, or it is damaged."""
    try:
        return read_session_box(BlockReader(core.store, key, core.store.stat(key).size))
    except DataLoss:
        return None


def owner_in_session(core: Core, key: str) -> Whose | None:
    """Return who recorded the session of a file; None: it is no file of a session.

    Raises:
        GatehouseError: the store does not answer.
    """
    told = _told(core, key)
    return None if told is None else Whose(told.user, told.user_id, told.user_name)


def restore_session_file(core: Core, key: str, former: FormerUsers, trashed: Collection[tuple[int, str]]) -> str:
    """Make the row of a session's file anew of the file; return what was done.

    One that was in the trash is in it since now: who is to hold it, or to take it out, has as long as ever for that.

    Args:
        core: the index and the store.
        key: of the file.
        former: finds whose it is; where the index knows the session, that says it.
        trashed: numbers and ids of those that were in the trash.

    Raises:
        DataLoss: it is no film, or does not say what it is.
        NotFound: it is gone.
        Conflict: there is another file of that number.
    """
    info = core.store.stat(key)
    reader = BlockReader(core.store, key, info.size)
    told = read_session_box(reader)
    if told is None:
        raise DataLoss("nothing says which session the file is of")
    width, height, frames = _pictures(reader, told)
    inventory, now_us = SessionInventory(core.db), core.clock.now_us()
    is_trashed = (told.number, told.id) in trashed
    number = inventory.user_of(told.session, told.session_id)
    if number is None:
        whose = Whose(told.user, told.user_id, told.user_name)
        number = former.of(whose, now_us).number
    ended_us = max(told.end_us, told.wanted_end_us)
    session = RecorderSession(
        told.session,
        told.session_id,
        number,
        told.user_name,
        told.camera,
        told.began_us,
        max(told.began_us + told.total_seconds * SECOND, ended_us),
        told.total_seconds,
        told.chunk_seconds,
        ended_us,  # whatever else there was of it has ended by now
        told.viewing,
    )
    chunk = SessionChunk(
        number=told.number,
        id=told.id,
        session=told.session,
        position=told.position,
        user=number,
        user_name=told.user_name,
        camera=told.camera,
        chunk_seconds=told.chunk_seconds,
        wanted_start_us=told.wanted_start_us,
        wanted_end_us=told.wanted_end_us,
        start_us=told.start_us,
        end_us=told.end_us,
        state="trashed" if is_trashed else "stored",
        key=key,
        bytes=info.size,
        width=width,
        height=height,
        frames=frames,
        detail=told.detail,
        stored_us=info.modified_us,
        name=told.name,
        trashed_us=now_us if is_trashed else None,
    )
    inventory.add(session, chunk, number)
    return "indexed anew from the file"


def _pictures(reader: BlockReader, told: SessionInfo) -> tuple[int, int, int]:
    """Return how large the pictures of a file are, and how many; what a browser recorded says so itself.

    Raises:
        DataLoss: it is no film, or not all of it is there.
    """
    if told.camera == OF_NO_CAMERA:
        if not is_whole_file(reader):
            raise DataLoss("not all of it is there")
        return told.width, told.height, told.frames
    facts = read_facts(reader)
    return facts.width, facts.height, facts.frames

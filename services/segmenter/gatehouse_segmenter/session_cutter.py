"""From a planned file of a session to an object of the store: cut by the slicer, each going on where the last ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from gatehouse_common.clock import SECOND
from gatehouse_common.db import Deletions, RecorderSession, RecorderSessions, SessionChunk, Users
from gatehouse_common.errors import Conflict, DataLoss, GatehouseError, InvalidInput, NotFound, WorkerUnavailable
from gatehouse_common.footage import (
    ChunkReader,
    Found,
    Library,
    VirtualSource,
    place_session_file,
    session_info,
)
from gatehouse_common.intervals import Interval
from gatehouse_common.media.session_box import build_session_box
from gatehouse_common.media.slicing import Slice, slice_footage
from gatehouse_common.observability.metrics import STORAGE_WRITE_ERRORS
from gatehouse_common.runtime import Core
from gatehouse_common.storage import Source

from .clip_cutter import missing, size_of

_TRIES = 3
SHORTEST_US = SECOND // 2
"""What a stop leaves of a file that is shorter is no failure to be told of."""


class SessionCutter:
    """Makes objects of planned files.

    Args:
        core: the store, the site's zone.
        sessions: the plans.
        library: finds footage.
    """

    def __init__(self, core: Core, sessions: RecorderSessions, library: Library) -> None:
        self._core, self._sessions, self._library = core, sessions, library
        self._reader = ChunkReader(core.media, library.locate)

    def cut(self, chunk: SessionChunk, *, partial: bool = False) -> SessionChunk:
        """Cut a file from the footage that there is, put it into the store, and return what it is now.

        It begins with the frame after the last of the file before it, so that none is missing and none is in both.
        Doing so again changes nothing: an object of the same bytes is taken for this file's, and one of others, which
        another process may have made of more footage, is let be.

        Args:
            chunk: what is planned.
            partial: leave out what a worker has that does not answer, and say so.

        Raises:
            NotFound: nothing of it is recorded, or the file before has all of it.
            Unavailable: the index, the store, or a worker that has footage of it does not answer.
            ResourceExhausted: the store is full.
            DataLoss: footage is damaged, or gone.
        """
        wanted, session = Interval(self._begin(chunk), chunk.wanted_end_us), self._sessions.get(chunk.session)
        user_id = Users(self._core.db).id_of(session.user)
        for _ in range(_TRIES):
            found = self._library.find(chunk.camera, wanted.start, wanted.end, partial=partial)
            cut = slice_footage(found.media, wanted.start, wanted.end)
            try:
                cut = _explained(cut, chunk, session, self._digest(cut), user_id)
                key = place_session_file(self._core, chunk, self._source(cut), self._put)
            except NotFound as error:  # a chunk was let go of between the look and now; then the index knows it
                gone = error.message
                continue
            return self._made(chunk, key, found, cut, wanted)
        raise DataLoss(f"footage that the index knows is not there: {gone}")

    def take_back(self, cut: SessionChunk) -> None:
        """Delete the object of a file that was deleted, or that another process made under another name meanwhile."""
        try:
            kept = self._sessions.any_state(cut.number)
        except NotFound:
            kept = None
        if kept is not None and kept.key == cut.key and kept.state != "deleted":
            return
        # What has been decided on is the janitor's to delete: a hold may have been placed since.
        if not Deletions(self._core.db).is_pending(cut.key):
            self._core.store.delete(cut.key)

    def _begin(self, chunk: SessionChunk) -> int:
        """Return where a file begins: with the frame after the last of the one before it, if that was made.

        Raises:
            NotFound: the one before has all of it.
        """
        before = self._sessions.before(chunk)
        begin = chunk.wanted_start_us if before is None else max(before.end_us, before.wanted_start_us)
        if begin >= chunk.wanted_end_us:
            raise NotFound("all of it is in the file before it")
        return begin

    def _digest(self, cut: Slice) -> str:
        """Return the SHA-256 of a slice: read once more, so that a byte that flips later is found by the daily check.

        Raises:
            NotFound: a chunk of it is gone.
            Unavailable: whoever has one does not answer.
            DataLoss: a chunk is shorter than its index says.
        """
        digest = hashlib.sha256()
        for piece in self._reader.read(cut.file, 0, cut.file.size):
            digest.update(piece)
        return digest.hexdigest()

    def _source(self, cut: Slice) -> Callable[[str], Source]:
        return lambda key: VirtualSource(key, cut.file, self._reader.read)

    def _put(self, source: Source, key: str) -> None:
        try:
            self._core.store.put(source, key)
        except (Conflict, InvalidInput, NotFound, WorkerUnavailable):
            raise
        except GatehouseError:
            STORAGE_WRITE_ERRORS.labels("store").inc()
            raise

    def _made(self, chunk: SessionChunk, key: str, found: Found, cut: Slice, wanted: Interval) -> SessionChunk:
        width, height = size_of(found, wanted)
        return replace(
            chunk,
            state="stored",
            key=key,
            start_us=cut.start_us,
            end_us=cut.end_us,
            bytes=cut.file.size,
            width=width,
            height=height,
            frames=cut.frames,
            detail=missing(found, cut),
            stored_us=self._core.clock.now_us(),
        )


def _explained(cut: Slice, chunk: SessionChunk, session: RecorderSession, sha256: str, user_id: str) -> Slice:
    """Return a slice whose file says at its end what its row says, of what does not change until it is cut."""
    # What is missing in it, and the sizes that its movie box tells, may be others when it is cut anew.
    told = replace(chunk, start_us=cut.start_us, end_us=cut.end_us, width=0, height=0, frames=0, detail="")
    box = build_session_box(session_info(session, told, sha256, user_id))
    return replace(cut, file=replace(cut.file, pieces=(*cut.file.pieces, box)))

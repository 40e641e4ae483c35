"""From a planned file of a session to an object of the store: cut by the slicer, each going on where the last ended."""

from __future__ import annotations

from dataclasses import replace

from gatehouse_common.clock import SECOND
from gatehouse_common.db import RecorderSessions, SessionChunk
from gatehouse_common.errors import Conflict, GatehouseError, NotFound
from gatehouse_common.footage import ChunkReader, Library, VirtualSource
from gatehouse_common.media.slicing import slice_footage
from gatehouse_common.observability.metrics import STORAGE_WRITE_ERRORS
from gatehouse_common.runtime import Core
from gatehouse_common.storage import keys
from gatehouse_common.timefmt import rfc3339

_NAMED = 3


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

    def cut(self, chunk: SessionChunk) -> SessionChunk:
        """Cut a file from the footage that there is, put it into the store, and return what it is now.

        It begins with the frame after the last of the file before it, so that none is missing and none is in both.
        Doing so again changes nothing.

        Raises:
            NotFound: nothing of it is recorded.
            Unavailable: the index, the store, or a worker that has footage of it does not answer.
            ResourceExhausted: the store is full.
            DataLoss: footage is damaged, or gone.
        """
        before = self._sessions.before(chunk)
        begin = chunk.wanted_start_us if before is None else max(before.end_us, chunk.wanted_start_us - SECOND)
        if begin >= chunk.wanted_end_us:
            raise NotFound("all of it is in the file before it")
        found = self._library.find(chunk.camera, begin, chunk.wanted_end_us)
        cut = slice_footage(found.media, begin, chunk.wanted_end_us)
        key = keys.session(chunk.wanted_start_us, chunk.number, self._core.zone)
        source = VirtualSource(key, cut.file, self._reader.read)
        try:
            self._core.store.put(source, key)
        except Conflict:  # of this file from before a crash; the footage may have become more since
            self._core.store.delete(key)
            self._core.store.put(source, key)
        except GatehouseError:
            STORAGE_WRITE_ERRORS.labels("store").inc()
            raise
        shown = [m.video.format for m in found.media]
        missing = ", ".join(f"{rfc3339(g.start)} to {rfc3339(g.end)}" for g in cut.gaps[:_NAMED])
        return replace(
            chunk,
            state="stored",
            key=key,
            start_us=cut.start_us,
            end_us=cut.end_us,
            bytes=cut.file.size,
            width=max(f.width for f in shown),
            height=max(f.height for f in shown),
            frames=cut.frames,
            detail=f"not recorded: {missing}" if missing else "",
            stored_us=self._core.clock.now_us(),
        )

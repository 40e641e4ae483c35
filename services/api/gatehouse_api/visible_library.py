"""Recorded media as far as it is there for somebody."""

from __future__ import annotations

from gatehouse_common.db import Chunk, FootageReader, Visible
from gatehouse_common.errors import NotFound
from gatehouse_common.footage import Library
from gatehouse_common.footage.library import Found
from gatehouse_common.media.samples import ChunkMedia


class VisibleLibrary:
    """The library for one request; also for what is sent long after it was answered.

    Args:
        library: all that is recorded.
        chunks: finds the chunks that are there for who asks.
        visible: which are; None: all.
    """

    def __init__(self, library: Library, chunks: FootageReader, visible: Visible | None) -> None:
        self._library, self._chunks, self._visible = library, chunks, visible

    def find(self, camera: str, start_us: int, end_us: int) -> Found:
        """Return the chunks that a slice of ``[start_us, end_us)`` needs, by start; what is too old is not sought.

        Raises:
            Unavailable: the index does not answer.
            WorkerUnavailable: a worker that has some of it does not.
            DataLoss: a chunk cannot be read.
        """
        if self._visible is not None:
            start_us = max(start_us, self._visible.since_us.get(camera, start_us))
            if end_us <= start_us or not self._visible.has(camera):
                return Found((), sealed=True)
        return self._library.find(camera, start_us, end_us)

    def newest(self, camera: str) -> ChunkMedia:
        """Return the newest chunk of a camera, open or not.

        Raises:
            NotFound: nothing is recorded, or it is too old to be looked at.
        """
        if self._visible is not None and not self._visible.has(camera):
            raise NotFound("nothing is recorded yet")
        found = self._library.newest(camera)
        if self._visible is not None and not self._visible.has(camera, found.end_us):
            raise NotFound("nothing is recorded yet")
        return found

    def chunk(self, chunk_id: str) -> tuple[Chunk, ChunkMedia]:
        """Return a chunk's row and media.

        Raises:
            NotFound: there is no such chunk, or nothing in it yet.
        """
        self._chunks.chunk(chunk_id)
        return self._library.chunk(chunk_id)

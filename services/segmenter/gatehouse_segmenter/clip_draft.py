"""The file of a clip while its footage still comes: what there is of it is in it already, and little is left to do."""

from __future__ import annotations

from gatehouse_common.errors import NotFound
from gatehouse_common.footage import ChunkReader, Library
from gatehouse_common.media.virtual_file import ObjectRange, VirtualFile
from gatehouse_common.storage import Draft, MediaReader, ObjectInfo

HEADER_BYTES = 64 << 10
"""Room for the header before the media, which does not move then when more comes: the tables of about two minutes."""


class ClipDraft:
    """Follows a described file that grows at its end. For one thread at a time.

    Args:
        draft: the file.
        media: where the chunks are.
        library: where they are by now.
    """

    def __init__(self, draft: Draft, media: MediaReader, library: Library) -> None:
        self._draft, self._media, self._library = draft, media, library
        self._reader = ChunkReader(media, library.locate)
        self._copied: list[ObjectRange] = []
        self._end = HEADER_BYTES

    def follow(self, file: VirtualFile) -> bool:
        """Copy what is new of the file's media; return False if what has been copied is not what it begins with.

        Raises:
            NotFound: a chunk of it is gone.
            Unavailable: whoever has one does not answer.
            ResourceExhausted: no room.
        """
        ranges = [piece for piece in file.pieces if isinstance(piece, ObjectRange)]
        if not self._begins(ranges):
            return False
        for n, wanted in enumerate(ranges):
            known = self._copied[n].length if n < len(self._copied) else 0
            if known < wanted.length:
                self._copy(wanted, known)
            self._copied[n : n + 1] = [wanted]
        return True

    def finish(self, file: VirtualFile, key: str) -> ObjectInfo:
        """Write what is not media, and make it an object; ``file`` is what was followed last.

        Raises:
            Conflict: the key is taken; the draft stays.
            ResourceExhausted: no room.
        """
        at = 0
        for piece in file.pieces:
            if isinstance(piece, bytes):
                self._draft.write(at, piece)
                at += len(piece)
            else:
                at += piece.length
        return self._draft.publish(key)

    def discard(self) -> None:
        """Delete it, if it has not become an object."""
        self._draft.discard()

    def _begins(self, ranges: list[ObjectRange]) -> bool:
        """Return whether the ranges that are copied are the first ones, of which only the last may have grown."""
        if len(ranges) < len(self._copied):
            return False
        last = len(self._copied) - 1
        return all(
            (known.identity, known.offset) == (now.identity, now.offset)
            and (known.length == now.length or (n == last and known.length < now.length))
            for n, (known, now) in enumerate(zip(self._copied, ranges, strict=False))
        )

    def _copy(self, wanted: ObjectRange, known: int) -> None:
        """Append what comes in a range behind the first ``known`` bytes of it."""
        left = wanted.length - known
        path = self._media.local_path(wanted.key)
        if path is None:
            at = self._end
            rest = ObjectRange(wanted.key, wanted.offset + known, left, wanted.identity)
            for data in self._reader.read(VirtualFile((rest,)), 0, left):
                self._draft.write(at, data)
                at += len(data)
        else:
            try:
                self._draft.copy(path, wanted.offset + known, left, self._end)
            except NotFound:  # stored since it was looked up, or gone
                moved = self._library.locate(wanted.identity)
                if moved == wanted.key:
                    raise
                self._copy(ObjectRange(moved, wanted.offset, wanted.length, wanted.identity), known)
                return
        self._end += left

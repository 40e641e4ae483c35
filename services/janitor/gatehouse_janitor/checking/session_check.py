"""Files of recorder sessions and their rows, both ways."""

from __future__ import annotations

from collections.abc import Iterator

from gatehouse_common.db import RecorderSessions, SessionChunk, SessionInventory
from gatehouse_common.media.ebml import is_whole_webm
from gatehouse_common.media.session_box import is_as_written, is_webm, read_session_box
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .care import Care
from .clip_check import is_whole
from .content import BlockReader
from .film_check import FilmCheck
from .problem import Area, Kind, Problem

_WITH_FILE = ("stored", "trashed")


class SessionCheck(FilmCheck[SessionChunk]):
    """Finds what differs among files of sessions.

    Args:
        core: where to look.
        care: what is on its way into the index.
        quick: read no file.
    """

    def __init__(self, core: Core, care: Care, *, quick: bool) -> None:
        super().__init__(core, care, quick=quick, prefix=keys.SESSIONS, what="the file of the session")
        self._sessions, self._files = RecorderSessions(core.db), SessionInventory(core.db)

    def _known(self) -> Iterator[SessionChunk]:
        return self._files.files()

    def _row(self, subject: str) -> SessionChunk:
        return self._sessions.any_state(int(subject))

    def _has_file(self, row: SessionChunk) -> bool:
        return row.state in _WITH_FILE

    def _content(self, row: SessionChunk, reader: BlockReader) -> Problem | None:
        if not is_whole_file(reader):
            return self._problem(Kind.DAMAGED, row, "its boxes do not fill the file")
        told = read_session_box(reader)
        if told is None:
            return self._problem(Kind.DAMAGED, row, "it does not say at its end what it is")
        if told.id != row.id:
            return self._problem(
                Kind.FOREIGN, row, f"the file says that it is number {told.number}, of {told.camera or 'a browser'}"
            )
        if not is_as_written(reader):
            return self._problem(Kind.DAMAGED, row, "its bytes are not those that were written")
        return None

    def _unknown(self, files: tuple[ObjectInfo, ...]) -> Iterator[Problem]:
        """Yield the files that no row speaks of."""
        known = self._files.of_keys([info.key for info in files])
        leaving = self._inventory.to_be_deleted([info.key for info in files])
        now_us = self._core.clock.now_us()
        for info in files:
            row = known.get(info.key)
            if row is not None and row.state in _WITH_FILE:
                continue
            if self._care.is_young(info.modified_us, now_us) or info.key in leaving:
                continue
            if info.size == 0:
                yield _unknown(Kind.EMPTY, info, "there is nothing in it, and the index does not know it")
            elif not keys.is_session(info.key):
                yield _unknown(Kind.FOREIGN, info, "its name is not that of a file of a session")
            elif row is not None:
                yield _unknown(Kind.DUPLICATE, info, f"the index says of it: {row.state}")
            else:
                yield _unknown(Kind.ORPHAN, info, f"{info.size} bytes of a session that the index misses")

    def _problem(self, kind: Kind, row: SessionChunk, detail: str) -> Problem:
        return Problem(kind, Area.SESSION, row.camera, row.key, detail, str(row.number))


def is_whole_file(reader: BlockReader) -> bool:
    """Return whether a file of a session, of either container, is a film from its first byte to its last."""
    return is_whole_webm(reader) if is_webm(reader) else is_whole(reader)


def _unknown(kind: Kind, info: ObjectInfo, detail: str) -> Problem:
    return Problem(kind, Area.SESSION, "", info.key, detail)

"""Files of recorder sessions and their rows, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gatehouse_common.db import RecorderSessions, SessionChunk, SessionInventory
from gatehouse_common.media.ebml import is_whole_webm
from gatehouse_common.media.session_box import is_as_written, is_webm, read_session_box
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .care import Care
from .clip_check import is_whole
from .content import BlockReader
from .film_check import NOTHING_IN_IT, FilmCheck
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
        super().__init__(
            core, care, quick=quick, prefix=keys.SESSIONS, area=Area.SESSION, what="the file of the session"
        )
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

    def _strays(self, files: Sequence[ObjectInfo]) -> dict[str, tuple[Kind, str]]:
        known = self._files.of_keys([info.key for info in files])
        states = {key: row.state for key, row in known.items()}
        return {
            info.key: _stray(info, states.get(info.key)) for info in files if states.get(info.key) not in _WITH_FILE
        }

    def _problem(self, kind: Kind, row: SessionChunk, detail: str) -> Problem:
        return Problem(kind, Area.SESSION, row.camera, row.key, detail, str(row.number))


def is_whole_file(reader: BlockReader) -> bool:
    """Return whether a file of a session, of either container, is a film from its first byte to its last."""
    return is_whole_webm(reader) if is_webm(reader) else is_whole(reader)


def _stray(info: ObjectInfo, state: str | None) -> tuple[Kind, str]:
    if info.size == 0:
        return Kind.EMPTY, NOTHING_IN_IT
    if not keys.is_session(info.key):
        return Kind.FOREIGN, "its name is not that of a file of a session"
    if state is not None:
        return Kind.DUPLICATE, f"the index says of it: {state}"
    return Kind.ORPHAN, f"{info.size} bytes of a session that the index misses"

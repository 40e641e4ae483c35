"""The spool of this machine: what should have left it long ago."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatehouse_common.db import FootageReader
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.media.stored import read_head
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .care import Care
from .problem import Area, Kind, Problem


class SpoolCheck:
    """Finds chunks that are stored and indexed, and still in the spool; files that wait for the store are none.

    Capture frees them, and alone writes to the spool: what stands here says that it does not, or cannot. Spools of
    other machines are looked after by the workers there.

    Args:
        core: where to look.
        care: what is left to capture; all of it, while nothing runs.
    """

    def __init__(self, core: Core, care: Care) -> None:
        self._core, self._care = core, care
        self._footage = FootageReader(core.db)
        self.files = self.bytes = 0

    def all(self, advance: Callable[[int], None]) -> Iterator[Problem]:
        """Yield what should have been freed."""
        for info in self._core.spool.list(keys.SPOOL):
            self.files += 1
            self.bytes += info.size
            found = self.look(info)
            if found is not None:
                yield found
            advance(1)

    def look(self, info: ObjectInfo) -> Problem | None:
        """Return what is wrong with a file of the spool."""
        young = self._care.is_young(info.modified_us, self._core.clock.now_us())
        if not self._care.grace_us or young or keys.parse_spool(info.key) is None:
            return None  # while nothing runs, the next start sees to all of them
        try:
            head, _ = read_head(self._core.spool, info.key)
            chunk = None if head is None else self._footage.chunk(head.chunk)
        except (NotFound, DataLoss):
            return None
        if chunk is None or chunk.state != "stored":
            return None
        detail = f"{info.size} bytes; the chunk is stored as {chunk.key}"
        return Problem(Kind.LEFTOVER, Area.SPOOL, chunk.camera, info.key, detail, chunk.id)

    def again(self, problem: Problem) -> Problem | None:
        """Look once more; None if it has been freed."""
        try:
            return self.look(self._core.spool.stat(problem.key))
        except NotFound:
            return None

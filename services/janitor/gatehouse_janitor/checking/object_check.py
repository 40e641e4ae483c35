"""One file among the recordings that no row speaks of."""

from __future__ import annotations

from collections.abc import Callable

from gatehouse_common.db import Chunk, FootageReader
from gatehouse_common.db.inventory import Inventory
from gatehouse_common.errors import DataLoss, InvalidInput, NotFound
from gatehouse_common.ids import is_id, parse_slug
from gatehouse_common.media.run_box import RunInfo
from gatehouse_common.media.stored import read_head
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo, keys

from .care import Care
from .problem import Area, Kind, Problem


class ObjectCheck:
    """Says what a file is that the index does not know.

    Args:
        core: where to look.
        care: what is on its way into the index.
        trouble: returns what is wrong with a chunk that the index knows, None if nothing is.
    """

    def __init__(self, core: Core, care: Care, trouble: Callable[[Chunk], Problem | None]) -> None:
        self._core, self._care, self._trouble = core, care, trouble
        self._footage, self._inventory = FootageReader(core.db), Inventory(core.db)

    def look(self, info: ObjectInfo, *, of_another: bool = False) -> Problem | None:
        """Return what is wrong with a file, None if nothing is: it is known by now, or on its way in or out.

        Args:
            info: the file.
            of_another: the row that has its key is of another chunk, and says nothing of it.
        """
        key = info.key
        if key == keys.RECORDING_INDEX or (not of_another and self._footage.chunk_of_key(key) is not None):
            return None
        young = self._care.is_young(info.modified_us, self._core.clock.now_us())
        if young or self._inventory.to_be_deleted([key]):
            return None
        if info.size == 0:
            return _problem(Kind.EMPTY, key, "there is nothing in it, and the index does not know it")
        try:
            head, _ = read_head(self._core.store, key)
        except DataLoss:
            head = None
        except NotFound:  # gone since it was listed
            return None
        if head is None:
            return _problem(Kind.FOREIGN, key, f"{info.size} bytes that are no chunk file of Gatehouse")
        return self._of_ours(info, head)

    def again(self, key: str, *, of_another: bool = False) -> Problem | None:
        """Look at a file once more; None if it is well by now, or gone. See ``look``."""
        try:
            return self.look(self._core.store.stat(key), of_another=of_another)
        except NotFound:
            return None

    def _of_ours(self, info: ObjectInfo, head: RunInfo) -> Problem | None:
        key = info.key
        if not is_ours(head):
            return _problem(Kind.FOREIGN, key, "what it says of itself cannot be")
        try:
            known = self._footage.chunk(head.chunk)
        except NotFound:
            return _problem(Kind.ORPHAN, key, f"{info.size} bytes that the index misses")
        if known.state == "open":
            return _problem(Kind.ORPHAN, key, "it was stored, and the index was not told")
        if known.key == key:  # the index was told since its key was looked for
            return None
        return self._beside(known, key)

    def _beside(self, known: Chunk, key: str) -> Problem:
        """Return what a file is of a chunk that the index knows under another key."""
        # A copy is one too many only if what it is a copy of is there, and is well: else it may be the only good one.
        try:
            there, _ = read_head(self._core.store, known.key)
        except NotFound:
            return _problem(Kind.ORPHAN, key, f"the index looks for it under {known.key}")
        except DataLoss:
            there = None
        if there is not None and there.chunk != known.id:
            return _problem(Kind.ORPHAN, key, f"the index looks for it under {known.key}, where another chunk is")
        trouble = self._trouble(known)
        if trouble is not None:
            return _problem(Kind.ORPHAN, key, f"the same chunk as {known.key}, of which: {trouble.detail}")
        return _problem(Kind.DUPLICATE, key, f"a copy of the chunk that is stored as {known.key}")


def is_ours(head: RunInfo) -> bool:
    """Return whether a run box says what one of ours can say."""
    try:
        parse_slug(head.camera)
    except InvalidInput:
        return False
    return is_id(head.run) and is_id(head.chunk)


def _problem(kind: Kind, key: str, detail: str) -> Problem:
    names = key.split("/")
    return Problem(kind, Area.RECORDING, names[1] if len(names) > 2 else "", key, detail)

"""What the checks of clips and of files of sessions share: rows and their files compared both ways."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from gatehouse_common.db import Inventory
from gatehouse_common.errors import DataLoss, NotFound
from gatehouse_common.runtime import Core
from gatehouse_common.storage import ObjectInfo

from .batches import batches
from .care import Care
from .content import BlockReader
from .key_set import KeySet
from .problem import Area, Kind, Problem

_BATCH = 500


class _Row(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def bytes(self) -> int: ...


R = TypeVar("R", bound=_Row)
NOTHING_IN_IT = "there is nothing in it, and the index does not know it"


class FilmCheck(ABC, Generic[R]):
    """Finds what differs among films that have a row each.

    Args:
        core: where to look.
        care: what is on its way into the index.
        quick: read no file.
        prefix: of the keys of their files.
        area: what they are to people.
        what: a file is called in sentences.
    """

    def __init__(self, core: Core, care: Care, *, quick: bool, prefix: str, area: Area, what: str) -> None:
        self._core, self._care, self._quick = core, care, quick
        self._prefix, self._area, self._what = prefix, area, what
        self._inventory = Inventory(core.db)
        self.files = self.rows = 0

    def all(self, advance: Callable[[int], None]) -> Iterator[Problem]:
        """Yield what is wrong with any row or file."""
        there = KeySet()
        for some in batches(self._core.store.list(self._prefix), _BATCH):
            self.files += len(some)
            for info in some:
                there.add(info.key)
            yield from self._unknown(some)
            advance(len(some))
        for rows in batches(self._known(), _BATCH):
            self.rows += len(rows)
            lacking = set(there.lacks([row.key for row in rows]))
            for row in rows:
                found = self.look(row) if row.key in lacking or not self._quick else None
                if found is not None:
                    yield found
            advance(len(rows))

    def look(self, row: R) -> Problem | None:
        """Compare a row with its file."""
        if not self._has_file(row) or self._inventory.to_be_deleted([row.key]):
            return None
        try:
            size = self._core.store.stat(row.key).size
            if size == row.bytes:
                return None if self._quick else self._content(row, BlockReader(self._core.store, row.key, size))
        except NotFound:
            return self._problem(Kind.MISSING, row, f"{self._what} is not there")
        except DataLoss as error:  # it costs itself only: the others are looked at all the same
            return self._problem(Kind.DAMAGED, row, f"it cannot be read: {error.message}")
        kind = Kind.EMPTY if size == 0 else Kind.TRUNCATED if size < row.bytes else Kind.SIZE
        return self._problem(kind, row, f"{size} bytes, the index says {row.bytes}")

    def again(self, problem: Problem) -> Problem | None:
        """Look once more at what was found; None if it is well by now."""
        try:
            if not problem.subject:
                return next(self._unknown((self._core.store.stat(problem.key),)), None)
            row = self._row(problem.subject)
        except NotFound:
            return None
        return self.look(row) if row.key == problem.key else None

    def _unknown(self, files: Sequence[ObjectInfo]) -> Iterator[Problem]:
        """Yield the files that no row speaks of, but for those on their way in or out."""
        strays = self._strays(files)
        leaving = self._inventory.to_be_deleted(list(strays))
        now_us = self._core.clock.now_us()
        for info in files:
            if info.key not in strays or info.key in leaving or self._care.is_young(info.modified_us, now_us):
                continue
            kind, detail = strays[info.key]
            yield Problem(kind, self._area, "", info.key, detail)

    @abstractmethod
    def _known(self) -> Iterator[R]:
        """Yield the rows that should have files."""

    @abstractmethod
    def _row(self, subject: str) -> R:
        """Return the row that a problem is about.

        Raises:
            NotFound: there is none any more.
        """

    @abstractmethod
    def _has_file(self, row: R) -> bool:
        """Return whether a row should have a file."""

    @abstractmethod
    def _content(self, row: R, reader: BlockReader) -> Problem | None:
        """Look into a file.

        Raises:
            NotFound: it is gone since.
            DataLoss: it cannot be read.
        """

    @abstractmethod
    def _strays(self, files: Sequence[ObjectInfo]) -> Mapping[str, tuple[Kind, str]]:
        """Return what is to be said of those of some files that no row speaks of, by key."""

    @abstractmethod
    def _problem(self, kind: Kind, row: R, detail: str) -> Problem:
        """Return a problem of a row."""

"""Which entries of a watch list match a plate: pure, and quick for ten thousand entries.

Plates to the letter are looked up; those that forgive are compared all at once, column by column; patterns one by one.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gatehouse_common.timefmt import to_datetime

from .plate_texts import MAX_TEXT, fold
from .watch_records import KINDS, WatchEntry, WatchList, WatchMatch, is_pattern
from .watch_schedule import is_within

_NOTHING: Final = 255  # pads texts: no character of a plate


class MatchingList:
    """A list whose entries can be compared with plates.

    Attributes:
        list: the list.
        compiled: its patterns, by how they are written.

    Args:
        of: the list.
        entries: its entries.
        before: the list as it was: patterns that are on it still are not read again, which takes most of the time.
    """

    def __init__(self, of: WatchList, entries: Sequence[WatchEntry], before: MatchingList | None = None) -> None:
        self.list = of
        live = [] if of.disabled else [entry for entry in entries if not entry.disabled]
        self._exact: dict[str, list[WatchEntry]] = defaultdict(list)
        for entry in live:
            if not is_pattern(entry.plate):
                self._exact[entry.plate].append(entry)
        known = {} if before is None else before.compiled
        written = {entry.plate: known.get(entry.plate) for entry in live if is_pattern(entry.plate)}
        self.compiled: dict[str, re.Pattern[str]] = {
            plate: done or re.compile(fnmatch.translate(plate)) for plate, done in written.items()
        }
        self._patterns = [(self.compiled[entry.plate], entry) for entry in live if is_pattern(entry.plate)]
        self._fuzzy = [entry for entry in live if entry.distance]
        self._letters = letters_of([fold(entry.plate) for entry in self._fuzzy])
        self._most = np.array([entry.distance for entry in self._fuzzy], np.int16)

    def matches(self, text: str) -> list[WatchMatch]:
        """Return the entries that match a text of A-Z and 0-9, whenever they are valid."""
        found = [WatchMatch(self.list, entry, 0) for entry in self._exact.get(text, ())]
        found += [WatchMatch(self.list, entry, 0) for pattern, entry in self._patterns if pattern.match(text)]
        if self._fuzzy:
            apart = np.maximum(distances(fold(text), self._letters), 1)
            near = np.nonzero(apart <= self._most)[0]
            close = ((self._fuzzy[n], int(apart[n])) for n in near)
            found += [WatchMatch(self.list, entry, far) for entry, far in close if entry.plate != text]
        return found


def letters_of(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Return texts of at most 16 characters as columns of letters: uint8, shape (16, texts); short ones are padded."""
    letters = np.full((MAX_TEXT, len(texts)), _NOTHING, np.uint8)
    for n, text in enumerate(texts):
        letters[: len(text), n] = np.frombuffer(text.encode("ascii"), np.uint8)
    return letters


def distances(text: str, letters: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return the Levenshtein distances of a text to others, as :func:`letters_of` has them: int16, shape (others,).

    The table of the usual way is filled for all others at once, a row for each character of ``text``.
    """
    others = letters.shape[1]
    row = np.repeat(np.arange(MAX_TEXT + 1, dtype=np.int16)[:, None], others, axis=1)
    for at, character in enumerate(text.encode("ascii"), 1):
        wrong = row[:-1] + (letters != character)
        row[0] = at
        row[1:] = np.minimum(row[1:] + 1, wrong)
        for column in range(1, MAX_TEXT + 1):
            np.minimum(row[column], row[column - 1] + 1, out=row[column])
    lengths = (letters != _NOTHING).sum(axis=0)
    found: NDArray[np.int16] = row[lengths, np.arange(others)]
    return found


def is_valid(entry: WatchEntry, at_us: int, zone: ZoneInfo) -> bool:
    """Return whether an entry matches at an instant: from its beginning on, and before its end."""
    if entry.from_us is not None and at_us < entry.from_us:
        return False
    if entry.to_us is not None and at_us >= entry.to_us:
        return False
    return is_within(entry.schedule, to_datetime(at_us, zone))


def ranked(matches: Iterable[WatchMatch]) -> list[WatchMatch]:
    """Return matches in the order in which they count: who is denied first, of each kind the closest first."""
    return sorted(matches, key=lambda one: (KINDS.index(one.list.kind), one.distance, one.list.name, one.entry.id))

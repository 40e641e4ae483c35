"""What the repositories of watch lists take and give: plain values. Times are microseconds UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["deny", "watch", "allow"]
How = Literal["exact", "pattern", "fuzzy"]

KINDS: Final[tuple[Kind, ...]] = ("deny", "watch", "allow")
"""What is told first of a plate that is on several lists: who is not wanted before who is."""

MOST_LISTS: Final = 100
MOST_ENTRIES: Final = 10_000
"""Of one list."""
MOST_OF_ALL: Final = 50_000
"""Entries of all lists together: every plate that is read is compared with each."""


@dataclass(frozen=True, slots=True)
class WatchList:
    """A list of plates.

    Attributes:
        id: UUIDv7.
        name: what people call it.
        kind: whether who is on it may pass (``allow``), may not (``deny``), or is to be noticed (``watch``).
        note: what people want to know of it.
        disabled: whether nothing matches it for now.
        entries: how many it has.
        version: counts changes of the list itself, for who wants to change only what was seen.
        revision: counts changes of the list and of its entries.
        created_us: when it was made.
    """

    id: str
    name: str
    kind: Kind
    note: str
    disabled: bool
    version: int
    revision: int
    created_us: int
    entries: int = 0

    @property
    def tag(self) -> str:
        """What it is called as it is: another text once it is changed."""
        return f"{self.id}-{self.version}"


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """A plate, or a pattern of plates, on a list.

    Attributes:
        id: UUIDv7.
        list: id of its list.
        plate: A-Z and 0-9; in a pattern ``*`` is any text and ``?`` any character.
        distance: how many characters may be wrong, missing or too many, 0 to 2; of a pattern none.
        owner: whose car it is.
        note: what people want to know of it.
        from_us: from when on it matches; None: always has.
        to_us: until when it does, that instant not included; None: for ever.
        schedule: when in a week, as ``watch_schedule.py`` reads it; empty: always.
        disabled: whether it does not match for now.
        version: counts changes.
        created_us: when it was added.
    """

    id: str
    list: str
    plate: str
    distance: int
    owner: str
    note: str
    from_us: int | None
    to_us: int | None
    schedule: str
    disabled: bool
    version: int
    created_us: int

    @property
    def tag(self) -> str:
        """What it is called as it is: another text once it is changed."""
        return f"{self.id}-{self.version}"


@dataclass(frozen=True, slots=True)
class TableChange:
    """What a table of entries changed of a list.

    Attributes:
        added: that were not on it.
        changed: that were, each as it was and as it is.
        removed: that are not on it any more.
        same: how many are as they were.
    """

    added: Sequence[WatchEntry]
    changed: Sequence[tuple[WatchEntry, WatchEntry]]
    removed: Sequence[WatchEntry]
    same: int


@dataclass(frozen=True, slots=True)
class WatchMatch:
    """That an entry matches a plate.

    Attributes:
        list: the list.
        entry: its entry.
        distance: 0: to the letter; else how far they are apart, what looks alike counting as one.
    """

    list: WatchList
    entry: WatchEntry
    distance: int

    @property
    def how(self) -> How:
        """``exact``, ``pattern``, or ``fuzzy``: not to the letter."""
        return how_of(self.entry.plate, self.distance)


@dataclass(frozen=True, slots=True)
class Listing:
    """That an entry matched a visit of a plate: what was told of it, and whether it still does.

    Attributes:
        id: UUIDv7; the message that tells it has the same.
        event: id of the plate event.
        entry, list: ids; both may be gone.
        list_name, kind, plate: of list and entry, as they were.
        camera: where the plate was.
        text: what the plate said when it matched last.
        distance: how far that is from the entry.
        stands: whether what the plate says by now still matches.
        noted_us: when it matched first.
        told: whether that was told.
    """

    id: str
    event: str
    entry: str
    list: str
    list_name: str
    kind: Kind
    plate: str
    camera: str
    text: str
    distance: int
    stands: bool
    noted_us: int
    told: bool

    @property
    def how(self) -> How:
        """``exact``, ``pattern``, or ``fuzzy``: not to the letter."""
        return how_of(self.plate, self.distance)


def is_pattern(plate: str) -> bool:
    """Return whether an entry is a pattern."""
    return "*" in plate or "?" in plate


def how_of(plate: str, distance: int) -> How:
    """Return how an entry of ``plate`` matches what is ``distance`` away from it."""
    if distance:
        return "fuzzy"
    return "pattern" if is_pattern(plate) else "exact"

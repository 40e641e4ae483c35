"""What can be wrong between the index and the store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Area(StrEnum):
    """What is compared."""

    RECORDING = "recording"
    CLIP = "clip"
    SESSION = "session"
    PICTURE = "picture"
    MEDIA = "media"
    SPOOL = "spool"


class Kind(StrEnum):
    """What can be wrong."""

    MISSING = "missing"  # the index knows a file that is not there
    ORPHAN = "orphan"  # a file of ours that the index does not know
    FOREIGN = "foreign"  # a file that is not ours, or of another chunk than the index says
    DUPLICATE = "duplicate"  # another copy of a chunk that is stored under another key
    EMPTY = "empty"  # a file without a byte
    TRUNCATED = "truncated"  # the file ends before its time
    FLIPPED = "flipped"  # bytes inside of the file are not those that were written
    DAMAGED = "damaged"  # the file does not say what it is
    REPLACED = "replaced"  # the file is whole by its own word, and is not what was recorded
    SIZE = "size"  # the file is whole, and of another size than the index says
    DURATION = "duration"  # the file covers another time than the index says
    INDEX = "index"  # the index's sample table is not that of the file, which is whole
    BOX = "box"  # the file has no sample index at its end
    OVERLAP = "overlap"  # two chunks of a camera cover the same time: two workers recorded it, or a clock was set back
    TWIN_ROWS = "twin_rows"  # two rows are of the same footage
    LEFTOVER = "leftover"  # a chunk that is stored and indexed is still in the spool, and has been for long


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: what.
        area: what of: a recording, a clip, a file of a session or of a medium, a picture of a plate, the spool.
        camera: whose; empty where nobody knows.
        key: the object's key.
        detail: one sentence for people.
        subject: id of the chunk, clip or plate event, number of the session's file, whose row it is about; empty:
            there is no row.
        other: id of the other row, where two do not fit together.
    """

    kind: Kind
    area: Area
    camera: str
    key: str
    detail: str
    subject: str = ""
    other: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes it the same one when it is found again; the sentence may be another then."""
        return self.area.value, self.key, self.subject, self.other


def counts(problems: Iterable[Problem]) -> dict[str, int]:
    """Return how many problems there are of each kind, by kind."""
    found: dict[str, int] = {}
    for problem in problems:
        found[problem.kind.value] = found.get(problem.kind.value, 0) + 1
    return dict(sorted(found.items()))

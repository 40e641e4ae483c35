"""What the repositories of plates and clips take and give: plain values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Literal

from .visible import Visible

Match = Literal["exact", "prefix", "wildcard", "fuzzy"]


@dataclass(frozen=True, slots=True)
class PlateEvent:
    """One visit of one plate at one camera; ``text`` is as a person corrected it, else as it was voted."""

    id: str
    camera: str
    state: str
    start_us: int
    end_us: int
    text: str
    voted_text: str
    confidence: float
    characters: list[float]
    alternatives: list[tuple[str, float]]
    region: str
    pattern: str
    direction: str
    reads: int
    best_read: str
    best_us: int
    quad: list[tuple[float, float]]
    picture_width: int
    picture_height: int
    area: list[int]
    frame_key: str
    crop_key: str
    rejected: bool = False
    corrected_us: int | None = None
    corrected_by: str | None = None
    rejected_us: int | None = None
    rejected_by: str | None = None

    @property
    def tag(self) -> str:
        """What a person may change of it is called as it is, with what that is said of: else another text."""
        parts = (self.id, self.text, self.voted_text, self.rejected, self.corrected_us)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class PlateReadRecord:
    """One plate on one frame."""

    id: str
    event: str | None
    camera: str
    time_us: int
    run: str
    pts: int
    text: str
    confidence: float
    threshold: float
    qualifies: bool
    characters: list[float]
    alternatives: list[tuple[str, float]]
    region: str
    pattern: str
    quad: list[tuple[float, float]]
    picture_width: int
    picture_height: int
    area: list[int]


@dataclass(frozen=True, slots=True)
class PlateQuery:
    """Which plate events.

    Attributes:
        text: what to look for, A-Z and 0-9; None: any. With ``wildcard``, ``*`` is any text and ``?`` any character.
        match: how; ``fuzzy``: at most one character is wrong, missing or too many, characters that are confused alike.
        cameras: of these only; None: of all.
        start_us, end_us: that share an instant with this range; None: without bound.
        min_confidence: at least so sure.
        rejected: whether those that a person rejected are among them.
        before: ``(start_us, id)`` of the last one of the page before.
        limit: so many at most, the newest first.
        offset: so many are passed over first; for older clients, ``before`` is better.
        visible: of these only, whatever is asked for; readers say which.
    """

    text: str | None = None
    match: Match = "exact"
    cameras: frozenset[str] | None = None
    start_us: int | None = None
    end_us: int | None = None
    min_confidence: float = 0.0
    rejected: bool = False
    before: tuple[int, str] | None = None
    limit: int = 50
    offset: int = 0
    visible: Visible | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip around plate events; ``events`` are their ids in the order in which they began.

    ``start_us`` and ``end_us`` are where it should begin and end while it is planned, then where it does, to the frame;
    ``wanted_start_us`` and ``wanted_end_us`` stay.
    """

    id: str
    camera: str
    state: str
    start_us: int
    end_us: int
    wanted_start_us: int
    wanted_end_us: int
    first_us: int
    last_us: int
    previous: str | None
    key: str
    bytes: int
    width: int
    height: int
    frames: int
    detail: str
    created_us: int
    stored_us: int | None
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClipQuery:
    """Which clips; see :class:`PlateQuery`. Without ``states`` those that are stored, archived or purged."""

    cameras: frozenset[str] | None = None
    start_us: int | None = None
    end_us: int | None = None
    states: frozenset[str] | None = None
    before: tuple[int, str] | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ClipStats:
    """How much was stored in clips, also in those whose file is gone; ``by_day`` counts them per local day."""

    count: int
    bytes: int
    duration_us: int
    by_day: dict[date, int]

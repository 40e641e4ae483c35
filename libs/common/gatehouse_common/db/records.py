"""What the repositories take and give: plain values, never rows of an ORM."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gatehouse_common.intervals import Interval


@dataclass(frozen=True, slots=True)
class Camera:
    """A configured source and what it last reported."""

    id: str
    url: str = field(repr=False)
    name: str = ""
    enabled: bool = True
    created_us: int = 0
    state: str = "starting"
    state_cause: str | None = None
    state_since_us: int | None = None
    state_detail: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    codec: str = ""
    fallback: str | None = None
    backend: str = ""
    timezone: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    asked_fps: float = 0.0
    dropped: float = 0.0
    dropped_frames: int = 0

    @property
    def tag(self) -> str:
        """What its settings are called as they are: another text once they are changed, or of another of this id."""
        return f"{self.created_us:x}.{self.version:x}"


@dataclass(frozen=True, slots=True)
class Run:
    """One unbroken connection; ``init`` is its init segment.

    ``interruptions`` are the ``{"cause", "since_us"}`` that came before it, as ``run.started`` told them.
    """

    id: str
    camera: str
    started_us: int
    origin_us: int
    init: bytes = field(repr=False)
    video_codec: str
    audio_codec: str | None
    width: int
    height: int
    fps: float
    ended_us: int | None = None
    end_cause: str | None = None
    interruptions: list[dict[str, Any]] = field(default_factory=list)
    spool_url: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk file; ``key`` is in the spool while ``state`` is ``open``, then in the store."""

    id: str
    camera: str
    run: str
    key: str
    state: str
    start_us: int
    end_us: int
    origin_us: int
    bytes: int
    recovered: bool
    stored_us: int | None = None

    @property
    def span(self) -> Interval:
        """The wall time it covers."""
        return Interval(self.start_us, self.end_us)


@dataclass(frozen=True, slots=True)
class Gap:
    """A span that should have been recorded and was not; ``run`` is the run that came after it, if known."""

    camera: str
    start_us: int
    end_us: int
    cause: str
    detail: str = ""
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a camera recorded in a range, sorted and disjoint, and what it did not; both clipped to the range."""

    recorded: list[Interval]
    gaps: list[Gap]


@dataclass(frozen=True, slots=True)
class Day:
    """A local day with footage, and how much: microseconds recorded."""

    date: date
    recorded_us: int

"""Plates on frames, made by hand: what tests of tracking, voting and visits look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatehouse_common.ids import new_id
from gatehouse_common.messages.plates import ReadFields
from gatehouse_detector.geometry import Box, box_of
from gatehouse_detector.sightings import Look, Sighting
from gatehouse_detector.visits import CameraVisits, Ended, Judged, Outcome, Rules

WIDTH, HEIGHT = 1920, 1080
SECOND = 1_000_000
START_US = 1_715_941_380_000_000
RUN = "01900000-0000-7000-8000-000000000001"
LATER_RUN = "01900000-0000-7000-8000-000000000002"
WHOLE = Box(0, 0, WIDTH, HEIGHT)
RULES = Rules(visit_us=10 * SECOND, parked_us=12 * 3600 * SECOND)


@dataclass(frozen=True)
class Seen:
    """A plate at a place: its centre and width in pixels."""

    text: str
    x: float
    y: float = 600
    width: float = 160
    confidence: float = 0.8
    pattern: str = ""


def pts_of(seconds: float) -> int:
    return round(seconds * 90_000)


def sighting(seen: Seen, at_s: float, run: str = RUN) -> Sighting:
    half, tall = seen.width / 2, seen.width / 8
    left, right, top, bottom = seen.x - half, seen.x + half, seen.y - tall, seen.y + tall
    read = ReadFields(
        id=new_id(),
        time_us=START_US + round(at_s * SECOND),
        run=run,
        pts=pts_of(at_s),
        text=seen.text,
        confidence=seen.confidence,
        characters=[seen.confidence ** (1 / len(seen.text))] * len(seen.text),
        pattern=seen.pattern,
        region="us" if seen.pattern else "",
        quad=((left, top), (right, top), (right, bottom), (left, bottom)),
        picture_width=WIDTH,
        picture_height=HEIGHT,
        area=(0, 0, WIDTH, HEIGHT),
    )
    return Sighting(read, box_of(read.quad))


def look(at_s: float, *seen: Seen, run: str = RUN, region: Box = WHOLE) -> Look:
    at_us = START_US + round(at_s * SECOND)
    return Look(run, pts_of(at_s), at_us, region, tuple(sighting(one, at_s, run) for one in seen))


class Watching:
    """One camera's visits, and what has been told of them."""

    def __init__(self, threshold: float = 0.5, rules: Rules = RULES) -> None:
        self.visits = CameraVisits(rules)
        self.threshold = threshold
        self.outcomes: list[Outcome] = []

    def see(self, looks: Sequence[Look]) -> list[Outcome]:
        found = [outcome for one in looks for outcome in self.visits.look(one, self.threshold)]
        self.outcomes += found
        return found

    def at(self, seconds: float, *seen: Seen, run: str = RUN, region: Box = WHOLE) -> list[Outcome]:
        return self.see([look(seconds, *seen, run=run, region=region)])

    def wait_until(self, seconds: float) -> list[Outcome]:
        found = self.visits.pass_time(START_US + round(seconds * SECOND))
        self.outcomes += found
        return found

    @property
    def judged(self) -> list[Judged]:
        return [o for o in self.outcomes if isinstance(o, Judged)]

    @property
    def told(self) -> list[Judged]:
        return [o for o in self.judged if o.tell]

    @property
    def opened(self) -> list[Judged]:
        return [o for o in self.judged if o.opened]

    @property
    def ended(self) -> list[Ended]:
        return [o for o in self.outcomes if isinstance(o, Ended)]


def crossing(text: str, *, reads: int = 10, start_s: float = 0.0, y: float = 600, width: float = 160) -> list[Look]:
    """A car that crosses the picture in two seconds."""
    step = 2.0 / reads
    return [
        look(start_s + k * step, Seen(text, 100 + k * (WIDTH - 200) / max(reads - 1, 1), y, width))
        for k in range(reads)
    ]

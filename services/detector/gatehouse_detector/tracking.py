"""Which reads are of one plate: those that follow on each other in place and text, by the times of their frames."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gatehouse_common.clock import SECOND

from .geometry import Box, apart, overlap, shared
from .sightings import Look, Sighting, ballot_of
from .similarity import are_same, is_piece, similarity
from .voting import Ballot, Verdict, vote

_BALLOTS = 24
_RECENT = 16
_EARLY = 4
_SAME_PLATE = 0.25
"""Of the smaller box: plates are beside each other, so boxes that overlap more on one frame are of one."""
_LEAST_PIECE = 3
_PIECE = 0.85
"""How similar a text is to a piece of it."""
_SOON_US = 3 * SECOND // 2
_AT_ONCE_US = 7 * SECOND // 10
_LONG_US = 10 * SECOND
_LEAST_PACE_US = SECOND // 25
_STILL = 0.5
"""Widths of the plate per second: slower than that it is about to stand."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text was read, and when."""

    at_us: int
    box: Box
    text: str


def whole_box(box: Box, text: str, whole: str) -> Box:
    """Return where all of a plate is of which a piece was read; the box itself if the text is no piece of it."""
    at = whole.find(text)
    if at < 0 or len(text) < _LEAST_PIECE or len(text) == len(whole):
        return box
    character = box.width / len(text)
    left, right = box.left - at * character, box.right + (len(whole) - at - len(text)) * character
    return Box(left, box.top, right, box.bottom)


class Track:
    """The reads of one plate: the surest ones vote on what it says, the last ones tell where it is and how it moves."""

    def __init__(self) -> None:
        self._ballots: dict[tuple[str, int], Ballot] = {}
        self._early: list[_Place] = []
        self._recent: list[_Place] = []
        self._verdict: Verdict | None = None
        self.parked = False
        """Whether nothing is expected of it: it stands where it was read last."""

    def add(self, sighting: Sighting) -> None:
        """Take a read, in whatever order they come; of one frame the surest counts."""
        ballot = ballot_of(sighting.read)
        before = self._ballots.get(sighting.frame)
        if before is None or before.confidence < ballot.confidence:
            self._ballots[sighting.frame] = ballot
            self._verdict = None
        if len(self._ballots) > _BALLOTS:
            del self._ballots[min(self._ballots, key=lambda frame: (self._ballots[frame].confidence, frame))]
        place = _Place(sighting.read.time_us, sighting.box, sighting.read.text)
        insort(self._recent, place, key=lambda each: each.at_us)
        insort(self._early, place, key=lambda each: each.at_us)
        del self._recent[:-_RECENT], self._early[_EARLY:]

    @property
    def verdict(self) -> Verdict:
        """What it says, by vote."""
        if self._verdict is None:
            self._verdict = vote(list(self._ballots.values()))
        return self._verdict

    @property
    def last_us(self) -> int:
        """When it was read last, by the time of the frame."""
        return self._recent[-1].at_us

    @property
    def box(self) -> Box:
        """Where it was read last."""
        return self.whole(self._recent[-1].box, self._recent[-1].text)

    @property
    def way(self) -> list[Box]:
        """Where it was first and last, in the order of time."""
        between = self._early[-1].at_us
        places = self._early + [place for place in self._recent if place.at_us > between]
        return [self.whole(place.box, place.text) for place in places]

    def whole(self, box: Box, text: str) -> Box:
        """Return where all of the plate is if this text of it was read there."""
        return whole_box(box, text, self.verdict.text)

    @property
    def reads(self) -> int:
        """How many reads its position is known of, up to those that are kept."""
        return len(self._recent)

    def has(self, frame: tuple[str, int]) -> bool:
        """Return whether it was read on a frame."""
        return frame in self._ballots

    def is_slow(self) -> bool:
        """Return whether it was about to stand when it was read last; unknown counts as no."""
        moves = self._velocity()
        return moves is not None and math.hypot(*moves) / self.box.width < _STILL

    def expected(self, time_us: int) -> tuple[Box, int]:
        """Return where it should be at a time, and how far that is from a read, microseconds."""
        nearest = min(self._recent, key=lambda each: abs(each.at_us - time_us))
        ahead_s = max(-1.0, min(1.0, (time_us - nearest.at_us) / SECOND))
        dx, dy = self._velocity() or (0.0, 0.0)
        box = self.whole(nearest.box, nearest.text)
        return box.shifted(dx * ahead_s, dy * ahead_s), abs(time_us - nearest.at_us)

    def likeness(self, text: str) -> tuple[bool, float]:
        """Return whether it says so but for look-alikes, and how similar that is to what it says."""
        own = {self.verdict.text, self._recent[-1].text}
        alike = max(_PIECE if is_piece(each, text) else similarity(each, text) for each in own)
        return any(are_same(each, text) for each in own), alike

    def _velocity(self) -> tuple[float, float] | None:
        """Return pixels a second, None if it is not known."""
        if len(self._recent) < 2:
            return None
        end = self._recent[-1]
        earlier = (place for place in reversed(self._recent[:-1]) if end.at_us - place.at_us >= _LEAST_PACE_US)
        start = next(earlier, self._recent[0])
        took_s = (end.at_us - start.at_us) / SECOND
        if took_s <= 0 or took_s > _LONG_US / SECOND:
            return None
        (ax, ay), (bx, by) = self.whole(start.box, start.text).centre, self.whole(end.box, end.text).centre
        return (bx - ax) / took_s, (by - ay) / took_s


def affinity(track: Track, sighting: Sighting) -> float | None:
    """Return how well a read goes on from a track; None: it is of another plate.

    The less the texts are alike, the nearer it must be: two cars with nearly the same plates are two, and a plate that
    was read wrong once is still where it was.
    """
    expected, gap_us = track.expected(sighting.read.time_us)
    box = track.whole(sighting.box, sighting.read.text)
    near, common = apart(expected, box), shared(expected, box)
    same, alike = track.likeness(sighting.read.text)
    reach = _reach(track, same, alike, gap_us)
    if near > reach and common < _overlap_needed(track, same, alike, gap_us):
        return None
    return 2 * alike + common + max(0.0, 1 - near / max(reach, 1.0))


def _reach(track: Track, same: bool, alike: float, gap_us: int) -> float:
    """Return how far a plate may be from where it is expected, in its widths."""
    gap_s = gap_us / SECOND
    known = track.reads > 1
    if same:
        if track.parked:
            return 3.0
        return 2 + 10 * gap_s
    if alike >= 0.55 and gap_us <= _SOON_US:
        return 0.8 + (2.5 if known else 5) * gap_s
    return 0.0


def _overlap_needed(track: Track, same: bool, alike: float, gap_us: int) -> float:
    """Return what the boxes must share of a plate that is where it was; more than 1: nothing suffices."""
    if same:
        return 0.1
    if gap_us <= _SOON_US and alike >= 0.55:
        return 0.2
    if alike >= (0.8 if track.parked or gap_us > _LONG_US else 0.6):
        return 0.3
    return 0.4 if gap_us <= _AT_ONCE_US else 2.0


def assign(tracks: Iterable[Track], look: Look) -> list[tuple[Track, Sighting]]:
    """Return the track of each plate on a picture, new ones among them; a track has one plate on a frame at most.

    What was found twice, in one picture or in two regions of a frame that overlap, is one.
    """
    sightings = _distinct(look.sightings)
    known = list(tracks)
    pairs = [
        (score, -t, -s)
        for t, track in enumerate(known)
        for s, sighting in enumerate(sightings)
        if (score := _score(track, sighting)) is not None
    ]
    taken: dict[int, Track] = {}
    used: set[int] = set()
    for _, t, s in sorted(pairs, reverse=True):
        if -s not in taken and -t not in used:
            taken[-s] = known[-t]
            used.add(-t)
    return [(taken.get(s) or Track(), sighting) for s, sighting in enumerate(sightings)]


def _score(track: Track, sighting: Sighting) -> float | None:
    if track.has(sighting.frame):  # in another region of this frame
        found = overlap(track.expected(sighting.read.time_us)[0], sighting.box)
        return 4 + found if found >= _SAME_PLATE else None
    return affinity(track, sighting)


def _distinct(sightings: Sequence[Sighting]) -> list[Sighting]:
    kept: list[Sighting] = []
    for sighting in sorted(sightings, key=lambda s: (-s.read.confidence, s.read.text, s.box.left, s.box.top)):
        if all(overlap(sighting.box, other.box) < _SAME_PLATE for other in kept):
            kept.append(sighting)
    return kept

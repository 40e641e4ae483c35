"""What was seen on one picture: the plates in it, where, and how well."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatehouse_common.messages.plates import ReadFields

from .geometry import Box
from .voting import Ballot


@dataclass(frozen=True, slots=True)
class Sighting:
    """A plate that was read on a picture.

    Attributes:
        read: what was read, where and when.
        box: the upright box around it, pixels of the whole picture.
        clarity: how large and sharp it is, 0 to 1.
    """

    read: ReadFields
    box: Box
    clarity: float = 1.0

    @property
    def quality(self) -> float:
        """How good a picture of the plate it is, 0 to 1."""
        return self.read.confidence * self.clarity

    @property
    def frame(self) -> tuple[str, int]:
        """Run and time in it: the frame that it is from."""
        return self.read.run, self.read.pts


@dataclass(frozen=True, slots=True)
class Look:
    """A picture that was looked at, or a region of one.

    Attributes:
        run: id of the run.
        pts: presentation time in the run, ticks of 1/90000 s.
        time_us: when it is on the screen, microseconds UTC.
        region: what of the whole picture was looked at.
        sightings: the plates in it.
    """

    run: str
    pts: int
    time_us: int
    region: Box
    sightings: tuple[Sighting, ...] = field(default=())


def ballot_of(read: ReadFields) -> Ballot:
    """Return what a read says, for the vote."""
    characters, alternatives = tuple(read.characters), tuple(read.alternatives)
    return Ballot(read.text, read.confidence, characters, read.region, read.pattern, alternatives)

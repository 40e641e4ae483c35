"""The engine that needs nothing but what is installed: finds lines of text, reads them, judges which are plates."""

from __future__ import annotations

from dataclasses import dataclass

from .hypotheses import Hypothesis, Look, weigh
from .judge import confidence, features, is_stamp
from .lines import plate_lines
from .port import Image, Reading
from .quads import as_quad, grown, shared, straightened
from .recognisers import HEIGHT, WIDEST, Recogniser, TextRecogniser
from .syntaxes import known_region
from .text_boxes import Line, TextBoxes

CROPS = ((0.0, 0.0), (0.0, -0.06), (0.05, 0.05))
"""Margins of the crops that are read of a line, sideways and upright, in heights of the line."""
_SAME_PLACE = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line, and what it says."""

    line: Line
    hypothesis: Hypothesis


class PlateEngine:
    """Reads plates.

    Args:
        finder: finds lines of text.
        recognisers: read lines; each with its weight.
        least: confidence below which a reading is not given.
    """

    def __init__(self, finder: TextBoxes, recognisers: list[tuple[Recogniser, float]], least: float = 0.05) -> None:
        self._finder = finder
        self._recognisers = recognisers
        self._least = least

    def read(self, image: Image, region: str = "") -> list[Reading]:
        """Return the plates in a picture, the surest first."""
        region = known_region(region)
        readings = [self._reading(candidate, region) for candidate in self.candidates(image, region)]
        return [reading for reading in readings if reading.confidence >= self._least]

    def candidates(self, image: Image, region: str) -> list[Candidate]:
        """Return what may be a plate, the surest first, one at each place."""
        found = []
        for line in plate_lines(self._finder.find(image)):
            hypothesis = weigh(self._looks(image, line), region)
            if hypothesis and not is_stamp(hypothesis.text):
                found.append(Candidate(line, hypothesis))
        found.sort(key=lambda each: -confidence(features(each.hypothesis, each.line)))
        kept: list[Candidate] = []
        for candidate in found:
            if all(shared(candidate.line.corners, other.line.corners) < _SAME_PLACE for other in kept):
                kept.append(candidate)
        return kept

    def _looks(self, image: Image, line: Line) -> list[Look]:
        crops = [straightened(image, grown(line.corners, *margins), HEIGHT, WIDEST) for margins in CROPS]
        return [Look(places, weight) for recogniser, weight in self._recognisers for places in recogniser.read(crops)]

    @staticmethod
    def _reading(candidate: Candidate, region: str) -> Reading:
        hypothesis = candidate.hypothesis
        syntax = hypothesis.syntax
        return Reading(
            text=hypothesis.text,
            confidence=round(confidence(features(hypothesis, candidate.line)), 4),
            characters=hypothesis.characters,
            quad=as_quad(candidate.line.corners),
            region=syntax.region if syntax else region,
            pattern=syntax.pattern if syntax else "",
            alternatives=hypothesis.alternatives,
        )


def build(threads: int = 1, side: int = 960) -> PlateEngine:
    """Return the engine with what is bundled."""
    return PlateEngine(TextBoxes(side, threads=threads), [(TextRecogniser(threads), 1.0)])

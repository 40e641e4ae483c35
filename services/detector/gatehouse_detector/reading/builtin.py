"""The engine that needs nothing but what is installed: finds plates' lines, reads them, judges which are plates."""

from __future__ import annotations

from dataclasses import dataclass

from .alphabet import Distribution
from .hypotheses import Hypothesis, weigh
from .judge import confidence, features, is_stamp, may_be_time
from .plate_lines import PlateLines
from .port import Image, Reading
from .quads import Corners, as_quad, grown, shared
from .recognisers import PlateRecogniser, Recogniser, TextRecogniser
from .syntaxes import known_region
from .text_boxes import Finder, Line

FIRST_CROPS = ((0.1, 0.1), (0.3, 0.6))
"""Margins of the crops that are read of every line, sideways and upright, in its heights; the second is the plate."""
MORE_CROPS = ((0.25, 0.2), (0.45, 0.3))
"""Those of more crops for the same network, of the likeliest lines, unless they are clear already."""
SECOND_CROPS = ((0.2, 0.2), (0.5, 0.3))
"""Those of the crops that the larger network reads of these. Wide ones find a narrow sign at the end of a line."""
SECOND_LOOKS = 2
"""Lines of a picture that get a second look."""
_UNLIKELY = 0.05
_CLEAR = 0.985
_SAME_PLACE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A line, what it says, and how sure that is."""

    line: Line
    looks: list[list[Distribution]]
    hypothesis: Hypothesis
    confidence: float


class PlateEngine:
    """Reads plates.

    Args:
        finder: finds lines of plates.
        first: reads every line that is found.
        second: reads those that are likely plates and not clear yet.
        least: confidence below which a reading is not given.
    """

    def __init__(self, finder: Finder, first: Recogniser, second: Recogniser, least: float = 0.05) -> None:
        self._finder = finder
        self._first = first
        self._second = second
        self._least = least

    def read(self, image: Image, region: str = "") -> list[Reading]:
        """Return the plates in a picture, the surest first."""
        region = known_region(region)
        found = [_reading(candidate, region) for candidate in self.candidates(image, region)]
        return [reading for reading in found if reading.confidence >= self._least]

    def candidates(self, image: Image, region: str) -> list[Candidate]:
        """Return what may be a plate, the surest first, one at each place."""
        found = self.first_look(image, region)
        likely = [each for each in found if not may_be_time(each.hypothesis.text)]  # a clock takes no plate's turn
        unclear = [each for each in likely[:SECOND_LOOKS] if _UNLIKELY < each.confidence < _CLEAR]
        rest = [each for each in found if each not in unclear]
        return _apart(rest + self.second_look(image, region, unclear))

    def first_look(self, image: Image, region: str) -> list[Candidate]:
        """Return the lines in a picture that may be plates by the quick network, the surest first."""
        lines = self._finder.find(image)
        looks = _looks(self._first, image, lines, FIRST_CROPS)
        judged = [_judged(line, [seen], region) for line, seen in zip(lines, looks, strict=True)]
        return sorted((each for each in judged if each), key=lambda each: -each.confidence)

    def second_look(self, image: Image, region: str, candidates: list[Candidate]) -> list[Candidate]:
        """Return candidates judged anew, by what the larger network says too."""
        looks = _looks(self._second, image, [each.line for each in candidates], SECOND_CROPS)
        judged = [_judged(each.line, [*each.looks, seen], region) for each, seen in zip(candidates, looks, strict=True)]
        return [each for each in judged if each]


def _looks(
    recogniser: Recogniser, image: Image, lines: list[Line], margins: tuple[tuple[float, float], ...]
) -> list[list[Distribution]]:
    """Return for each line what a recogniser says to its crops."""
    crops: list[Corners] = [grown(line.corners, *each) for line in lines for each in margins]
    places = recogniser.read(image, crops)
    return [places[at : at + len(margins)] for at in range(0, len(places), len(margins))]


def _judged(line: Line, looks: list[list[Distribution]], region: str) -> Candidate | None:
    hypothesis = weigh(looks, region)
    if hypothesis is None or is_stamp(hypothesis.text):
        return None
    doubtful = may_be_time(hypothesis.text)
    return Candidate(line, looks, hypothesis, confidence(features(hypothesis, line), len(looks), doubtful=doubtful))


def _apart(found: list[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    for candidate in sorted(found, key=lambda each: -each.confidence):
        if all(shared(candidate.line.corners, other.line.corners) < _SAME_PLACE for other in kept):
            kept.append(candidate)
    return kept


def _reading(candidate: Candidate, region: str) -> Reading:
    hypothesis = candidate.hypothesis
    syntax = hypothesis.syntax
    return Reading(
        text=hypothesis.text,
        confidence=round(candidate.confidence, 4),
        characters=hypothesis.characters,
        quad=as_quad(candidate.line.corners),
        region=syntax.region if syntax else region,
        pattern=syntax.pattern if syntax else "",
        alternatives=hypothesis.alternatives,
    )


def build(threads: int = 1) -> PlateEngine:
    """Return the engine with what is bundled."""
    return PlateEngine(PlateLines(threads=threads), PlateRecogniser(threads), TextRecogniser(threads))

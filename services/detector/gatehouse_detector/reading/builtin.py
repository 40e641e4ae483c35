"""The engine that needs nothing but what is installed: finds plates' lines, reads them, judges which are plates."""

from __future__ import annotations

from dataclasses import dataclass

from .hypotheses import Hypothesis, Look, weigh
from .judge import confidence, features, is_stamp
from .lines import plate_lines
from .networks import BUNDLED
from .plate_lines import PlateLines
from .port import Image, Reading
from .quads import Corners, as_quad, grown, shared
from .recognisers import PlateRecogniser, Recogniser, TextRecogniser
from .syntaxes import known_region
from .text_boxes import Finder, Line, TextBoxes

FIRST_CROPS = ((0.05, 0.05), (0.2, 0.15))
"""Margins of the crops that are read of every line, sideways and upright, in heights of the line."""
SECOND_CROPS = ((0.1, 0.12),)
"""Those of the crops that the larger network reads of the likeliest lines, unless they are clear already."""
SECOND_LOOKS = 2
"""Lines of a picture that get a second look."""
_UNLIKELY = 0.02
_CLEAR = 0.97
_SAME_PLACE = 0.5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line, what it says, and how sure that is."""

    line: Line
    looks: tuple[Look, ...]
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
        lines = plate_lines(self._finder.find(image))
        looks = self._looks(self._first, image, lines, FIRST_CROPS, 1.0)
        found = [judged for line, seen in zip(lines, looks, strict=True) if (judged := _judged(line, seen, region))]
        found.sort(key=lambda each: -each.confidence)
        unclear = [each for each in found[:SECOND_LOOKS] if _UNLIKELY < each.confidence < _CLEAR]
        more = self._looks(self._second, image, [each.line for each in unclear], SECOND_CROPS, 1.0)
        for candidate, seen in zip(unclear, more, strict=True):
            found.remove(candidate)
            again = _judged(candidate.line, candidate.looks + seen, region)
            if again:
                found.append(again)
        found.sort(key=lambda each: -each.confidence)
        return _apart(found)

    @staticmethod
    def _looks(
        recogniser: Recogniser, image: Image, lines: list[Line], margins: tuple[tuple[float, float], ...], weight: float
    ) -> list[tuple[Look, ...]]:
        crops: list[Corners] = [grown(line.corners, *each) for line in lines for each in margins]
        places = recogniser.read(image, crops)
        looks = [Look(each, weight) for each in places]
        return [tuple(looks[at : at + len(margins)]) for at in range(0, len(looks), len(margins))]


def _judged(line: Line, looks: tuple[Look, ...], region: str) -> Candidate | None:
    hypothesis = weigh(list(looks), region)
    if hypothesis is None or is_stamp(hypothesis.text):
        return None
    return Candidate(line, looks, hypothesis, confidence(features(hypothesis, line)))


def _apart(found: list[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    for candidate in found:
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
    second = TextRecogniser(threads)
    first: Recogniser = PlateRecogniser(threads) if (BUNDLED / "plate_reader.onnx").exists() else second
    finder: Finder = PlateLines(threads=threads) if (BUNDLED / "plate_finder.onnx").exists() else TextBoxes()
    return PlateEngine(finder, first, second)

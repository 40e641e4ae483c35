"""Confidence: every feature has its weight, what speaks for a plate raises it, and it stays a probability (S2-40)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gatehouse_detector.reading import judge
from gatehouse_detector.reading.alphabet import BLANK, CHARACTERS, COLUMNS, Distribution
from gatehouse_detector.reading.builtin import PlateEngine
from gatehouse_detector.reading.hypotheses import Hypothesis
from gatehouse_detector.reading.port import Image
from gatehouse_detector.reading.quads import Corners
from gatehouse_detector.reading.syntaxes import fit
from gatehouse_detector.reading.text_boxes import Line

LINE = Line(np.asarray([[0, 0], [110, 0], [110, 24], [0, 24]], np.float32), 0.9)
CLEAR = Hypothesis(
    text="RK026AJ",
    chance=0.99,
    evidence=0.98,
    agreement=1.0,
    characters=(0.99,) * 7,
    syntax=fit("RK026AJ", "eu"),
    alternatives=(),
)


class OneLine:
    """Finds one line, wherever it looks."""

    def find(self, image: Image) -> list[Line]:
        return [LINE]


class Says:
    """Reads one text clearly, whatever it sees."""

    def __init__(self, text: str) -> None:
        self._places = np.full((2 * len(text), COLUMNS), 1e-4, np.float32)
        for k, char in enumerate(text):
            self._places[2 * k, CHARACTERS.index(char) + 1] = self._places[2 * k + 1, BLANK] = 0.99

    def read(self, image: Image, crops: list[Corners]) -> list[Distribution]:
        return [self._places for _ in crops]


def confidence(hypothesis: Hypothesis, line: Line = LINE, recognisers: int = 2) -> float:
    return judge.confidence(judge.features(hypothesis, line), recognisers)


def test_every_feature_has_a_weight_and_every_weight_a_feature() -> None:
    written = json.loads(Path(judge.__file__).with_name("confidence.json").read_text())
    assert set(written) == {"1", "2"}
    for weights in written.values():
        assert set(weights) - {"constant"} == set(judge.features(CLEAR, LINE))


@pytest.mark.parametrize("recognisers", [1, 2])
def test_a_clear_plate_is_sure(recognisers: int) -> None:
    assert confidence(CLEAR, recognisers=recognisers) > 0.9


@pytest.mark.parametrize("recognisers", [1, 2])
def test_what_is_blurred_or_odd_is_less_sure(recognisers: int) -> None:
    sure = confidence(CLEAR, recognisers=recognisers)
    doubtful = [
        replace(CLEAR, chance=0.3),
        replace(CLEAR, evidence=0.2),
        replace(CLEAR, characters=(0.99,) * 6 + (0.1,)),
        replace(CLEAR, syntax=None),
    ]
    # Features that say the same share one weight, so some have none.
    for hypothesis in doubtful:
        assert confidence(hypothesis, recognisers=recognisers) <= sure
    worst = replace(CLEAR, chance=0.3, evidence=0.2, agreement=0.2, characters=(0.1,) * 7, syntax=None)
    assert confidence(worst, recognisers=recognisers) < min(0.7, sure - 0.1)
    assert confidence(CLEAR, Line(LINE.corners, 0.2), recognisers) < sure


def test_six_digits_that_may_be_a_time_of_day_are_given_and_open_no_event() -> None:
    """Plates of the USA say 123456, and so do clocks that cameras write into their pictures."""
    texts = {"123456": True, "235959": True, "993456": False, "126056": False, "12345": False}
    assert {text: judge.may_be_time(text) for text in texts} == texts
    engine = PlateEngine(OneLine(), Says("123456"), Says("123456"))
    (reading,) = engine.read(np.zeros((100, 200, 3), np.uint8), "us")
    assert (reading.text, reading.pattern) == ("123456", "999999")
    assert 0.05 < reading.confidence <= 0.45
    engine = PlateEngine(OneLine(), Says("993456"), Says("993456"))
    (reading,) = engine.read(np.zeros((100, 200, 3), np.uint8), "us")
    assert reading.confidence > 0.45


def test_it_is_a_probability_whatever_comes() -> None:
    nothing = Hypothesis("1111", 0.0, 0.0, 0.0, (0.0,) * 4, None, ())
    tiny = Line(np.asarray([[0, 0], [9, 0], [9, 0.5], [0, 0.5]], np.float32), 0.0)
    assert 0.0 <= confidence(nothing, tiny) < 0.05
    assert confidence(CLEAR, Line(LINE.corners * 40, 1.0)) <= 1.0

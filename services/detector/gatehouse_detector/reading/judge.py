"""Tells plates from other writing, and how sure that is: a weighing of features, fitted and kept as data."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from pathlib import Path

from .hypotheses import Hypothesis
from .quads import size
from .text_boxes import Line

_WEIGHTS = Path(__file__).with_name("confidence.json")
_SURE_SCORE = 0.8
"""Score of the finder above which a line is a plate's: how far above says more of the light than of the plate."""
_DOUBTFUL_AT_MOST = 0.45
"""Confidence of letters alone at most: streets have far more signs than plates that say a word. They are given, for who
lowers a camera's threshold, but open no event by themselves. So are six digits that may be a time of day."""
_CLOCK = re.compile(
    r"(19|20)\d{2}[01]\d([0-3]\d)?.*"  # 2024-05-17...
    r"|[0-3]?\d[01]\d(19|20)\d{2}.*"  # 17.05.2024...
    r"|[01]\d[0-3]\d(19|20)\d{2}.*"  # 05/17/2024...
    r"|[0-2]\d[0-5]\d[0-5]\d(AM|PM)|[0-1]?\d[0-5]\d(AM|PM)"  # 12:34:56 PM, 1:30 PM
    r"|\d{8,}"
)
_TIME = re.compile(r"[0-2]\d[0-5]\d[0-5]\d")  # 12:34:56


def is_stamp(text: str) -> bool:
    """Tell whether a text is a date or a time of day, as cameras write them into their pictures, and no plate."""
    return _CLOCK.fullmatch(text) is not None


def may_be_time(text: str) -> bool:
    """Tell whether a text may be a time of day, and may be a plate: there are some of six digits."""
    return _TIME.fullmatch(text) is not None


def features(hypothesis: Hypothesis, line: Line) -> dict[str, float]:
    """Return what speaks for and against a plate, each about -3 to 3."""
    width, height = size(line.corners)
    text = hypothesis.text
    return {
        "chance": _logit(hypothesis.chance),
        "evidence": _logit(hypothesis.evidence),
        "weakest": _logit(min(hypothesis.characters)),
        "agreement": hypothesis.agreement,
        "syntax": math.sqrt(hypothesis.syntax.weight) if hypothesis.syntax else 0.0,
        "score": min(line.score, _SURE_SCORE),
        "height": math.log(height / 20.0),
        "shape": abs(math.log(width / height / (0.62 * len(text) + 0.3))),
        "length": abs(len(text) - 6.7),
        "word": 0.0 if any(char.isdigit() for char in text) else 1.0,
        "digits": sum(char.isdigit() for char in text) / len(text),
    }


def confidence(found: dict[str, float], recognisers: int, *, doubtful: bool = False) -> float:
    """Return the probability that the text is a plate and right to the letter.

    Args:
        found: features of the reading.
        recognisers: how many have looked at it: 1 or 2.
        doubtful: whether it says something that is seldom a plate, however well it can be read.
    """
    weights = _weights()[str(recognisers)]
    most = _DOUBTFUL_AT_MOST if doubtful or found["word"] else 1.0
    total = weights["constant"] + sum(weights.get(name, 0.0) * value for name, value in found.items())
    return min(most, 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total)))))


@cache
def _weights() -> dict[str, dict[str, float]]:
    read: dict[str, dict[str, float]] = json.loads(_WEIGHTS.read_text())
    return read


def _logit(chance: float) -> float:
    bounded = min(max(chance, 0.002), 0.998)
    return math.log(bounded / (1.0 - bounded)) / 2.0

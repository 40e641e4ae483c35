"""What a line may say: texts of several looks at it, weighed together, with a preference for syntaxes of plates."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .alphabet import LONGEST, SHORTEST, Distribution, blurred
from .decoding import character_chances, likely_texts, log_probability
from .syntaxes import Syntax, fit, resolved

PREFERENCE = 3.0
"""Added to the log-probability of a text of the commonest syntax."""
BLUR = 0.2
"""Share of probability that 0, O and Q, and 1 and I, take from each other: on many plates they are one sign."""
_EXPLORED = 3
"""Texts of which look-alikes are weighed too."""
_FLOOR = -12.0
"""Least log-probability that one recogniser gives a text: none may rule one out alone."""
_WEIGHED = 24
_TOLD = 5
_SHORTEST_WORD = 5


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The likeliest text of a line.

    Attributes:
        text: what it says.
        chance: its share among the texts that were weighed, with the preference for syntaxes.
        evidence: its probability by the looks alone, per character.
        agreement: share of the looks of which it is the likeliest text.
        characters: confidence of each character.
        syntax: the syntax that it has.
        alternatives: other texts and their shares, the likeliest first.
    """

    text: str
    chance: float
    evidence: float
    agreement: float
    characters: tuple[float, ...]
    syntax: Syntax | None
    alternatives: tuple[tuple[str, float], ...]


def weigh(looks: list[list[Distribution]], region: str) -> Hypothesis | None:
    """Return what a line says by all looks at it, or None where it can be no plate.

    Args:
        looks: by recogniser: what it gave for each crop. Crops of one recogniser are likely wrong together, so the
            mean of their probabilities counts; recognisers err apart, so theirs are multiplied.
        region: the syntaxes to prefer; empty: all.
    """
    each = [places for group in looks for places in group]
    found = [likely_texts(places) for places in each]
    texts = _candidates(found, region)
    if not texts:
        return None
    by_looks = np.mean([_by_one(group, texts) for group in looks if group], axis=0)
    syntaxes = [fit(text, region) for text in texts]
    scores = by_looks + np.asarray([PREFERENCE * syntax.weight**0.5 if syntax else 0.0 for syntax in syntaxes])
    shares = np.exp(scores - np.logaddexp.reduce(scores))
    order = np.argsort(-scores, kind="stable")
    best = int(order[0])
    text = texts[best]
    chances = np.mean([character_chances(places, text) for places in each], axis=0)
    return Hypothesis(
        text=text,
        chance=float(shares[best]),
        evidence=float(np.exp(by_looks[best] / len(text))),
        agreement=sum(each_of[0] == text for each_of in found) / len(found),
        characters=tuple(round(float(chance), 4) for chance in chances),
        syntax=syntaxes[best],
        alternatives=tuple((texts[int(k)], round(float(shares[k]), 4)) for k in order[1 : _TOLD + 1]),
    )


def _by_one(group: list[Distribution], texts: list[str]) -> NDArray[np.float64]:
    """Return the log-probabilities that one recogniser gives to texts over its crops."""
    logs = np.stack([log_probability(blurred(places, BLUR), texts) for places in group])
    mean: NDArray[np.float64] = np.logaddexp.reduce(logs, axis=0) - np.log(len(group))
    return np.maximum(mean, _FLOOR)


def _candidates(found: list[list[str]], region: str) -> list[str]:
    """Return the texts worth weighing: those that the looks gave, and look-alikes of the best that have a syntax."""
    ranked = [text for texts in itertools.zip_longest(*found) for text in texts if text is not None and _may_be(text)]
    more = [other for text in ranked[:_EXPLORED] for other in sorted(resolved(text, region))]
    return list(dict.fromkeys(ranked[:_WEIGHED] + more))


def _may_be(text: str) -> bool:
    """Tell whether a text is long enough; without a digit it takes more, for most such lines are words."""
    return (SHORTEST if any(char.isdigit() for char in text) else _SHORTEST_WORD) <= len(text) <= LONGEST

"""Distributions become texts: the likeliest ones, their probabilities, and each character's."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from gatehouse_detector.reading.alphabet import BLANK, CHARACTERS, COLUMNS, Distribution, as_digit, as_letter, folded
from gatehouse_detector.reading.decoding import best_text, character_chances, likely_texts, log_probability


def spelled(path: str, sure: float = 0.9) -> Distribution:
    """Return places that say a path; ``_`` is blank."""
    places = np.full((len(path), COLUMNS), (1 - sure) / (COLUMNS - 1), np.float32)
    for at, char in enumerate(path):
        places[at, BLANK if char == "_" else CHARACTERS.index(char) + 1] = sure
    return places


def by_all_paths(places: Distribution, text: str) -> float:
    """Return the probability of a text, by laying out every path there is."""
    used = sorted({BLANK, *(CHARACTERS.index(char) + 1 for char in text)})
    total = 0.0
    for path in itertools.product(used, repeat=len(places)):
        merged = [c for at, c in enumerate(path) if c != BLANK and (at == 0 or c != path[at - 1])]
        if "".join(CHARACTERS[c - 1] for c in merged) == text:
            total += math.prod(float(places[t, c]) for t, c in enumerate(path))
    return total


@pytest.mark.parametrize(
    ("path", "text"), [("AA_B__7", "AB7"), ("A_A", "AA"), ("1_1111", "11"), ("___", ""), ("KK0", "K0")]
)
def test_the_likeliest_text_is_the_one_spelled(path: str, text: str) -> None:
    places = spelled(path)
    assert best_text(places) == text
    assert likely_texts(places)[0] == text


@pytest.mark.parametrize("text", ["AB", "AA", "A", "", "BAB"])
def test_a_texts_probability_is_that_of_all_its_paths(text: str) -> None:
    rng = np.random.default_rng(5)
    places = rng.random((6, COLUMNS)).astype(np.float32) ** 6
    places /= places.sum(axis=1, keepdims=True)
    assert math.exp(log_probability(places, [text])[0]) == pytest.approx(by_all_paths(places, text), rel=1e-4, abs=1e-9)


def test_texts_that_are_nearly_as_likely_are_found_too() -> None:
    places = spelled("A_B_7_", 0.97)
    for at, other in ((2, "8"), (4, "T")):
        places[at, CHARACTERS.index(other) + 1] = 0.4
    places[3, CHARACTERS.index("J") + 1] = 0.3
    places[0, BLANK] = 0.2
    texts = likely_texts(places)
    assert texts[0] == "AB7"
    assert {"A87", "ABT", "A8T", "ABJ7", "B7"} <= set(texts)
    exact = dict(zip(texts, log_probability(places, texts), strict=True))
    assert max(exact, key=lambda text: exact[text]) == "AB7"


def test_the_unsure_character_is_known() -> None:
    places = spelled("AA_B_7", 0.97)
    places[3, :] = 0.5 / (COLUMNS - 1)
    places[3, CHARACTERS.index("B") + 1] = 0.5
    chances = character_chances(places, "AB7")
    assert len(chances) == 3
    assert min(range(3), key=lambda at: chances[at]) == 1


def test_letters_that_plates_do_not_tell_from_digits_are_folded() -> None:
    assert folded("OQI7") == folded("0017")
    assert (as_digit("B"), as_letter("8"), as_digit("X"), as_letter("K")) == ("8", "B", "", "K")

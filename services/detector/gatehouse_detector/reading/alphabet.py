"""The characters of plates, and distributions over them as recognisers give them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What plates are made of; anything else on them is not part of the text."""
BLANK = 0
"""The column that says: no character here, or the last one goes on."""
COLUMNS = len(CHARACTERS) + 1
LONGEST = 12
"""Characters of a plate; no country has as many, so what is longer is none."""
SHORTEST = 4
"""Characters of a plate that is answered: shorter ones cannot be told from house numbers and badges."""

Distribution = NDArray[np.float32]
"""Probabilities of a row of places from left to right: places, columns. Column 0 is blank, then 0-9, A-Z."""

_FOLDED = str.maketrans("OQI", "001")
_DIGITS = dict(zip("OQDILBSZGAT", "00011852647", strict=True))
_LETTERS = dict(zip("0185264", "OIBSZGA", strict=True)) | {"7": "T"}
_SAME = ("0OQ", "1I")


def folded(text: str) -> str:
    """Return the text with the letters that many plates do not tell from digits, as those digits."""
    return text.translate(_FOLDED)


def blurred(places: Distribution, share: float) -> Distribution:
    """Return places in which signs that many plates draw alike take a share of each other's probability."""
    answer = places.copy()
    for signs in _SAME:
        columns = [CHARACTERS.index(sign) + 1 for sign in signs]
        mean = places[:, columns].mean(axis=1, keepdims=True)
        answer[:, columns] = (1 - share) * places[:, columns] + share * mean
    return answer


def as_digit(char: str) -> str:
    """Return the digit that a character may be, empty if none."""
    return char if char.isdigit() else _DIGITS.get(char, "")


def as_letter(char: str) -> str:
    """Return the letter that a character may be, empty if none."""
    return _LETTERS.get(char, "") if char.isdigit() else char

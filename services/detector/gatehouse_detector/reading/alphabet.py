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

_LOOKS_LIKE = {"O": "0DQ", "0": "ODQ", "Q": "0O", "D": "0O", "I": "1L", "1": "IL", "L": "1", "B": "8", "8": "B"}
_LOOKS_LIKE |= {"S": "5", "5": "S", "Z": "2", "2": "Z", "G": "6", "6": "G", "T": "7", "7": "T", "A": "4", "4": "A"}
_FOLDED = str.maketrans("OQI", "001")


def folded(text: str) -> str:
    """Return the text with the letters that many plates do not tell from digits, as those digits."""
    return text.translate(_FOLDED)


def look_alikes(text: str) -> list[str]:
    """Return the texts that differ in one character, by one that looks like it."""
    return [text[:at] + other + text[at + 1 :] for at, char in enumerate(text) for other in _LOOKS_LIKE.get(char, "")]

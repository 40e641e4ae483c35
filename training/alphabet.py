"""The signs that the plate reader knows, and how texts become targets and back."""

from __future__ import annotations

from collections.abc import Iterable

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABET = DIGITS + LETTERS
BLANK = 0
CLASSES = len(ALPHABET) + 1

_INDEX = {sign: place for place, sign in enumerate(ALPHABET, start=1)}


def encode(text: str) -> list[int]:
    """Give the classes of a text.

    Raises:
        KeyError: A sign is not of the alphabet.
    """
    return [_INDEX[sign] for sign in text]


def decode(path: Iterable[int]) -> str:
    """Give the text of the best path: repeated classes count once, blanks not at all."""
    text, last = "", BLANK
    for place in path:
        if place not in (last, BLANK):
            text += ALPHABET[place - 1]
        last = place
    return text


def fold(text: str) -> str:
    """Make signs that many plates draw alike equal: O, Q and 0; I and 1."""
    return text.translate(str.maketrans("OQI", "001"))

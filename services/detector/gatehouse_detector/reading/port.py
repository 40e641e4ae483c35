"""What an engine is: a picture goes in, the plates in it come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Pixels of a picture: rows, columns, blue-green-red."""

MOST_PIXELS = 50_000_000
"""Of one picture: 8192 x 6144; decoded it takes 150 MB."""

Point = tuple[float, float]
"""Pixels from the left edge and from the upper edge."""

Quad = tuple[Point, Point, Point, Point]
"""Corners of a plate as it stands in the picture: upper left, upper right, lower right, lower left of its text."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One plate, read once.

    Attributes:
        text: what it says, in A-Z and 0-9 alone.
        confidence: calibrated: of the readings with 0.9, nine in ten are right to the letter.
        characters: confidence of each character of ``text``.
        quad: where it is.
        region: the table of syntaxes that it fits, e.g. ``us``; empty: none.
        pattern: the syntax in that table, e.g. ``AAA-9A99``; empty: none.
        alternatives: other texts that it may say, with their probabilities, the likeliest first.
    """

    text: str
    confidence: float
    characters: tuple[float, ...]
    quad: Quad
    region: str = ""
    pattern: str = ""
    alternatives: tuple[tuple[str, float], ...] = ()


class Engine(Protocol):
    """Reads plates. Used by one thread at a time."""

    def read(self, image: Image, region: str = "") -> list[Reading]:
        """Return the plates in a picture, the surest first; what is judged to be none is left out.

        Args:
            image: the picture, or a region of one at its own resolution.
            region: the syntaxes to prefer, e.g. ``eu``; empty: all alike.
        """
        ...

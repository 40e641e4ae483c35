"""The bundled networks for text used as they come, on whole pictures: what plates are measured against."""

from __future__ import annotations

from .alphabet import CHARACTERS
from .port import Image
from .quads import straightened
from .recognisers import HEIGHT, TextRecogniser
from .text_boxes import TextBoxes

_LEAST_SIDE = 736  # these three are the defaults of the package that the networks come from
_LEAST_SCORE = 0.5
_WIDEST = 3200


class OffTheShelf:
    """Reads all lines of text in a picture, and knows nothing of plates."""

    def __init__(self, threads: int = 1) -> None:
        self._finder = TextBoxes(least=_LEAST_SIDE, threads=threads)
        self._recogniser = TextRecogniser(threads)

    def read(self, image: Image) -> list[tuple[str, float]]:
        """Return the lines, in A-Z and 0-9 alone, the surest first."""
        lines = self._finder.find(image)
        read = [self._recogniser.plain([straightened(image, line.corners, HEIGHT, _WIDEST)])[0] for line in lines]
        told = [("".join(c for c in text.upper() if c in CHARACTERS), score) for text, score in read]
        return sorted((each for each in told if each[0] and each[1] >= _LEAST_SCORE), key=lambda each: -each[1])

"""The engine of the package fast-alpr, for those who install it: it fetches its networks when it is first used."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from gatehouse_common.errors import Unavailable

from .alphabet import CHARACTERS, LONGEST
from .port import Image, Reading
from .syntaxes import fit, known_region

_PACKAGE = "fast_alpr"


class FastAlprEngine:
    """Reads plates with fast-alpr.

    Raises:
        Unavailable: it is not installed, or its networks cannot be fetched.
    """

    def __init__(self) -> None:
        try:
            package = importlib.import_module(_PACKAGE)
        except ImportError as error:
            raise Unavailable("the reader fast-alpr is not installed: `pip install 'gatehouse[fast-alpr]'`.") from error
        try:
            self._alpr: Any = package.ALPR()
        except Exception as error:  # whatever its fetching of files meets
            reason = " ".join(str(error).split())[:200]
            raise Unavailable(f"the networks of fast-alpr cannot be fetched or opened: {reason}") from error

    def read(self, image: Image, region: str = "") -> list[Reading]:
        """Return the plates in a picture, the surest first."""
        region = known_region(region)
        readings = [_reading(found, region) for found in self._alpr.predict(image)]
        return sorted((each for each in readings if each is not None), key=lambda each: -each.confidence)


def _reading(found: Any, region: str) -> Reading | None:
    if found.ocr is None:
        return None
    text = "".join(char for char in str(found.ocr.text).upper() if char in CHARACTERS)
    if not 0 < len(text) <= LONGEST:
        return None
    given = found.ocr.confidence
    each = [float(chance) for chance in given] if isinstance(given, Iterable) else [float(given)] * len(text)
    each = (each + [min(each, default=0.0)] * len(text))[: len(text)]
    box = found.detection.bounding_box
    left, top, right, bottom = (float(side) for side in (box.x1, box.y1, box.x2, box.y2))
    syntax = fit(text, region)
    return Reading(
        text=text,
        confidence=min(1.0, float(found.detection.confidence)) * sum(each) / len(each),
        characters=tuple(each),
        quad=((left, top), (right, top), (right, bottom), (left, bottom)),
        region=syntax.region if syntax else region,
        pattern=syntax.pattern if syntax else "",
    )

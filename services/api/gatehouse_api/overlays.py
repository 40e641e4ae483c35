"""Plates drawn into a picture: a box around each, and its text beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from gatehouse_common.errors import DataLoss
from gatehouse_common.media.lettering import render_text

from .routes.plate_models import Box

_QUALITY = 85
_COLOUR = (94, 194, 164)
_INK = (13, 31, 26)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something to draw: edges in pixels (left, upper, right, lower), and what to write beside them."""

    box: Box
    text: str


def draw_marks(jpeg: bytes, marks: Sequence[Mark], picture_width: int = 0) -> bytes:
    """Return a JPEG with marks drawn into it; without any, as it is.

    Args:
        jpeg: the picture.
        marks: what to draw.
        picture_width: of the picture that the marks are in pixels of; 0: this one.

    Raises:
        DataLoss: it is no JPEG.
    """
    if not marks:
        return jpeg
    try:
        pixels = simplejpeg.decode_jpeg(jpeg, "RGB", strict=False).copy()
    except ValueError as error:
        raise DataLoss(f"the picture cannot be decoded: {error}") from error
    scale = pixels.shape[1] / picture_width if picture_width else 1.0
    for mark in marks:
        _draw(pixels, mark, scale)
    encoded: bytes = simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), _QUALITY, "RGB", "420")
    return encoded


def _draw(pixels: Pixels, mark: Mark, scale: float) -> None:
    rows, columns = pixels.shape[:2]
    thick = max(2, columns // 400)
    left, upper, right, lower = (round(edge * scale) for edge in mark.box)
    left, right = sorted((min(max(left, 0), columns - 1), min(max(right, 0), columns - 1)))
    upper, lower = sorted((min(max(upper, 0), rows - 1), min(max(lower, 0), rows - 1)))
    for y in (upper - thick, lower):
        pixels[max(0, y) : max(0, y + thick), max(0, left - thick) : right + thick] = _COLOUR
    for x in (left - thick, right):
        pixels[max(0, upper - thick) : lower + thick, max(0, x) : max(0, x + thick)] = _COLOUR
    _write(pixels, mark.text, left - thick, upper - thick, lower + thick)


def _write(pixels: Pixels, text: str, left: int, upper: int, lower: int) -> None:
    """Write a text above a box, or below it where there is no room above."""
    rows, columns = pixels.shape[:2]
    if not text:
        return
    size = max(1, columns // 480)
    letters = np.pad(render_text(text[:40], size), size)
    height, width = letters.shape
    top = upper - height if upper >= height else min(lower, rows - height)
    start = min(max(left, 0), max(0, columns - width))
    if top < 0:
        return
    window = pixels[top : top + height, start : start + width]
    letters = letters[:, : window.shape[1]]
    window[...] = np.where(letters[:, :, None], np.array(_INK, np.uint8), np.array(_COLOUR, np.uint8))

"""Plates cut out of the pictures that they were read on, and how well they can be seen there."""

from __future__ import annotations

import math

import cv2
import numpy as np
import simplejpeg

from .reading.port import Image, Quad

_MARGIN_X, _MARGIN_Y = 0.15, 0.6
"""Of the text's width and height: what is around it tells a person that it is the right plate."""
_QUALITY = 90
_LEGIBLE_HEIGHT = 40.0
_SHARP_HEIGHT = 48
_SHARP = 0.15


def crop_of(image: Image, quad: Quad) -> bytes:
    """Return the plate with a margin as a JPEG; empty if it lies outside the picture."""
    piece = _piece(image, quad, _MARGIN_X, _MARGIN_Y)
    return simplejpeg.encode_jpeg(piece, quality=_QUALITY, colorspace="BGR") if piece.size else b""


def clarity_of(image: Image, quad: Quad) -> float:
    """Return how large and sharp a plate is, 0 to 1."""
    piece = _piece(image, quad, 0.0, 0.0)
    if not piece.size:
        return 0.0
    height = min(math.dist(quad[0], quad[3]), math.dist(quad[1], quad[2]))
    grey = cv2.cvtColor(piece, cv2.COLOR_BGR2GRAY)
    scale = _SHARP_HEIGHT / grey.shape[0]
    width = max(1, min(1024, round(grey.shape[1] * scale)))
    same_size = cv2.resize(grey, (width, _SHARP_HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
    contrast = float(same_size.var())
    edges = float(cv2.Laplacian(same_size, cv2.CV_32F).var()) / (contrast + 1.0)
    return min(1.0, height / _LEGIBLE_HEIGHT) * edges / (edges + _SHARP)


def _piece(image: Image, quad: Quad, margin_x: float, margin_y: float) -> Image:
    xs, ys = [x for x, _ in quad], [y for _, y in quad]
    dx, dy = (max(xs) - min(xs)) * margin_x, (max(ys) - min(ys)) * margin_y
    rows, columns = image.shape[:2]
    left, right = max(0, int(min(xs) - dx)), min(columns, math.ceil(max(xs) + dx))
    top, bottom = max(0, int(min(ys) - dy)), min(rows, math.ceil(max(ys) + dy))
    return np.ascontiguousarray(image[top : max(top, bottom), left : max(left, right)])

"""One line of text as a mask: signs, gaps, dashes, seals and emblems side by side."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from training.alphabet import ALPHABET
from training.fonts import HEIGHT as _SMALL

Mask = NDArray[np.float32]


class Face(Protocol):
    """What signs are taken from: drawn strokes or a type face."""

    def glyph(self, sign: str, height: int) -> NDArray[np.uint8]:
        """Give a sign so many pixels high, with what hangs below the line."""
        ...


class Line:
    """A line being set: ``ink`` is what is printed like the signs, ``marks`` what is put between them.

    Both are masks of 0 to 1 over ``height`` pixels and a hang of a fifth of that.
    """

    def __init__(self, height: int) -> None:
        self.height = height
        self._pieces: list[tuple[int, int, Mask, bool]] = []
        self.width = 0

    def gap(self, width: float) -> None:
        """Leave so many pixels free."""
        self.width = max(0, self.width + round(width))

    def put(self, piece: NDArray[np.uint8], top: int = 0, *, mark: bool = False) -> None:
        """Set a piece at the end of the line."""
        self._pieces.append((self.width, top, piece.astype(np.float32) / 255, mark))
        self.width += piece.shape[1]

    def masks(self) -> tuple[Mask, Mask]:
        """Give the line's ink and its marks."""
        size = (self.height + self.height // 4 + 2, max(1, self.width))
        ink, marks = np.zeros(size, np.float32), np.zeros(size, np.float32)
        for left, top, piece, mark in self._pieces:
            target = marks if mark else ink
            high, wide = min(piece.shape[0], size[0] - top), min(piece.shape[1], size[1] - left)
            part = target[top : top + high, left : left + wide]
            np.maximum(part, piece[:high, :wide], out=part)
        return ink, marks


def set_line(rng: np.random.Generator, text: str, face: Face, height: int, style: str) -> tuple[Mask, Mask]:
    """Set a plate's text.

    Args:
        rng: The source of chance.
        text: Signs, and ``-`` where groups part.
        face: What the signs are drawn with.
        height: Of a sign, pixels.
        style: ``us``, ``eu`` or ``br``: what stands between groups there.

    Returns:
        The masks of ink and of marks.
    """
    line = Line(height)
    aspect = rng.uniform(0.8, 1.15)
    spacing = height * float(rng.choice([rng.uniform(0.02, 0.1), rng.uniform(0.08, 0.22)]))
    monospaced = rng.random() < 0.35
    cell = int(height * rng.uniform(0.42, 0.58))
    if rng.random() < 0.12:
        _logo(rng, line, spacing)
    for place, sign in enumerate(text):
        if sign == "-":
            _part(rng, line, style, spacing)
            continue
        glyph = face.glyph(sign, height)
        spare = max(0.0, cell - glyph.shape[1]) if monospaced else 0.0
        line.gap(spare / 2)
        line.put(glyph)
        line.gap(spare / 2 + (spacing if place < len(text) - 1 else 0))
    if rng.random() < 0.06:
        line.gap(spacing)
        _logo(rng, line, 0)
    ink, marks = line.masks()
    if abs(aspect - 1) > 0.05:
        size = max(2, round(ink.shape[1] * aspect)), ink.shape[0]
        ink, marks = cv2.resize(ink, size), cv2.resize(marks, size)
    return ink, marks


def _logo(rng: np.random.Generator, line: Line, spacing: float) -> None:
    """Put an emblem before or after all signs: a badge, a flag, a wheelchair, a club's mark."""
    side = rng.uniform(0.4, 1.0)
    line.put(blob(rng, int(line.height * side)), int(line.height * rng.uniform(0, 1 - side)), mark=rng.random() < 0.7)
    line.gap(spacing + line.height * rng.uniform(0.03, 0.3))


def _part(rng: np.random.Generator, line: Line, style: str, spacing: float) -> None:
    """Part two groups in one of the ways that plates do."""
    kinds = {
        "us": (["gap", "dash", "dot", "emblem"], [0.38, 0.14, 0.13, 0.35]),
        "eu": (["gap", "dash", "seals", "emblem"], [0.3, 0.3, 0.25, 0.15]),
        "br": (["dot", "dash", "gap"], [0.7, 0.15, 0.15]),
    }[style]
    height = line.height
    room = max(0.0, rng.uniform(0.0, 0.2) * height - spacing)
    match rng.choice(kinds[0], p=kinds[1]):
        case "gap":
            line.gap(height * rng.uniform(0.1, 0.6))
        case "dash":
            line.gap(room)
            wide, thick = max(2, int(height * rng.uniform(0.1, 0.35))), max(2, int(height * rng.uniform(0.07, 0.16)))
            line.put(np.full((thick, wide), 255, np.uint8), int(height * rng.uniform(0.4, 0.55)))
            line.gap(room + spacing)
        case "dot":
            line.gap(room)
            line.put(blob(rng, int(height * rng.uniform(0.12, 0.26)), solid=True), int(height * rng.uniform(0.35, 0.5)))
            line.gap(room + spacing)
        case "seals":
            side = int(height * rng.uniform(0.25, 0.42))
            left = line.width + round(room)
            for top in (0.02, 0.55) if rng.random() < 0.75 else (0.3,):
                line.width = left
                line.put(blob(rng, side), int(height * top), mark=True)
            line.gap(room + spacing)
        case _:
            line.gap(room)
            side = rng.uniform(0.3, 0.85)
            line.put(blob(rng, int(height * side)), int(height * rng.uniform(0, 1 - side)), mark=True)
            line.gap(room + spacing)


def blob(rng: np.random.Generator, side: int, *, solid: bool = False) -> NDArray[np.uint8]:
    """Draw an emblem, a seal, a sticker or a bullet about so many pixels wide."""
    side = max(3, side)
    wide = side if solid else max(3, int(side * rng.uniform(0.6, 1.2)))
    out = np.zeros((side, wide), np.uint8)
    kind = rng.integers(2) if solid else rng.integers(4)
    if kind == 0:
        cv2.ellipse(out, (wide // 2, side // 2), (wide // 2, side // 2), 0, 0, 360, 255, -1)
    elif kind == 1:
        out[:] = 255
    else:
        corners = rng.uniform(0, 1, (int(rng.integers(4, 9)), 2)) * (wide, side)
        turn = np.arctan2(corners[:, 1] - side / 2, corners[:, 0] - wide / 2)
        cv2.fillPoly(out, [corners[np.argsort(turn)].astype(np.int32)], 255)
    if not solid and rng.random() < 0.4:
        out = cv2.morphologyEx(out, cv2.MORPH_GRADIENT, np.ones((max(2, side // 8),) * 2, np.uint8))
        for _ in range(int(rng.integers(0, 4))):
            ends = (rng.random((2, 2)) * (wide, side)).astype(int).tolist()
            cv2.line(out, ends[0], ends[1], 255, max(1, side // 9))
    elif not solid and rng.random() < 0.7:
        coarse = rng.integers(60, 256, (max(2, side // 5), max(2, wide // 5)), np.uint8)
        out = cv2.multiply(out, cv2.resize(coarse, (wide, side)), scale=1 / 255)
    return out


def set_words(rng: np.random.Generator, words: str, face: Face, height: int) -> Mask:
    """Set small print: a state's name, a slogan, a city, a dealer. Signs that no face has become gaps."""
    line = Line(_SMALL)
    known = getattr(face, "glyphs", {})
    spacing = _SMALL * rng.uniform(0.02, 0.2)
    for sign in words:
        drawn = sign if sign in known or sign in ALPHABET else sign.upper()
        if drawn in known or drawn in ALPHABET:
            line.put(face.glyph(drawn, _SMALL))
            line.gap(spacing)
        elif sign == "-":
            line.put(np.full((_SMALL // 8, _SMALL // 3), 255, np.uint8), _SMALL // 2)
            line.gap(spacing)
        else:
            line.gap(_SMALL * 0.4)
    ink = line.masks()[0]
    scale = height / _SMALL
    size = max(2, round(ink.shape[1] * scale)), max(2, round(ink.shape[0] * scale))
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA)

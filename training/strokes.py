"""Signs drawn from strokes: the rounded monoline faces that plates are embossed with, in endless variations.

A sign is one or more strokes in a box of width and height one, y down: ``x,y`` is a corner, ``x,yr`` a rounded one,
``z`` closes the stroke, ``|`` parts strokes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.alphabet import ALPHABET

Mask = NDArray[np.uint8]
Points = list[tuple[float, float, bool]]

_DRAWINGS: dict[str, tuple[str, ...]] = {
    "0": (
        "0,0r 1,0r 1,1r 0,1r z",
        "0,0r 1,0r 1,1r 0,1r z",
        "0,0r 1,0r 1,1r 0,1r z|.12,.85 .88,.15",
        ".85,0 0,0r 0,1r 1,1r 1,.12",
    ),
    "1": (
        ".5,0 .5,1",
        ".1,.2 .55,0 .55,1",
        ".1,.22 .3,.2r .55,0 .55,1",
        ".1,.2 .55,0 .55,1|.1,1 1,1",
        "0,.14 .5,.14r .5,0 .5,1",
    ),
    "2": (
        "0,.25 0,0r 1,0r 1,.46r 0,1 1,1",
        "0,.25 0,0r 1,0r 1,.42r 0,.78r 0,1 1,1",
        "0,.22 0,0r .95,0r .95,.4r .1,.9 0,1 1,1",
    ),
    "3": (
        "0,.22 0,0r 1,0r 1,.47r .4,.47|.4,.47 1,.47r 1,1r 0,1r 0,.78",
        "0,0 1,0 .42,.4 1,.42r 1,1r 0,1r 0,.78",
        "0,.18 0,0r .94,0r .94,.46r .3,.46|.3,.46 1,.46r 1,1r 0,1r 0,.8",
    ),
    "4": (
        ".75,1 .75,0 0,.7 1,.7",
        ".62,0 0,.72 1,.72|.76,.45 .76,1",
        ".75,1 .75,0 .6,0 0,.62 0,.74 1,.74",
        "0,0 0,.58 1,.58|.8,.2 .8,1",
    ),
    "5": (
        ".95,0 .06,0 0,.5 .2,.38r 1,.38r 1,1r 0,1r 0,.78",
        ".95,0 0,0 0,.42 1,.42r 1,1r 0,1r 0,.8",
        "1,0 .1,0 .05,.45 1,.36r 1,1r 0,1r 0,.8",
    ),
    "6": (
        "1,.22 1,0r 0,0r 0,1r 1,1r 1,.43r 0,.45",
        ".8,0 0,.5r 0,1r 1,1r 1,.4r .12,.42",
        ".9,0 .4,0r 0,.4r 0,1r 1,1r 1,.42r .05,.44",
    ),
    "7": ("0,0 1,0 .35,1", "0,0 1,0 1,.14 .42,.6r .38,1", "0,.15 0,0 1,0 .4,1"),
    "8": (
        ".06,0r .94,0r .94,.46r .06,.46r z|0,.46r 1,.46r 1,1r 0,1r z",
        "0,0r 1,0r 1,.48r 0,.48r z|0,.48r 1,.48r 1,1r 0,1r z",
        ".08,.02r .92,.02r .92,.36r 0,.6r 0,1r 1,1r 1,.6r .08,.36r z",
    ),
    "9": (
        "0,.78 0,1r 1,1r 1,0r 0,0r 0,.57r 1,.55",
        ".2,1 1,.5r 1,0r 0,0r 0,.6r .88,.58",
        ".1,1 .6,1r 1,.6r 1,0r 0,0r 0,.58r .95,.56",
    ),
    "A": (
        "0,1 .5,0 1,1|.16,.68 .84,.68",
        "0,1 .4,0 .6,0 1,1|.14,.68 .86,.68",
        "0,1 0,.35r .5,0r 1,.35r 1,1|0,.6 1,.6",
        "0,1 .5,0 1,1|.1,.78 .9,.78",
    ),
    "B": ("0,0 .92,0r .92,.47r 0,.47|0,.47 1,.47r 1,1r 0,1 0,0", "0,0 1,0r 1,.49r 0,.49|0,.49 1,.49r 1,1r 0,1 0,0"),
    "C": ("1,.25 1,0r 0,0r 0,1r 1,1r 1,.75", "1,.32 1,0r 0,0r 0,1r 1,1r 1,.68", "1,0r 0,0r 0,1r 1,1"),
    "D": ("0,0 1,0r 1,1r 0,1 z", "0,0 .6,0r 1,.4r 1,.6r .6,1r 0,1 z"),
    "E": ("1,0 0,0 0,1 1,1|0,.48 .8,.48", "1,0 0,0 0,1 1,1|0,.48 1,.48"),
    "F": ("1,0 0,0 0,1|0,.48 .8,.48", "1,0 0,0 0,1|0,.52 .92,.52"),
    "G": (
        "1,.25 1,0r 0,0r 0,1r 1,1r 1,.55 .55,.55",
        "1,.25 1,0r 0,0r 0,1r 1,1r 1,.55 .5,.55",
        "1,.22 1,0r 0,0r 0,1r .8,1r .98,.9 .98,.56 .5,.56",
        "1,.25 1,0r 0,0r 0,1r 1,1r 1,.5",
    ),
    "H": ("0,0 0,1|1,0 1,1|0,.48 1,.48",),
    "I": (".5,0 .5,1", ".5,0 .5,1", ".5,0 .5,1|.1,0 .9,0|.1,1 .9,1"),
    "J": ("1,0 1,1r 0,1r 0,.72", "1,0 1,1r 0,1r 0,.65", ".4,0 1,0 1,1r 0,1r 0,.74", ".8,0 .8,1r .1,1"),
    "K": ("0,0 0,1|1,0 0,.62|.36,.42 1,1", "0,0 0,1|.95,0 .05,.5 1,1", "0,0 0,1|0,.5 .3,.5 1,0|.3,.5 1,1"),
    "L": ("0,0 0,1 1,1",),
    "M": ("0,1 0,0 .5,.62 1,0 1,1", "0,1 0,0 .5,1 1,0 1,1", "0,1 0,0 .5,.45 1,0 1,1", "0,1 .1,0 .5,.75 .9,0 1,1"),
    "N": ("0,1 0,0 1,1 1,0",),
    "O": ("0,0r 1,0r 1,1r 0,1r z",),
    "P": ("0,1 0,0 1,0r 1,.54r 0,.54", "0,1 0,0 1,0r 1,.6r 0,.6", "0,1 0,0 1,0r 1,.54r .25,.54"),
    "Q": (
        "0,0r 1,0r 1,1r 0,1r z|.6,.72 1.04,1.06",
        "0,0r 1,0r 1,1r 0,1r z|.5,.8 .8,.84r 1,1.1",
        "0,0r 1,0r 1,1r 0,1r z|.62,.8 .88,1.16",
        "0,0r 1,0r 1,1r 0,1r z|.5,.65 1,1",
    ),
    "R": (
        "0,1 0,0 1,0r 1,.53r 0,.53|.45,.53 1,1",
        "0,1 0,0 1,0r 1,.5r 0,.5|.6,.5 .98,.56r 1,1",
        "0,1 0,0 1,0r 1,.53r .25,.53|.5,.53 1,1",
    ),
    "S": (
        "1,.22 1,0r 0,0r 0,.48r 1,.5r 1,1r 0,1r 0,.78",
        "1,.2 .9,0r 0,0r 0,.4r 1,.6r 1,1r .1,1r 0,.8",
        ".95,0 0,0r 0,.48r 1,.48r 1,1r 0,1",
    ),
    "T": ("0,0 1,0|.5,0 .5,1",),
    "U": ("0,0 0,1r 1,1r 1,0",),
    "V": ("0,0 .5,1 1,0", "0,0 .42,1 .58,1 1,0"),
    "W": (
        "0,0 .25,1 .5,.3 .75,1 1,0",
        "0,0 .22,1 .5,0 .78,1 1,0",
        "0,0 0,1 .5,.45 1,1 1,0",
        "0,0 .08,1 .5,.4 .92,1 1,0",
        "0,0 .25,1 .5,.55 .75,1 1,0",
    ),
    "X": ("0,0 1,1|1,0 0,1",),
    "Y": ("0,0 .5,.5 1,0|.5,.5 .5,1", "0,0 .5,.6 1,0|.5,.6 .5,1", "0,0 0,.3r .5,.55 1,.3r 1,0|.5,.55 .5,1"),
    "Z": ("0,0 1,0 0,1 1,1", "0,0 1,0 1,.1 0,.9 0,1 1,1"),
}
_SCALE = 2
_SHIFT = 4


def _parse(drawing: str) -> list[tuple[Points, bool]]:
    strokes = []
    for stroke in drawing.split("|"):
        points: Points = []
        closed = False
        for word in stroke.split():
            if word == "z":
                closed = True
                continue
            x, y = word.removesuffix("r").split(",")
            points.append((float(x), float(y), word.endswith("r")))
        strokes.append((points, closed))
    return strokes


_STROKES = {sign: [_parse(drawing) for drawing in drawings] for sign, drawings in _DRAWINGS.items()}
assert set(_STROKES) == set(ALPHABET)  # noqa: S101 -- a sign without a drawing must not train


@dataclass(frozen=True)
class StrokeFace:
    """One face: all its signs share their proportions and the form of their ends.

    ``width`` and ``stroke`` are parts of the height, ``radius`` a part of the width; ``choice`` picks among the
    drawings of a sign; a ``square`` pen leaves corners, a round one does not; ``even`` gives narrow signs full width.
    """

    width: float
    stroke: float
    radius: float
    square: bool
    even: bool
    choice: int
    lean: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> StrokeFace:
        """Draw a face by chance."""
        width = rng.uniform(0.34, 0.66)
        return cls(
            width=width,
            stroke=min(rng.uniform(0.09, 0.2), width * 0.31),
            radius=rng.uniform(0.18, 0.55),
            square=rng.random() < 0.35,
            even=rng.random() < 0.5,
            choice=int(rng.integers(1 << 16)),
            lean=0.0 if rng.random() < 0.85 else rng.uniform(-0.12, 0.12),
        )

    def glyph(self, sign: str, height: int) -> Mask:
        """Draw a sign so many pixels high; what hangs below the line adds to the picture's height."""
        drawings = _STROKES[sign]
        strokes = drawings[(self.choice // (1 + ALPHABET.index(sign))) % len(drawings)]
        high = height * _SCALE
        pen = max(2, round(self.stroke * high))
        wide = self.width * high * _breadth(sign, even=self.even)
        box = (max(1.0, wide - pen), float(high - pen))
        slim = sign in "I1" and not self.even
        picture = np.zeros((high + high // 5, int(wide) + 2 + 2 * _SCALE), np.uint8)
        for points, closed in strokes:
            line = _rounded(
                [(x * box[0], y * box[1], r) for x, y, r in points], self.radius * self.width * high, closed
            )
            line += (pen / 2 + 1, pen / 2)
            if self.lean:
                line[:, 0] += self.lean * (high / 2 - line[:, 1])
            whole = np.round(line * (1 << _SHIFT)).astype(np.int32)
            thick, kind = (1, cv2.LINE_8) if self.square else (pen, cv2.LINE_AA)
            cv2.polylines(picture, [whole], closed, 255, thick, kind, _SHIFT)
        if self.square:
            picture = cv2.dilate(picture, np.ones((pen, pen), np.uint8))
        if slim:
            used = np.flatnonzero(picture.any(0))
            picture = picture[:, max(0, used[0] - 1) : used[-1] + 2]
        size = (max(2, picture.shape[1] // _SCALE), picture.shape[0] // _SCALE)
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _breadth(sign: str, *, even: bool) -> float:
    if even:
        return 1.0
    return {"M": 1.2, "W": 1.25, "I": 0.7, "1": 0.7, "J": 0.9, "L": 0.9, "E": 0.9, "F": 0.9}.get(sign, 1.0)


def _rounded(points: Points, radius: float, closed: bool) -> NDArray[np.float64]:
    """Replace the rounded corners by quadratic curves of the radius, or of half the way to the next corner."""
    out: list[tuple[float, float]] = []
    last = len(points) - 1
    for place, (x, y, is_round) in enumerate(points):
        if not is_round or (not closed and place in (0, last)):
            out.append((x, y))
            continue
        (ax, ay, _), (bx, by, _) = points[place - 1], points[(place + 1) % len(points)]
        before, after = np.hypot(ax - x, ay - y) + 1e-6, np.hypot(bx - x, by - y) + 1e-6
        p, q = min(radius, before / 2) / before, min(radius, after / 2) / after
        start, end = (x + (ax - x) * p, y + (ay - y) * p), (x + (bx - x) * q, y + (by - y) * q)
        for t in (0.0, 0.25, 0.5, 0.75, 1.0):
            u, v, w = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
            out.append((u * start[0] + v * x + w * end[0], u * start[1] + v * y + w * end[1]))
    return np.array(out)
